/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory and swap of an instance in numbers, for meminfo and swaps. Caller holds the source's lock. */
#pragma once

#include "backends/proc/source.h"

/* Huge pages of the default size, in pages. */
struct huge {
	uint64_t total, free, reserved, surplus;
	uint64_t size;			/* bytes */
};

struct memory {
	uint64_t total, used;			/* bytes */
	uint64_t swap_total, swap_used;
	uint64_t host_total, host_free, host_available, host_swap;
	bool counted;				/* the kernel counts for this instance alone */
	int version;				/* of the hierarchy that counts, 0: none */
	struct huge huge;			/* meminfo.c fills it */
	struct buf stat;			/* memory.stat */
	struct buf host;			/* /proc/meminfo */
};

/* 0 or -ENOMEM; memory_free() in any case. */
int memory_read(struct proc_source *s, struct memory *m);
void memory_free(struct memory *m);
#define _cleanup_memory_ __attribute__((cleanup(memory_free)))

/* A line of /proc/meminfo by its name with the colon, bytes; 0: no such line. */
uint64_t memory_host(const struct memory *m, const char *name);
