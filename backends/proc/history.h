/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What must not be forgotten between two readers, in memory that several processes may share. A process that is killed with the
 * lock held leaves single numbers that are old or new, each of which is right enough to go on from; the next one takes the lock over.
 */
#pragma once

#include <pthread.h>
#include <stdint.h>

#include "backends/proc/proc.h"

struct cpu_history {
	uint64_t last_user, last_system;	/* of this CPU of the host: ns of the instance (v1), busy ticks of the host (v2) */
	uint64_t user, system;			/* shown under this number, ns; these only grow */
	uint64_t visible;			/* for how long there has been a CPU of this number, ns */
	uint64_t idle;				/* shown last, ns */
};

struct proc_history {
	uint32_t state, version, size, cpus;
	pthread_mutex_t lock;
	/* the life that the numbers belong to */
	int32_t init_pid;
	uint32_t reserved;
	uint64_t init_start;
	/* CPU time: times.c */
	int64_t times_at;			/* age of the instance at the last look, ns; 0: not yet */
	uint64_t total_user, total_system;	/* v2: counted for all CPUs together at the last look, ns */
	/* tasks.c */
	uint64_t forks;
	/* loadavg.c */
	double load[3];
	int64_t load_at;			/* age at the last sample, ns */
	uint64_t load_cpu, load_wait, load_io;	/* ns of CPU time, us of pressure at that moment */
	double load_waiting;			/* how many waited for a CPU then */
	uint64_t spare[8];
	struct cpu_history cpu[];
};

/* A private one. NULL: no memory. */
struct proc_history *history_new(void);

/*
 * Locks it, and empties it when it belongs to another life than these facts'. False, and not locked: it is nobody's any more. Whoever
 * owns the memory gives it back when an instance stops, while a source may still be looked through.
 */
bool history_lock(struct proc_history *h, const struct proc_facts *f);
void history_unlock(struct proc_history *h);
