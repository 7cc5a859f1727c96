/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From limits.* keys to files of control groups, for either version. A list of limits is pure text until it is written into a
 * configuration for liblxc (at start) or into the group itself (live).
 */
#pragma once

#include "backends/core/cgroup.h"
#include "backends/core/config.h"

#define LIMITS_MAX 24
#define LIMIT_VALUE_MAX 512	/* a long list of CPUs */

struct limit {
	enum cgroup_controller controller;
	const char *file;		/* "memory.limit_in_bytes" */
	char value[LIMIT_VALUE_MAX];
	bool optional;			/* not every kernel has the file (swap accounting) */
};

struct limits {
	struct limit list[LIMITS_MAX];
	size_t n;
};

enum {
	LIMITS_MEMORY = 1 << 0, LIMITS_CPUSET = 1 << 1, LIMITS_CPU = 1 << 2, LIMITS_PIDS = 1 << 3, LIMITS_HUGEPAGES = 1 << 4,
	LIMITS_DISK = 1 << 5, LIMITS_NETWORK = 1 << 6, LIMITS_ALL = (1 << 7) - 1,
};

/* Which of them a key has to do with; 0: none ("user.x"). */
unsigned limits_of_key(const char *name);

/*
 * Makes the list of what the expanded configuration says. With `reset`, what is not limited is set to the kernel's default as well (a key was
 * unset); without, it is left out. Controllers that this kernel lacks are left out. id is the instance's, for the choice of CPUs.
 */
int limits_make(const struct expanded *x, uint32_t id, unsigned which, bool reset, struct limits *ret, struct err *e);

/* As lines of liblxc's configuration. */
void limits_print(const struct limits *l, struct buf *out);

/* Into the running group, all or none: what was written before a failure is put back. Under a millisecond. */
int limits_write(const struct limits *l, const char *path, struct err *e);

/* In words what the kernel says for the group, one limit per line. */
void limits_words(const struct expanded *x, const char *path, struct buf *out);

/* What the configuration asks for and this kernel cannot do, "KEY: why" per line. path: the group, "" when it does not run. */
void limits_warnings(const struct expanded *x, const char *path, struct buf *out);
