// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * /proc/loadavg from the start of the instance, without watching instances that nobody asks about.
 *
 * The averages are the kernel's: every 5 s a new one is e^-5s/1m of the old and the rest of what is running or blocked now. As long
 * as somebody asks, one thread takes these samples and the result is exact. What passed before the first question, or between two
 * that are far apart, is filled in with one mean for the whole gap, an estimate:
 *   CPUs in use		exact: CPU time used, divided by the time
 *   waiting for a CPU		the part of the time in which somebody waited is exact (cpu.pressure); how many they were is taken from
 *				the samples at both ends of the gap, one at least
 *   blocked		the part of the time in which somebody waited for a disk (io.pressure), as one
 * Without pressure information somebody waited if all CPUs were in use.
 */
#include "backends/proc/loadavg.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/watch.h"
#include "backends/proc/host.h"
#include "backends/proc/scan.h"
#include "backends/proc/show.h"
#include "backends/proc/tasks.h"
#include "backends/proc/times.h"

#define NS 1000000000.0
#define PERIOD (INT64_C(5) * 1000000000)
#define GAP (2 * PERIOD)	/* longer than this since the last sample: something is missing */

static const double seconds[3] = { 60, 300, 900 };

/* n threads were active for so long. */
static void average(struct proc_history *h, double n, double secs)
{
	for (int i = 0; i < 3; i++) {
		double keep = exp(-secs / seconds[i]);

		h->load[i] = h->load[i] * keep + n * (1 - keep);
	}
}

/* Microseconds in which at least one waited. False: this kernel does not tell. */
static bool some_waited(struct proc_source *s, enum group_file f, uint64_t *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (group_read(&s->groups, f, 0, &b) < 0 || !b.len)
		return false;
	*ret = scan_word(buf_str(&b), "total");
	return true;
}

static double since(uint64_t *last, uint64_t now)
{
	double d = now > *last ? (double)(now - *last) : 0;

	*last = now;
	return d;
}

static double at_most(double v, double max)
{
	return v < max ? v : max;
}

static void fill_gap(struct proc_source *s, struct proc_history *h, double secs, double waiting, unsigned cpus)
{
	uint64_t cpu = 0, io = 0;
	double used = since(&h->load_cpu, times_total(s)) / NS / secs, waited, blocked = 0;

	if (some_waited(s, GROUP_PRESSURE_CPU, &cpu))
		waited = at_most(since(&h->load_wait, cpu) / 1e6 / secs, 1);
	else
		waited = used > 0.95 * cpus;
	if (some_waited(s, GROUP_PRESSURE_IO, &io))
		blocked = at_most(since(&h->load_io, io) / 1e6 / secs, 1);
	if (secs * NS > GAP) {
		double n = (waiting + h->load_waiting) / 2;

		average(h, at_most(used, cpus) + waited * (n > 1 ? n : 1) + blocked, secs - PERIOD / NS);
		average(h, s->tasks.running + s->tasks.blocked, PERIOD / NS);
	} else {
		average(h, s->tasks.running + s->tasks.blocked, secs);
	}
}

/* Takes a sample when it is time for one. The caller holds the source's lock. */
static void sample(struct proc_source *s, unsigned cpus)
{
	struct proc_history *h = s->history;
	int64_t age = source_age(s);
	double waiting;

	if (!history_lock(h, &s->facts))
		return;
	if (age - h->load_at >= PERIOD && s->facts.init_pid) {
		tasks_count(s, PERIOD / 2);
		waiting = s->tasks.running > cpus ? s->tasks.running - cpus : 0;
		if (!h->load_at)
			h->load_waiting = waiting;
		fill_gap(s, h, (double)(age - h->load_at) / NS, waiting, cpus);
		h->load_waiting = waiting;
		h->load_at = age;
	}
	history_unlock(h);
}

/* ---- the sampler: a thread that is there while somebody asks ---- */

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;	/* before a source's lock */
static struct proc_source *list;
static bool running;

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void sample_all(void)
{
	struct proc_source **p = &list;

	while (*p) {
		struct proc_source *s = *p;
		unsigned cpus = proc_cpu_count(s);

		if (now() - s->polled > PROC_LOAD_KEEP * (int64_t)NS) {
			*p = s->next_sampled;
			s->polled = 0;
			continue;
		}
		HOLD_LOCK(&s->lock);
		sample(s, cpus);
		p = &s->next_sampled;
	}
}

static void *sampler(void *arg)
{
	struct timespec nap = { .tv_sec = 5 };

	for (;;) {
		nanosleep(&nap, NULL);
		HOLD_LOCK(&list_lock);
		sample_all();
		if (!list) {
			running = false;
			return NULL;
		}
	}
}

void loadavg_watch(struct proc_source *s)
{
	HOLD_LOCK(&list_lock);
	if (!s->polled) {
		s->next_sampled = list;
		list = s;
	}
	s->polled = now();
	if (running)
		return;
	/* without the thread samples are taken when somebody reads */
	running = watch_thread(sampler, NULL) == 0;
}

void loadavg_forget(struct proc_source *s)
{
	HOLD_LOCK(&list_lock);
	for (struct proc_source **p = &list; *p; p = &(*p)->next_sampled)
		if (*p == s) {
			*p = s->next_sampled;
			break;
		}
}

int loadavg_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_cpus_ struct cpus set = CPUS_INIT;
	struct task_counts c = { 0 };
	size_t from = out->len;
	double load[3] = { 0 };
	unsigned n;
	int r = source_cpus(s, &set, &n);

	if (r < 0)
		return r;
	if (s->facts.init_pid) {
		c = tasks_count(s, 0);
		sample(s, n);
	}
	if (history_lock(s->history, &s->facts)) {
		memcpy(load, s->history->load, sizeof(load));
		history_unlock(s->history);
	}
	buf_addf(out, "%.2f %.2f %.2f %u/%u %u\n", load[0], load[1], load[2], c.running, c.total, c.last);
	show_pad(out, from, 40);
	return 0;
}
