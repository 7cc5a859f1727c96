// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/core/views.h"

#include <errno.h>
#include <stdio.h>

static int (*start)(struct err *e);

void views_register(int (*f)(struct err *e))
{
	start = f;
}

int views_open(const struct object *o, char *path, size_t size, struct err *e)
{
	int r = start ? start(e) : err_set(e, EOPNOTSUPP, "this daemon has no virtual files");

	snprintf(path, size, "%s/views/%u", model_rundir(), o->id);
	return r;
}

void views_each(void (*f)(const char *path, bool directory, void *arg), void *arg)
{
	static const struct { const char *path; bool directory; } seen[] = {
		{ "proc/meminfo" },
	};

	for (size_t i = 0; i < sizeof(seen) / sizeof(*seen); i++)
		f(seen[i].path, seen[i].directory, arg);
}
