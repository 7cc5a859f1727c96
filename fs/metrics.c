// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/metrics.h"

#include <string.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "fs/view.h"

/* One family of samples: a usage item of every running instance. Names follow LXD's exporter where it has the same thing. */
static const struct metric {
	const char *name, *type, *item;
	double scale;
	const char *help;
} metrics[] = {
	{ "instfs_cpu_seconds", "counter", "cpu.usage_ns", 1e-9, "CPU time since the start of the instance" },
	{ "instfs_memory_usage_bytes", "gauge", "memory.current", 1, "memory in use, page cache included" },
	{ "instfs_memory_peak_bytes", "gauge", "memory.peak", 1, "highest memory in use since the start" },
	{ "instfs_swap_usage_bytes", "gauge", "swap.current", 1, "swap in use" },
	{ "instfs_procs", "gauge", "pids.current", 1, "processes and threads" },
};

struct metric_arg {
	const struct metric *m;
	struct buf *out;
};

static int sample(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = object_get(id);
	_cleanup_buf_ struct buf b = BUF_INIT;
	const struct metric_arg *a = arg;
	enum inst_state state;

	if (!o)
		return 0;
	pthread_mutex_lock(&o->lock);
	state = o->run.state;
	pthread_mutex_unlock(&o->lock);
	if (!a->m)
		buf_addf(a->out, "instfs_instance_up{name=\"%s\"} %d\n", name, state == INST_RUNNING || state == INST_FROZEN);
	else if (state != INST_STOPPED && state != INST_ERROR && !backend_usage(o, a->m->item, &b, NULL))
		buf_addf(a->out, "%s%s{name=\"%s\"} %.*g\n", a->m->name, strcmp(a->m->type, "counter") ? "" : "_total", name, 17,
			 strtod(buf_str(&b), NULL) * a->m->scale);
	return 0;
}

int metrics_show(struct view *v, struct buf *out, struct err *e)
{
	struct metric_arg a = { NULL, out };

	buf_addstr(out, "# TYPE instfs_instance_up gauge\n# HELP instfs_instance_up whether the instance runs\n");
	object_each(SPACE_INSTANCES, 0, sample, &a);
	for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++) {
		a.m = &metrics[i];
		buf_addf(out, "# TYPE %s %s\n# HELP %s %s\n", a.m->name, a.m->type, a.m->name, a.m->help);
		object_each(SPACE_INSTANCES, 0, sample, &a);
	}
	buf_addstr(out, "# EOF\n");
	return buf_error(out);
}
