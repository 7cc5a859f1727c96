/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source from inside. Its lock is taken before its outer one's, that before a history's; files of the host come last. */
#pragma once

#include <pthread.h>

#include "backends/proc/cpus.h"
#include "backends/proc/group.h"
#include "backends/proc/history.h"
#include "backends/proc/proc.h"

/* What a look at all threads found. */
struct task_counts {
	unsigned total, running, blocked;
	unsigned last;			/* highest number of one in the instance's own pid namespace */
};

struct proc_source {
	pthread_mutex_t lock;		/* guards everything below */
	struct proc_facts facts;
	struct proc_history *history;
	bool own_history, of_pid;
	struct proc_machine machine;	/* cpus 0: it is none */
	struct proc_source *outer;	/* set before anybody else knows the source */
	struct groups groups;
	int64_t offset;			/* of the time namespace's boot time, ns */
	bool offset_known;
	struct task_counts tasks;
	pid_t last_tid;			/* the host's number of tasks.last */
	uint64_t last_start;
	unsigned ns_column;		/* of init's namespace in "NSpid:"; 0: not known */
	int64_t tasks_at, tasks_cost;	/* ns of CLOCK_MONOTONIC */
	/* the sampler's, under its own lock: loadavg.c */
	struct proc_source *next_sampled;
	int64_t polled;
};

/* Nanoseconds since the instance was started, by the clock of the host or of its time namespace; 0 when stopped. */
int64_t source_age(struct proc_source *s);
/* What the instance's clock "since boot" is ahead of the host's. */
int64_t source_boot_offset(struct proc_source *s);

/*
 * The CPUs of the host that it may run on, and how many of them it is told of: the first *count of the set, as 0 to *count - 1.
 * 0 or -ENOMEM. There is always one at least.
 */
int source_cpus(struct proc_source *s, struct cpus *set, unsigned *count);
