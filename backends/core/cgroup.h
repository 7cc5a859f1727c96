/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Control groups of this host: which controller stands in which hierarchy (v1, v2, or both side by side), and files of a group in
 * them. Paths are relative to the root of every hierarchy ("instfs/NAME.HASH"). The table is filled once and then constant.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backends/core/buf.h"
#include "backends/core/err.h"

enum cgroup_controller {
	CGROUP_CPU, CGROUP_CPUACCT, CGROUP_CPUSET, CGROUP_MEMORY, CGROUP_PIDS, CGROUP_FREEZER, CGROUP_DEVICES,
	CGROUP_IO, CGROUP_HUGETLB, CGROUP_NET_PRIO, CGROUP_MAX,
};

#define CGROUP_VALUE_MAX 1024

/* ENOENT: no hierarchy is mounted at all. */
int cgroup_init(struct err *e);
/* For tests: forgets what was found and looks again, with everything below a directory that stands for "/". */
int cgroup_init_below(const char *root, struct err *e);

const char *cgroup_name(enum cgroup_controller c);	/* "memory"; v1's blkio is "io" */
/* 0: this kernel (or its boot options) does not offer it; else 1 or 2, the version of its hierarchy. */
int cgroup_version(enum cgroup_controller c);
/* Whether the v2 hierarchy is mounted, with controllers or without. */
bool cgroup_has_unified(void);

/* One line without its newline. 0 or -errno; -ENODATA when the controller or the file is not there. */
int cgroup_read(enum cgroup_controller c, const char *path, const char *file, char buf[CGROUP_VALUE_MAX]);
int cgroup_read_u64(enum cgroup_controller c, const char *path, const char *file, uint64_t *ret);	/* "max" is UINT64_MAX */
/* The number behind `key ` in a flat keyed file ("cpu.stat", "memory.stat"). */
int cgroup_read_key(enum cgroup_controller c, const char *path, const char *file, const char *key, uint64_t *ret);
int cgroup_write(enum cgroup_controller c, const char *path, const char *file, const char *value);

/*
 * v2 offers a controller's files in a group only when all groups above pass it on. Switches it on in those, from the root down to
 * the parent of path. Nothing to do on v1: 0.
 */
int cgroup_pass_on(enum cgroup_controller c, const char *path);

/* Calls f for each process in the group and below it, until one call returns non-zero. Pids may be gone when f looks. */
int cgroup_each_process(const char *path, int (*f)(pid_t pid, void *arg), void *arg);

/* A file of a group, or with "." or a directory's name that; the descriptor is the caller's. -ENODATA as above. */
int cgroup_open(enum cgroup_controller c, const char *path, const char *file, int flags);
/* In the v2 hierarchy whether or not it has any controller (cgroup.procs, *.pressure). */
int cgroup_open_unified(const char *path, const char *file, int flags);

/* Waits until every process is frozen, or thawed; ETIMEDOUT, and then it is thawed again. EOPNOTSUPP without any freezer. */
int cgroup_freeze(const char *path, bool freeze, unsigned timeout_ms, struct err *e);
bool cgroup_is_frozen(const char *path);

/*
 * Makes the group in every hierarchy and puts the process into it. A hierarchy where that cannot be done is passed over: its files
 * will not be there.
 */
void cgroup_enter(const char *path, pid_t pid);

/* Kills what is in the group and below it, frozen or not. Does not wait. */
void cgroup_kill(const char *path);

/* Removes the group with all below it from every hierarchy, killing what is still in it. Nothing there: 0. */
int cgroup_remove(const char *path, struct err *e);
