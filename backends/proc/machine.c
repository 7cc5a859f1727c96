// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Files of a virtual machine that differ from a container's. CPU time is that of the emulator's thread for each CPU, what the guest does
 * with it is not seen from outside: all of it counts as user's. Memory is what the guest's driver reports every other second, else what
 * the emulator's group has touched. What only the guest's kernel knows (its processes, its swap) is 0.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/memory.h"
#include "backends/proc/scan.h"
#include "backends/proc/show.h"

#define NS 1000000000
#define MAJOR 252			/* the first of those that kernels give to virtio disks */
#define MINORS 16			/* of each */

/* ---- memory ---- */

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void add_line(struct buf *out, const char *name, uint64_t bytes)
{
	char label[24];

	snprintf(label, sizeof(label), "%s:", name);
	buf_addf(out, "%-16s%8" PRIu64 " kB\n", label, bytes >> 10);
}

int machine_meminfo(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	static const char *const unknown[] = { "SwapCached", "SwapTotal", "SwapFree" };
	const struct proc_machine *m = &s->machine;
	bool told = s->facts.init_pid && m->total != PROC_NO_LIMIT && m->free != PROC_NO_LIMIT;
	uint64_t total = told ? m->total : m->memory, used = 0, cached = told && m->cached != PROC_NO_LIMIT ? m->cached : 0;
	uint64_t unused;

	if (s->facts.init_pid && !told)
		group_number(&s->groups, GROUP_MEMORY_CURRENT, &used);
	unused = told ? m->free : minus(total, used);
	add_line(out, "MemTotal", total);
	add_line(out, "MemFree", unused);
	add_line(out, "MemAvailable", told && m->available != PROC_NO_LIMIT ? m->available : unused);
	add_line(out, "Buffers", 0);
	add_line(out, "Cached", cached);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		add_line(out, unknown[i], 0);
	return 0;
}

int machine_swaps(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	buf_addstr(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	return 0;
}

/* ---- CPUs ---- */

int machine_cpuinfo(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	const struct proc_machine *m = &s->machine;

	for (unsigned i = 0; i < m->cpus; i++) {
		buf_addf(out, "processor\t: %u\n", i);
		if (m->vendor[0])
			buf_addf(out, "vendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %s\nstepping\t: %u\n", m->vendor, m->family,
				 m->model, m->name, m->stepping);
		buf_addf(out, "physical id\t: 0\nsiblings\t: %u\ncore id\t\t: %u\ncpu cores\t: %u\n\n", m->cpus, i, m->cpus);
	}
	return 0;
}

struct times {
	uint64_t busy, idle;		/* ticks */
	bool running, waiting;
};

/* "TID (name) R 1 2 ... utime stime": the name may have any character in it. */
static struct times read_thread(struct proc_source *s, int32_t tid, uint64_t age)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct times t = { .idle = age };
	char path[64];
	const char *p;
	char *end;

	snprintf(path, sizeof(path), "proc/%d/task/%d/stat", (int)s->facts.init_pid, (int)tid);
	if (!tid || !s->facts.init_pid || host_read_path(path, &b) < 0)
		return t;
	p = strrchr(buf_str(&b), ')');
	if (!p || p[1] != ' ')
		return t;
	t.running = p[2] == 'R';
	t.waiting = p[2] == 'D';
	for (int field = 2; p && field < 14; field++)
		p = strchr(p + 1, ' ');
	if (p) {
		t.busy = strtoull(p, &end, 10);
		t.busy += strtoull(end, NULL, 10);
	}
	t.idle = minus(age, t.busy);
	return t;
}

static uint64_t age_in_ticks(struct proc_source *s)
{
	return (uint64_t)source_age(s) / (NS / host_ticks());
}

/* One thread for several CPUs, as emulators have it too, counts for the first of them. */
static struct times times_of(struct proc_source *s, unsigned i, uint64_t age)
{
	const struct proc_machine *m = &s->machine;

	return read_thread(s, i < PROC_MACHINE_CPUS && (!i || m->thread[i] != m->thread[i - 1]) ? m->thread[i] : 0, age);
}

static void add_times(struct buf *out, const struct times *t)
{
	buf_addf(out, " %" PRIu64 " 0 0 %" PRIu64 " 0 0 0 0 0 0\n", t->busy, t->idle);
}

int machine_stat(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_buf_ struct buf each = BUF_INIT, host = BUF_INIT;
	uint64_t age = age_in_ticks(s), boot = 0;
	unsigned running = 0, waiting = 0;
	struct times all = { 0 };

	for (unsigned i = 0; i < s->machine.cpus; i++) {
		struct times t = times_of(s, i, age);

		buf_addf(&each, "cpu%u", i);
		add_times(&each, &t);
		all.busy += t.busy;
		all.idle += t.idle;
		running += t.running;
		waiting += t.waiting;
	}
	host_read(HOST_STAT, &host);
	scan_key(buf_str(&host), "btime", &boot);
	if (s->facts.init_pid)
		boot += s->facts.init_start / host_ticks();
	buf_addstr(out, "cpu ");
	add_times(out, &all);
	buf_addf(out, "%sintr 0\nctxt 0\nbtime %" PRIu64 "\nprocesses 0\nprocs_running %u\nprocs_blocked %u\n", buf_str(&each), boot, running,
		 waiting);
	return buf_error(&each) | buf_error(&host);
}

int machine_uptime(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	uint64_t age = age_in_ticks(s), idle = 0, ticks = host_ticks();

	for (unsigned i = 0; i < s->machine.cpus; i++)
		idle += times_of(s, i, age).idle;
	buf_addf(out, "%" PRIu64 ".%02u %" PRIu64 ".%02u\n", age / ticks, (unsigned)(age % ticks * 100 / ticks), idle / ticks,
		 (unsigned)(idle % ticks * 100 / ticks));
	return 0;
}

/* ---- disks ---- */

int machine_diskstats(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	const struct proc_machine *m = &s->machine;

	for (unsigned i = 0; s->facts.init_pid && i < m->n_disks; i++) {
		const struct proc_machine_disk *d = &m->disks[i];

		buf_addf(out, "%4u %7u vd%c", MAJOR, i * MINORS, 'a' + (int)i);
		for (int k = 0; k < PROC_MACHINE_KINDS; k++) {
			if (k == 2)
				buf_addstr(out, " 0 0 0");
			buf_addf(out, " %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64, d->requests[k], d->merged[k], d->bytes[k] / 512,
				 d->ns[k] / 1000000);
		}
		buf_addf(out, " %" PRIu64 " %" PRIu64 "\n", d->flushes, d->flush_ns / 1000000);
	}
	return 0;
}
