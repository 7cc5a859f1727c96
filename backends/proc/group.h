/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of a source's control groups. Each is read through a descriptor that stays open; ENODEV, when the group behind it is gone,
 * opens anew. The caller holds the source's lock.
 */
#pragma once

#include "backends/core/cgroup.h"
#include "backends/proc/proc.h"

enum group_file {		/* by their names in v2 */
	GROUP_MEMORY_CURRENT, GROUP_MEMORY_STAT, GROUP_MEMORY_MAX, GROUP_SWAP_CURRENT, GROUP_SWAP_MAX, GROUP_SWAPPINESS,
	GROUP_CPUSET_EFFECTIVE, GROUP_CPUSET, GROUP_CPU_MAX, GROUP_CPU_PERIOD, GROUP_CPU_STAT, GROUP_CPU_PER_CPU,
	GROUP_IO_STAT, GROUP_IO_OPS, GROUP_PIDS_CURRENT, GROUP_SLABINFO,
	GROUP_HUGE_CURRENT, GROUP_HUGE_MAX, GROUP_HUGE_RESERVED,
	GROUP_PRESSURE_CPU, GROUP_PRESSURE_IO, GROUP_PRESSURE_MEMORY,
	GROUP_FILE_MAX,
};

/* The groups of one instance. paths: "" is the root of the hierarchy, NULL: not in it. */
struct groups {
	char *paths[CGROUP_MAX];
	char *unified;			/* in the v2 hierarchy, for what it has without controllers */
	struct group_input *inputs[GROUP_FILE_MAX];	/* one for each level, made at the first read */
};

/* The same path everywhere; "" for a stopped instance: in none. 0 or -ENOMEM. */
int groups_set(struct groups *g, const char *path);
/* From the text of /proc/PID/cgroup. */
int groups_parse(struct groups *g, const char *text);
void groups_close(struct groups *g);	/* descriptors only */
void groups_free(struct groups *g);

/* 1 or 2: version of the hierarchy of this file's controller; 0: none, or the source is in none. */
int group_version(const struct groups *g, enum group_file f);

/* The file of the group itself (level 0), its parent (1), ... Added to out. -ENODATA: there is no such file or level. */
int group_read(struct groups *g, enum group_file f, unsigned level, struct buf *out);
/* The nearest one upwards: the group by which the kernel counts when the controller is off further down. The root counts too. */
int group_read_nearest(struct groups *g, enum group_file f, struct buf *out);
/* Lowest of the limits from the group up to the root; PROC_NO_LIMIT. *known: whether there was any such file. */
uint64_t group_lowest(struct groups *g, enum group_file f, bool *known);
/* A number from the nearest one. False: nowhere. */
bool group_number(struct groups *g, enum group_file f, uint64_t *ret);
unsigned group_levels(const struct groups *g, enum group_file f);	/* with the root */

/* Opens it anew, for whoever keeps it. */
int group_open(struct groups *g, enum group_file f, unsigned level, int flags);
