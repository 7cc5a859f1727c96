// SPDX-License-Identifier: LGPL-2.1-or-later
/* Making of sources, and what every file needs of one. */
#include "backends/proc/source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/loadavg.h"

#define NS 1000000000

int proc_init(const char *root, struct err *e)
{
	int r = host_init(root);

	if (r < 0)
		return err_sys(e, -r, "%.100s", root);
	return *root ? cgroup_init_below(root, e) : cgroup_init(e);
}

static struct proc_source *make(const struct proc_facts *f, struct proc_history *h)
{
	struct proc_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	pthread_mutex_init(&s->lock, NULL);
	s->facts = *f;
	s->own_history = !h;
	s->history = h ? h : history_new();
	return s->history ? s : proc_source_free(s);
}

struct proc_source *proc_source_new(const struct proc_facts *f, struct proc_history *h)
{
	struct proc_source *s = make(f, h);

	return s && groups_set(&s->groups, f->cgroup) < 0 ? proc_source_free(s) : s;
}

static int parse_pid(struct proc_source *s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[64];
	int r;

	snprintf(path, sizeof(path), "proc/%d/cgroup", (int)s->facts.init_pid);
	r = host_read_path(path, &b);
	/* it has ended meanwhile: as one that is stopped */
	return r == -ENOMEM ? r : groups_parse(&s->groups, buf_str(&b));
}

struct proc_source *proc_source_new_pid(const struct proc_facts *f, struct proc_history *h)
{
	struct proc_source *s = make(f, h);

	if (!s)
		return NULL;
	s->of_pid = true;
	return parse_pid(s) < 0 ? proc_source_free(s) : s;
}

void proc_source_within(struct proc_source *s, struct proc_source *outer)
{
	s->outer = outer;
}

void proc_source_update(struct proc_source *s, const struct proc_facts *f)
{
	HOLD_LOCK(&s->lock);
	bool moved = strcmp(s->facts.cgroup, f->cgroup) != 0 || (s->of_pid && s->facts.init_pid != f->init_pid);

	if (s->facts.init_pid != f->init_pid || s->facts.init_start != f->init_start)
		s->offset_known = false;
	s->tasks_at = s->last_tid = 0;
	s->ns_column = 0;
	s->facts = *f;
	/* without memory for the new path it is in no group: configured values */
	if (moved && (s->of_pid ? parse_pid(s) : groups_set(&s->groups, f->cgroup)) < 0)
		groups_free(&s->groups);
}

void proc_source_machine(struct proc_source *s, const struct proc_machine *m)
{
	HOLD_LOCK(&s->lock);
	s->machine = *m;
}

void proc_source_idle(struct proc_source *s)
{
	HOLD_LOCK(&s->lock);
	groups_close(&s->groups);
}

struct proc_source *proc_source_free(struct proc_source *s)
{
	if (!s)
		return NULL;
	loadavg_forget(s);
	groups_free(&s->groups);
	if (s->own_history)
		free(s->history);
	pthread_mutex_destroy(&s->lock);
	free(s);
	return NULL;
}

/* ---- time ---- */

/* "boottime        -1234     0": what is added to the host's clock. It was fixed before init came to be. */
static int64_t read_offset(pid_t pid)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[64], *end;
	const char *line;
	int64_t sec;

	snprintf(path, sizeof(path), "proc/%d/timens_offsets", (int)pid);
	if (host_read_path(path, &b) < 0)
		return 0;
	line = strstr(buf_str(&b), "boottime");
	if (!line)
		return 0;
	sec = strtoll(line + strlen("boottime"), &end, 10);
	return sec * NS + strtoll(end, NULL, 10);
}

int64_t source_boot_offset(struct proc_source *s)
{
	if (!s->facts.init_pid)
		return 0;
	if (!s->offset_known) {
		s->offset = read_offset(s->facts.init_pid);
		s->offset_known = true;
	}
	return s->offset;
}

int64_t source_age(struct proc_source *s)
{
	int64_t offset = source_boot_offset(s), now, start;

	if (!s->facts.init_pid)
		return 0;
	now = host_boottime();
	start = offset ? -offset : (int64_t)(s->facts.init_start * (NS / host_ticks()));
	return now > start ? now - start : 0;
}

/* ---- CPUs ---- */

/* What the kernel says, or what was configured where it says nothing. */
static int allowed_cpus(struct proc_source *s, struct cpus *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (group_read_nearest(&s->groups, GROUP_CPUSET_EFFECTIVE, &b) < 0 || b.len < 2) {
		buf_reset(&b);
		group_read_nearest(&s->groups, GROUP_CPUSET, &b);
	}
	return cpus_parse(buf_str(&b), ret);
}

static int online_cpus(struct cpus *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = host_read(HOST_ONLINE, &b);

	if (r == -ENOMEM)
		return r;
	return cpus_parse(b.len ? buf_str(&b) : "0", ret);
}

/* The set is not made empty: rather more than none. */
static void intersect(struct cpus *set, const struct cpus *with)
{
	bool any = false;

	for (unsigned i = 0; i < set->n && !any; i++)
		any = cpus_has(with, set->list[i]);
	if (any)
		cpus_and(set, with);
}

static int make_set(struct proc_source *s, struct cpus *set)
{
	_cleanup_cpus_ struct cpus allowed = CPUS_INIT, listed = CPUS_INIT;
	char own[16];
	int r;

	if (s->machine.cpus) {
		snprintf(own, sizeof(own), "0-%u", s->machine.cpus - 1);
		return cpus_parse(own, set);
	}
	r = online_cpus(set);
	if (r == 0)
		r = allowed_cpus(s, &allowed);
	if (r == 0)
		r = cpus_parse(s->facts.cpu_list, &listed);
	if (r < 0)
		return r;
	intersect(set, allowed.n ? &allowed : &listed);
	if (!allowed.n && s->facts.cpu_count)
		cpus_cut(set, s->facts.cpu_count);
	return 0;
}

/* CPUs that a quota is worth, rounded up; 0: no quota. */
static unsigned worth(uint64_t quota, uint64_t period)
{
	uint64_t n;

	if (quota == PROC_NO_LIMIT || !quota || !period)
		return 0;
	n = quota / period + (quota % period != 0);
	return n > CPUS_NUMBER_MAX ? 0 : (unsigned)n;
}

/* One level: v2 has "QUOTA PERIOD" in one line, v1 two files. False: there is no such file. */
static bool level_quota(struct groups *g, unsigned level, unsigned *n)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *end;
	uint64_t quota, period;

	if (group_read(g, GROUP_CPU_MAX, level, &b) < 0)
		return false;
	*n = 0;
	if (buf_str(&b)[0] == 'm' || buf_str(&b)[0] == '-')
		return true;
	quota = strtoull(buf_str(&b), &end, 10);
	if (group_version(g, GROUP_CPU_MAX) == 1) {
		buf_reset(&b);
		if (group_read(g, GROUP_CPU_PERIOD, level, &b) < 0)
			return true;
		period = strtoull(buf_str(&b), NULL, 10);
	} else {
		period = strtoull(end, NULL, 10);
	}
	*n = worth(quota, period);
	return true;
}

static unsigned quota_cpus(struct proc_source *s)
{
	unsigned least = 0, levels = group_levels(&s->groups, GROUP_CPU_MAX);

	for (unsigned level = 0; level < levels; level++) {
		unsigned n;

		if (!level_quota(&s->groups, level, &n))
			n = level == 0 ? worth(s->facts.quota_us, s->facts.period_us) : 0;
		if (n && (!least || n < least))
			least = n;
	}
	return levels ? least : worth(s->facts.quota_us, s->facts.period_us);
}

int source_cpus(struct proc_source *s, struct cpus *set, unsigned *count)
{
	unsigned n;
	int r = make_set(s, set);

	if (r < 0)
		return r;
	n = set->n;
	if (s->facts.cpus == PROC_CPUS_QUOTA && !s->machine.cpus) {
		unsigned q = quota_cpus(s);

		if (q && q < n)
			n = q;
	}
	if (s->outer) {
		_cleanup_cpus_ struct cpus outer = CPUS_INIT;
		unsigned most;

		HOLD_LOCK(&s->outer->lock);
		r = source_cpus(s->outer, &outer, &most);
		if (r < 0)
			return r;
		intersect(set, &outer);
		n = n < set->n ? n : set->n;
		n = n < most ? n : most;
	}
	*count = n ? n : 1;
	return 0;
}

unsigned proc_cpu_count(struct proc_source *s)
{
	_cleanup_cpus_ struct cpus set = CPUS_INIT;
	unsigned n = 1;

	HOLD_LOCK(&s->lock);
	source_cpus(s, &set, &n);
	return n;
}
