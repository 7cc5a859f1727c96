/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * CPU time of an instance under the numbers of its CPUs.
 *
 * The sums are the kernel's. v1 counts for each CPU. v2 does not: there the sum is divided as the host's CPUs were busy meanwhile,
 * which is exact as long as nobody else used them, and an estimate else. What was used on CPUs that the instance is not shown (a
 * quota, or a set that has changed) is put where there was room. Idle is the rest of the instance's age.
 */
#pragma once

#include "backends/proc/source.h"

struct cpu_time {
	uint64_t user, system, idle;	/* ns; none of them ever goes back in one life of an instance */
};

struct times {
	unsigned n;
	struct cpu_time *cpu;
	struct cpu_time all;		/* with CPUs that there were before */
};

int times_read(struct proc_source *s, struct times *ret);	/* 0 or -ENOMEM */
void times_free(struct times *t);
#define _cleanup_times_ __attribute__((cleanup(times_free)))

/* CPU time that the kernel counts for the instance, ns. */
uint64_t times_total(struct proc_source *s);
