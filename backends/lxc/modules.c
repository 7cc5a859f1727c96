// SPDX-License-Identifier: LGPL-2.1-or-later
/* Kernel modules: see modules.h. No state. */
#include "backends/lxc/modules.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/spawn.h"
#include "backends/core/value.h"

#define LOAD_MS 30000

static bool is_there(const char *name)
{
	char path[NAME_MAX + 32];
	int n = snprintf(path, sizeof(path), "/sys/module/%.64s", name);

	/* the kernel writes '_' where a file's name may have '-' */
	for (int i = 12; i < n; i++)
		path[i] = path[i] == '-' ? '_' : path[i];
	return access(path, F_OK) == 0;
}

static int load_one(const char *name, void *arg)
{
	static const char *const programs[] = { "/usr/sbin/modprobe", "/sbin/modprobe" };
	struct err *e = arg;
	const char *argv[] = { "modprobe", "--", name, NULL };
	struct spawn s = { .path = programs[access(programs[0], X_OK) < 0], .argv = argv };
	int r;

	if (is_there(name))
		return 0;
	r = spawn_run(&s, LOAD_MS, NULL, e);
	return r < 0 ? err_wrap(e, "linux.kernel_modules: %.64s", name) : 0;
}

int modules_load(const struct expanded *x, struct err *e)
{
	const char *value = expanded_get(x, "linux.kernel_modules");
	_cleanup_free_ char *text = value ? strdup(value) : NULL;

	if (!value)
		return 0;
	return text ? value_each_word(text, load_one, e) : err_sys(e, ENOMEM, "linux.kernel_modules");
}
