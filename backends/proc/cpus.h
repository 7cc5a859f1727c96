/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sets of CPUs by their numbers on the host, of any size. */
#pragma once

#include <stdbool.h>

#include "backends/core/buf.h"

struct cpus {
	unsigned n;
	unsigned *list;		/* ascending */
};

#define CPUS_INIT { .n = 0 }
#define CPUS_NUMBER_MAX 65535	/* larger numbers in a list are passed over */

/* "0-3,7\n", ascending as the kernel writes it; what is not is passed over. 0 or -ENOMEM. */
int cpus_parse(const char *text, struct cpus *ret);
bool cpus_has(const struct cpus *c, unsigned number);
/* Position in the list, or -1. */
int cpus_find(const struct cpus *c, unsigned number);
/* Leaves in a what is in b too. */
void cpus_and(struct cpus *a, const struct cpus *b);
void cpus_cut(struct cpus *c, unsigned n);	/* the first n */
/* As "0-3,7", no newline. */
void cpus_print(const struct cpus *c, struct buf *out);
void cpus_free(struct cpus *c);
#define _cleanup_cpus_ __attribute__((cleanup(cpus_free)))
