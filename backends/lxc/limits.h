/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From limits.* keys to files of control groups, for either version. A list of limits is pure text until it is written into a
 * configuration for liblxc (at start) or into the group itself (live).
 */
#pragma once

#include "backends/core/cgroup.h"
#include "backends/core/config.h"

#define LIMITS_MAX 16
#define LIMIT_VALUE_MAX 1024	/* a long list of CPUs */

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

enum { LIMITS_MEMORY = 1 << 0, LIMITS_CPUSET = 1 << 1, LIMITS_CPU = 1 << 2, LIMITS_PIDS = 1 << 3, LIMITS_ALL = 15 };

/* Which of them a key has to do with; 0: none ("user.x"). */
unsigned limits_of_key(const char *name);

/*
 * Adds what the expanded configuration says. With `reset`, what is not limited is set to the kernel's default as well (a key was
 * unset); without, it is left out. Controllers that this kernel lacks are left out. id is the instance's, for the choice of CPUs.
 */
int limits_make(const struct expanded *x, uint32_t id, unsigned which, bool reset, struct limits *ret, struct err *e);

/* As lines of liblxc's configuration. */
void limits_print(const struct limits *l, struct buf *out);

/* Into the running group, all or none: what was written before a failure is put back. Under a millisecond. */
int limits_write(const struct limits *l, const char *path, struct err *e);

/* In words what the kernel says for the group, then what the configuration asks for and this kernel cannot do. */
void limits_words(const struct expanded *x, const char *path, struct buf *out);

/*
 * CPUs for `limits.cpu` as a count: those with the fewest other instances on them. cpus_set() remembers a choice (list in the
 * kernel's form; "" forgets), so that later choices spread. Any thread.
 */
int cpus_choose(uint32_t id, unsigned count, char *list, size_t size, struct err *e);
int cpus_pin(const char *wanted, char *list, size_t size, struct err *e);	/* those that are online */
void cpus_set(uint32_t id, const char *list);
