/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The show functions of the rows. Each adds the whole file; the source's lock is held. 0 or -errno. */
#pragma once

#include "backends/proc/source.h"

int meminfo_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int swaps_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int cpuinfo_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int stat_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int uptime_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int loadavg_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int diskstats_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int slabinfo_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int pressure_show_cpu(struct proc_source *s, const struct proc_place *at, struct buf *out);
int pressure_show_io(struct proc_source *s, const struct proc_place *at, struct buf *out);
int pressure_show_memory(struct proc_source *s, const struct proc_place *at, struct buf *out);
int online_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int offline_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int kernel_max_show(struct proc_source *s, const struct proc_place *at, struct buf *out);

/* topology.c: what the host says of a CPU or node; CPUs in lists and masks have the instance's numbers. -ENOENT: there is no such file. */
int topology_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
int topology_show_list(struct proc_source *s, const struct proc_place *at, struct buf *out);
int topology_show_mask(struct proc_source *s, const struct proc_place *at, struct buf *out);
int node_meminfo_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
bool topology_exists(struct proc_source *s, const struct proc_place *at);	/* takes the lock */

/* machine.c: files of virtual machines. */
int machine_meminfo(struct proc_source *s, const struct proc_place *at, struct buf *out);
int machine_swaps(struct proc_source *s, const struct proc_place *at, struct buf *out);
int machine_cpuinfo(struct proc_source *s, const struct proc_place *at, struct buf *out);
int machine_stat(struct proc_source *s, const struct proc_place *at, struct buf *out);
int machine_uptime(struct proc_source *s, const struct proc_place *at, struct buf *out);
int machine_diskstats(struct proc_source *s, const struct proc_place *at, struct buf *out);

/* Fills the last line with blanks, so that what begins at `from` is a multiple of step long: readers see few different lengths. */
void show_pad(struct buf *out, size_t from, size_t step);
