// SPDX-License-Identifier: LGPL-2.1-or-later
/* One row per number says where each version of control groups keeps it. Nothing is stored here. */
#include "backends/core/group_usage.h"

#include <errno.h>
#include <inttypes.h>
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

static void add_number(uint64_t v, struct buf *out)
{
	if (v == NO_LIMIT)
		buf_addstr(out, "max\n");
	else
		buf_addf(out, "%" PRIu64 "\n", v);
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
	add_number(v >= NO_LIMIT ? NO_LIMIT : v * s->scale, out);
	return 0;
}

static int disk_root(struct object *o, bool of_limit, struct buf *out, struct err *e)
{
	const struct storage_ops *ops;
	struct volume v;
	uint64_t bytes, limit;
	int r = storage_volume(o, NULL, &ops, &v, e);

	if (r == 0)
		r = ops->usage(&v, &bytes, &limit, e);
	if (r == 0)
		add_number(!of_limit ? bytes : limit ? limit : NO_LIMIT, out);
	return r == -ENOENT ? err_set(e, ENODATA, "disk/root: there is no root file system yet") : r;
}

int group_usage(struct object *o, const char *item, struct buf *out, struct err *e)
{
	struct run run;

	if (!strcmp(item, "disk/root.bytes") || !strcmp(item, "disk/root.limit"))
		return disk_root(o, !strcmp(item, "disk/root.limit"), out, e);
	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	if (!run.init_pid)
		return err_set(e, ENODATA, "%s: the instance does not run", item);
	for (size_t i = 0; i < sizeof(items) / sizeof(*items); i++)
		if (!strcmp(items[i].name, item))
			return from_cgroup(&items[i], run.cgroup, out, e);
	return err_set(e, ENODATA, "%s: no such number", item);
}
