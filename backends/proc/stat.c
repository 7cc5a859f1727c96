// SPDX-License-Identifier: LGPL-2.1-or-later
/* /proc/stat and /proc/uptime: one account of CPU time (times.h), so that they agree. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/scan.h"
#include "backends/proc/show.h"
#include "backends/proc/tasks.h"
#include "backends/proc/times.h"

#define NS 1000000000
#define STEP 256		/* of the length */

/* user, nice, system, idle, iowait, irq, softirq, steal, guest, guest_nice: what nobody counts for a group is 0. */
static void add_cpu(struct buf *out, const struct cpu_time *t, uint64_t tick)
{
	buf_addf(out, " %" PRIu64 " 0 %" PRIu64 " %" PRIu64 " 0 0 0 0 0 0\n", t->user / tick, t->system / tick, t->idle / tick);
}

/* Moved along with the clock of the time namespace: processes' start times count from it. */
static int64_t boot_time(struct proc_source *s, const char *host)
{
	uint64_t t = 0;

	scan_key(host, "btime", &t);
	return (int64_t)t - source_boot_offset(s) / NS;
}

/* Every new thread takes the next number of the pid namespace: the highest one seen is the least that there were. */
static uint64_t count_forks(struct proc_source *s, const struct task_counts *c)
{
	uint64_t v;

	if (!history_lock(s->history, &s->facts))
		return c->last;
	if (c->last > s->history->forks)
		s->history->forks = c->last;
	v = s->history->forks;
	history_unlock(s->history);
	return v;
}

/* As many zeros as the host has numbers. */
static void add_zeros(struct buf *out, const char *host, const char *key)
{
	for (const char *l = host; l; l = scan_next(l)) {
		size_t n = strlen(key), len = strcspn(l, "\n");

		if (strncmp(l, key, n) != 0 || l[n] != ' ')
			continue;
		buf_addstr(out, key);
		for (size_t i = n; i < len; i++)
			if (l[i] == ' ')
				buf_addstr(out, " 0");
		buf_addch(out, '\n');
		return;
	}
}

int stat_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_times_ struct times t = { .n = 0 };
	_cleanup_buf_ struct buf host = BUF_INIT;
	struct task_counts c = { 0 };
	uint64_t tick = NS / host_ticks();
	size_t from = out->len;
	int r = times_read(s, &t);

	if (r < 0)
		return r;
	host_read(HOST_STAT, &host);
	if (s->facts.init_pid)
		c = tasks_count(s, 0);
	buf_addstr(out, "cpu ");
	add_cpu(out, &t.all, tick);
	for (unsigned i = 0; i < t.n; i++) {
		buf_addf(out, "cpu%u", i);
		add_cpu(out, &t.cpu[i], tick);
	}
	buf_addf(out, "intr 0\nctxt 0\nbtime %" PRId64 "\nprocesses %" PRIu64 "\nprocs_running %u\nprocs_blocked %u\n",
		 boot_time(s, buf_str(&host)), count_forks(s, &c), c.running, c.blocked);
	add_zeros(out, buf_str(&host), "softirq");
	show_pad(out, from, STEP);
	return buf_error(&host);
}

int uptime_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_times_ struct times t = { .n = 0 };
	uint64_t up, idle;
	int r = times_read(s, &t);

	if (r < 0)
		return r;
	up = (uint64_t)source_age(s) / (NS / 100);
	idle = t.all.idle / (NS / 100);
	buf_addf(out, "%" PRIu64 ".%02u %" PRIu64 ".%02u\n", up / 100, (unsigned)(up % 100), idle / 100, (unsigned)(idle % 100));
	return 0;
}
