// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/proc/times.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/scan.h"

struct usage {
	uint64_t user, system;
};

struct look {
	struct proc_history *h;
	struct cpus set;
	unsigned count;
	uint64_t age, passed;		/* ns; since the last look */
	bool first;
	struct usage *used;		/* since the last look, by the host's numbers; h->cpus of them */
	struct usage *shown;		/* the same under the instance's numbers; count of them */
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* How far a counter went; it may have begun anew with another group. */
static uint64_t advance(uint64_t *last, uint64_t now)
{
	uint64_t d = now > *last ? now - *last : 0;

	*last = now;
	return d;
}

/* a * b / c without overflow; c > 0. */
static uint64_t part(uint64_t a, uint64_t b, uint64_t c)
{
	return (uint64_t)((unsigned __int128)a * b / c);
}

/* ---- v1: "cpu user system", then "0 123 456" with nanoseconds ---- */

static void read_v1(struct look *k, const char *text)
{
	for (const char *l = text; l; l = scan_next(l)) {
		char *end;
		unsigned long n = strtoul(l, &end, 10);
		uint64_t user, system;

		if (end == l || n >= k->h->cpus)
			continue;
		user = strtoull(end, &end, 10);
		system = strtoull(end, &end, 10);
		k->used[n].user = advance(&k->h->cpu[n].last_user, user);
		k->used[n].system = advance(&k->h->cpu[n].last_system, system);
		/* a group that was there before this life had counted already */
		if (k->first && k->used[n].user + k->used[n].system > k->passed)
			k->used[n] = (struct usage){ 0, 0 };
	}
}

/* ---- v2 ---- */

/* Ticks that each CPU of the host was busy since the last look: user, nice, system, irq and softirq of "cpuN ...". */
static int host_busy(struct look *k, uint64_t *busy)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (host_read(HOST_STAT, &b) == -ENOMEM)
		return -ENOMEM;
	for (const char *l = buf_str(&b); l && !strncmp(l, "cpu", 3); l = scan_next(l)) {
		char *end;
		unsigned long n = strtoul(l + 3, &end, 10);
		uint64_t v[7] = { 0 };

		if (end == l + 3 || n >= k->h->cpus)
			continue;
		for (int i = 0; i < 7; i++)
			v[i] = strtoull(end, &end, 10);
		busy[n] = advance(&k->h->cpu[n].last_user, v[0] + v[1] + v[2] + v[5] + v[6]);
	}
	return 0;
}

/* Divides by weights (0 everywhere: evenly), nobody above passed as long as there is room elsewhere. */
static void divide(struct look *k, struct usage sum, const uint64_t *busy)
{
	uint64_t total = sum.user + sum.system, left = total, weights = 0, room = 0, user = sum.user, system = sum.system;

	for (unsigned i = 0; i < k->set.n; i++)
		weights += busy[k->set.list[i]];
	for (unsigned i = 0; i < k->set.n; i++) {
		uint64_t w = weights ? busy[k->set.list[i]] : 1, t = least(part(total, w, weights ? weights : k->set.n), k->passed);

		k->used[k->set.list[i]].user = t;
		left -= t;
		room += k->passed - t;
	}
	for (unsigned i = 0; i < k->set.n && total; i++) {
		struct usage *u = &k->used[k->set.list[i]];
		uint64_t t = u->user + (room ? least(part(left, k->passed - u->user, room), k->passed - u->user) : 0);

		u->user = least(part(t, sum.user, total), user);
		u->system = least(t - u->user, system);
		user -= u->user;
		system -= u->system;
	}
	/* what rounding left over, and what was counted too early */
	k->used[k->set.list[0]].user += user;
	k->used[k->set.list[0]].system += system;
}

static int read_v2(struct look *k, const char *text)
{
	_cleanup_free_ uint64_t *busy = calloc(k->h->cpus + 1, sizeof(*busy));
	struct usage sum = {
		.user = advance(&k->h->total_user, scan_key_or_0(text, "user_usec") * 1000),
		.system = advance(&k->h->total_system, scan_key_or_0(text, "system_usec") * 1000),
	};

	if (!busy || host_busy(k, busy) < 0)
		return -ENOMEM;
	if (k->first && sum.user + sum.system > k->passed * k->set.n)
		return 0;
	divide(k, sum, busy);
	return 0;
}

static int read_used(struct proc_source *s, struct look *k)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r;

	if (group_version(&s->groups, GROUP_CPU_PER_CPU) == 1) {
		r = group_read(&s->groups, GROUP_CPU_PER_CPU, 0, &b);
		if (r == 0)
			read_v1(k, buf_str(&b));
	} else {
		r = group_read(&s->groups, GROUP_CPU_STAT, 0, &b);
		if (r == 0)
			r = read_v2(k, buf_str(&b));
	}
	return r == -ENOMEM ? r : 0;
}

/* ---- under the instance's numbers ---- */

static void place(struct look *k)
{
	struct usage surplus = { 0, 0 };
	uint64_t room = 0, total, user, system;

	for (unsigned n = 0; n < k->h->cpus; n++) {
		int i = cpus_find(&k->set, n);

		if (i >= 0 && (unsigned)i < k->count) {
			k->shown[i] = k->used[n];
		} else {
			surplus.user += k->used[n].user;
			surplus.system += k->used[n].system;
		}
	}
	total = surplus.user + surplus.system;
	user = surplus.user;
	system = surplus.system;
	for (unsigned i = 0; i < k->count; i++)
		room += k->passed - least(k->shown[i].user + k->shown[i].system, k->passed);
	for (unsigned i = 0; i < k->count && total && room; i++) {
		uint64_t free = k->passed - least(k->shown[i].user + k->shown[i].system, k->passed), t = least(part(total, free, room), free);
		uint64_t u = least(part(t, surplus.user, total), user), y = least(t - u, system);

		k->shown[i].user += u;
		k->shown[i].system += y;
		user -= u;
		system -= y;
	}
	k->shown[0].user += user;
	k->shown[0].system += system;
}

static void add_up(struct look *k)
{
	for (unsigned i = 0; i < k->count; i++) {
		struct cpu_history *c = &k->h->cpu[i];
		uint64_t busy;

		c->user += k->shown[i].user;
		c->system += k->shown[i].system;
		c->visible += k->passed;
		busy = c->user + c->system;
		/* the counters were read a moment after the clock: what that makes too much is made up for later */
		if (c->visible > busy && c->visible - busy > c->idle)
			c->idle = c->visible - busy;
	}
	k->h->times_at = (int64_t)k->age;
}

static int take(const struct look *k, struct times *ret)
{
	ret->cpu = calloc(k->count, sizeof(*ret->cpu));
	if (!ret->cpu)
		return -ENOMEM;
	ret->n = k->count;
	for (unsigned i = 0; i < k->h->cpus; i++) {
		const struct cpu_history *c = &k->h->cpu[i];

		if (i < k->count)
			ret->cpu[i] = (struct cpu_time){ c->user, c->system, c->idle };
		ret->all.user += c->user;
		ret->all.system += c->system;
		ret->all.idle += c->idle;
	}
	return 0;
}

static int look(struct proc_source *s, struct look *k, struct times *ret)
{
	int r;

	k->age = (uint64_t)source_age(s);
	k->first = !k->h->times_at;
	k->passed = k->age > (uint64_t)k->h->times_at ? k->age - (uint64_t)k->h->times_at : 0;
	k->used = calloc(k->h->cpus + 1, sizeof(*k->used));
	k->shown = calloc(k->count, sizeof(*k->shown));
	if (!k->used || !k->shown)
		return -ENOMEM;
	/* within the same moment nothing changes: shares of no time at all would be guesses */
	if (k->passed) {
		r = read_used(s, k);
		if (r < 0)
			return r;
		place(k);
		add_up(k);
	}
	return take(k, ret);
}

int times_read(struct proc_source *s, struct times *ret)
{
	struct look k = { .h = s->history };
	int r = source_cpus(s, &k.set, &k.count);

	*ret = (struct times){ .n = 0 };
	if (r == 0 && !history_lock(k.h, &s->facts))
		r = -ESTALE;
	if (r == 0) {
		if (k.count > k.h->cpus)
			k.count = k.h->cpus;
		r = look(s, &k, ret);
		history_unlock(k.h);
	}
	free(k.used);
	free(k.shown);
	cpus_free(&k.set);
	return r;
}

void times_free(struct times *t)
{
	free(t->cpu);
	*t = (struct times){ .n = 0 };
}

uint64_t times_total(struct proc_source *s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t sum = 0;

	if (group_version(&s->groups, GROUP_CPU_PER_CPU) != 1) {
		group_read(&s->groups, GROUP_CPU_STAT, 0, &b);
		return scan_key_or_0(buf_str(&b), "usage_usec") * 1000;
	}
	group_read(&s->groups, GROUP_CPU_PER_CPU, 0, &b);
	for (const char *l = buf_str(&b); l; l = scan_next(l)) {
		char *end;

		strtoul(l, &end, 10);
		if (end == l)
			continue;
		sum += strtoull(end, &end, 10);
		sum += strtoull(end, NULL, 10);
	}
	return sum;
}
