// SPDX-License-Identifier: LGPL-2.1-or-later
/* Usage: one row per number says where each version of control groups keeps it. Nothing is stored here. */
#include "backends/lxc/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/storage.h"

#define NO_LIMIT (UINT64_C(1) << 62)	/* "max", or what v1 writes for it */

struct source {
	const char *file;
	const char *key;	/* in a flat keyed file, NULL: the file is the number */
	uint64_t scale;		/* to base units */
};

struct item {
	const char *name;
	enum cgroup_controller controller;
	struct source v1, v2;
};

static const struct item items[] = {
	{ "cpu.usage_ns", CGROUP_CPUACCT, { "cpuacct.usage", NULL, 1 }, { "cpu.stat", "usage_usec", 1000 } },
	{ "cpu.user_ns", CGROUP_CPUACCT, { "cpuacct.usage_user", NULL, 1 }, { "cpu.stat", "user_usec", 1000 } },
	{ "cpu.system_ns", CGROUP_CPUACCT, { "cpuacct.usage_sys", NULL, 1 }, { "cpu.stat", "system_usec", 1000 } },
	{ "memory.current", CGROUP_MEMORY, { "memory.usage_in_bytes", NULL, 1 }, { "memory.current", NULL, 1 } },
	{ "memory.peak", CGROUP_MEMORY, { "memory.max_usage_in_bytes", NULL, 1 }, { "memory.peak", NULL, 1 } },
	{ "memory.limit", CGROUP_MEMORY, { "memory.limit_in_bytes", NULL, 1 }, { "memory.max", NULL, 1 } },
	{ "swap.current", CGROUP_MEMORY, { "memory.stat", "total_swap", 1 }, { "memory.swap.current", NULL, 1 } },
	{ "pids.current", CGROUP_PIDS, { "pids.current", NULL, 1 }, { "pids.current", NULL, 1 } },
	{ "pids.limit", CGROUP_PIDS, { "pids.max", NULL, 1 }, { "pids.max", NULL, 1 } },
};

static int no_data(const char *item, const char *why, struct err *e)
{
	return err_set(e, ENODATA, "%s: %s", item, why);
}

static int from_cgroup(const struct item *it, const char *path, struct buf *out, struct err *e)
{
	const struct source *s = cgroup_version(it->controller) == 2 ? &it->v2 : &it->v1;
	uint64_t v;
	int r;

	if (!cgroup_version(it->controller))
		return err_set(e, ENODATA, "%s: this kernel offers no %s controller", it->name, cgroup_name(it->controller));
	r = s->key ? cgroup_read_key(it->controller, path, s->file, s->key, &v) : cgroup_read_u64(it->controller, path, s->file, &v);
	if (r < 0)
		return err_set(e, ENODATA, "%s: this kernel does not tell", it->name);
	if (v >= NO_LIMIT)
		return no_data(it->name, "there is no limit", e);
	buf_addf(out, "%" PRIu64 "\n", v * s->scale);
	return 0;
}

/* ---- network: /proc/PID/net/dev has the interfaces of that process's namespace ---- */

static const char *const columns[] = { "rx_bytes", "rx_packets", [8] = "tx_bytes", [9] = "tx_packets" };

static int find_column(const char *name)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		if (columns[i] && !strcmp(columns[i], name))
			return (int)i;
	return -1;
}

/* "  eth0: 100 2 0 ...": the name without blanks; numbers behind the colon. */
static char *split_line(char *line, char **numbers)
{
	char *colon = strchr(line, ':');

	if (!colon)
		return NULL;
	*colon = '\0';
	*numbers = colon + 1;
	return line + strspn(line, " ");
}

static int read_dev(pid_t init, struct buf *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)init);
	return buf_read_file(out, AT_FDCWD, path, 4 << 20);
}

static int network_item(const char *item, pid_t init, struct buf *out, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *dot = strrchr(item, '.');
	int column = dot ? find_column(dot + 1) : -1;
	char *line, *next, *name, *numbers;

	if (column < 0 || read_dev(init, &b) < 0)
		return no_data(item, "no such number", e);
	for (line = b.data; line && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? (*next = '\0', next + 1) : NULL;
		name = split_line(line, &numbers);
		if (!name || strlen(name) != (size_t)(dot - item) || strncmp(name, item, (size_t)(dot - item)) != 0)
			continue;
		for (int i = 0; i < column; i++)
			strtoull(numbers, &numbers, 10);
		buf_addf(out, "%llu\n", strtoull(numbers, NULL, 10));
		return 0;
	}
	return no_data(item, "the instance has no such interface", e);
}

static int network_names(pid_t init, struct buf *out)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *line, *next, *name, *numbers;

	if (read_dev(init, &b) < 0)
		return 0;
	for (line = b.data; line && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? (*next = '\0', next + 1) : NULL;
		name = split_line(line, &numbers);
		if (name)
			buf_addf(out, "%s\n", name);
	}
	return 0;
}

static int disk_root(struct object *o, struct buf *out, struct err *e)
{
	const struct storage_ops *ops;
	struct volume v;
	uint64_t bytes;
	int r = storage_volume(o, NULL, &ops, &v, e);

	if (r == 0)
		r = ops->usage(&v, &bytes, e);
	if (r == 0)
		buf_addf(out, "%" PRIu64 "\n", bytes);
	return r == -ENOENT ? no_data("disk/root.bytes", "there is no root file system yet", e) : r;
}

int usage_item(struct object *o, const char *item, struct buf *out, struct err *e)
{
	struct run run;

	if (!strcmp(item, "disk/root.bytes"))
		return disk_root(o, out, e);
	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	if (!run.init_pid)
		return no_data(item, "the instance does not run", e);
	if (!strcmp(item, "network"))
		return network_names(run.init_pid, out);
	if (!strncmp(item, "network/", 8))
		return network_item(item + 8, run.init_pid, out, e);
	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++)
		if (!strcmp(items[i].name, item))
			return from_cgroup(&items[i], run.cgroup, out, e);
	return no_data(item, "no such number", e);
}
