// SPDX-License-Identifier: LGPL-2.1-or-later
/* Limits of processes: see processes.h. No state. Processes that are born meanwhile are found by looking again. */
#include "backends/lxc/processes.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/rlimit.h"
#include "backends/core/value.h"

#define ROUNDS_MAX 8
#define PREFIX "limits.kernel."

static bool same(const struct rlimit *a, const struct rlimit *b)
{
	return a->rlim_cur == b->rlim_cur && a->rlim_max == b->rlim_max;
}

struct change {
	int resource;
	struct rlimit before, after;
	int oom_before, oom_after;
	unsigned changed;	/* in this round */
};

static int limit_one(pid_t pid, void *arg)
{
	struct change *c = arg;
	struct rlimit now;

	if (prlimit(pid, (enum __rlimit_resource)c->resource, NULL, &now) == 0 && same(&now, &c->before) &&
	    prlimit(pid, (enum __rlimit_resource)c->resource, &c->after, NULL) == 0)
		c->changed++;
	return 0;
}

static void limit_others(const struct run *run, struct change *c)
{
	for (int i = 0; i < ROUNDS_MAX && !same(&c->before, &c->after); i++) {
		c->changed = 0;
		cgroup_each_process(run->cgroup, limit_one, c);
		if (!c->changed)
			break;
	}
}

int processes_limit(const struct run *run, const char *name, const char *value, struct err *e)
{
	const struct rlimit_name *n = rlimit_find(name, e);
	struct change c;
	int r = 0;

	if (!n)
		return -EINVAL;
	c.resource = n->resource;
	if (value)
		r = rlimit_parse(name, value, &c.after, e);
	else if (prlimit(run->monitor_pid, (enum __rlimit_resource)n->resource, NULL, &c.after) < 0)
		r = err_sys(e, errno, PREFIX "%s: cannot look at the monitor's", name);
	if (r < 0)
		return r;
	if (prlimit(run->init_pid, (enum __rlimit_resource)n->resource, &c.after, &c.before) < 0)
		return err_sys(e, errno, PREFIX "%s: the kernel refuses %s", name, value ? value : "the default");
	limit_others(run, &c);
	return 0;
}

/* ---- who is killed first ---- */

static int oom_path(pid_t pid, char *buf, size_t size, int flags)
{
	int fd;

	snprintf(buf, size, "/proc/%d/oom_score_adj", (int)pid);
	fd = open(buf, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_oom(pid_t pid, int *ret)
{
	char text[64];
	_cleanup_close_ int fd = oom_path(pid, text, sizeof(text), O_RDONLY);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return fd < 0 ? fd : -errno;
	text[n] = '\0';
	*ret = atoi(text);
	return 0;
}

static int write_oom(pid_t pid, int value)
{
	char text[64];
	_cleanup_close_ int fd = oom_path(pid, text, sizeof(text), O_WRONLY);
	int n = snprintf(text, sizeof(text), "%d\n", value);

	if (fd < 0)
		return fd;
	return write(fd, text, (size_t)n) < 0 ? -errno : 0;
}

static int oom_one(pid_t pid, void *arg)
{
	struct change *c = arg;
	int now;

	if (read_oom(pid, &now) == 0 && now == c->oom_before && write_oom(pid, c->oom_after) == 0)
		c->changed++;
	return 0;
}

int processes_oom(const struct run *run, const char *value, struct err *e)
{
	struct change c = { .changed = 0 };
	int64_t v;
	int r = 0;

	if (value) {
		r = value_int(value, -1000, 1000, &v, e);
		c.oom_after = (int)v;
	} else if (read_oom(run->monitor_pid, &c.oom_after) < 0) {
		c.oom_after = 0;
	}
	if (r < 0)
		return r;
	r = read_oom(run->init_pid, &c.oom_before);
	if (r == 0)
		r = write_oom(run->init_pid, c.oom_after);
	if (r < 0)
		return err_sys(e, -r, "limits.memory.oom_priority: the kernel refuses %d", c.oom_after);
	for (int i = 0; i < ROUNDS_MAX && c.oom_before != c.oom_after; i++) {
		c.changed = 0;
		cgroup_each_process(run->cgroup, oom_one, &c);
		if (!c.changed)
			break;
	}
	return 0;
}

void processes_renew(const struct run *run, const struct expanded *x)
{
	const struct rlimit_name *n;
	char key[64];

	for (int i = 0; (n = rlimit_by_index(i)); i++) {
		snprintf(key, sizeof(key), PREFIX "%s", n->name);
		processes_limit(run, n->name, expanded_get(x, key), NULL);
	}
	processes_oom(run, expanded_get(x, "limits.memory.oom_priority"), NULL);
}

/* ---- words ---- */

static void add_number(struct buf *out, rlim_t v)
{
	if (v == RLIM_INFINITY)
		buf_addstr(out, "unlimited");
	else
		buf_addf(out, "%" PRIu64, (uint64_t)v);
}

static void words_limit(const struct run *run, const char *name, struct buf *out)
{
	const struct rlimit_name *n = rlimit_find(name, NULL);
	struct rlimit l;

	if (!n || prlimit(run->init_pid, (enum __rlimit_resource)n->resource, NULL, &l) < 0)
		return;
	buf_addf(out, "each process, %s: soft, ", name);
	add_number(out, l.rlim_cur);
	buf_addstr(out, ", hard, ");
	add_number(out, l.rlim_max);
	buf_addstr(out, n->bytes ? " bytes\n" : "\n");
}

void processes_words(const struct run *run, const struct expanded *x, struct buf *out)
{
	int oom;

	for (size_t i = 0; i < x->n; i++)
		if (x->items[i].kind == ENT_CONFIG && !strncmp(x->items[i].name, PREFIX, sizeof(PREFIX) - 1))
			words_limit(run, x->items[i].name + sizeof(PREFIX) - 1, out);
	if (expanded_get(x, "limits.memory.oom_priority") && read_oom(run->init_pid, &oom) == 0)
		buf_addf(out, "out of memory: priority %d\n", oom);
}
