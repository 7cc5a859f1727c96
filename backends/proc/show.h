/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The show functions of the rows. Each adds the whole file; the source's lock is held. 0 or -errno. */
#pragma once

#include "backends/proc/source.h"

int meminfo_show(struct proc_source *s, unsigned cpu, struct buf *out);
int swaps_show(struct proc_source *s, unsigned cpu, struct buf *out);
int cpuinfo_show(struct proc_source *s, unsigned cpu, struct buf *out);
int stat_show(struct proc_source *s, unsigned cpu, struct buf *out);
int uptime_show(struct proc_source *s, unsigned cpu, struct buf *out);
int loadavg_show(struct proc_source *s, unsigned cpu, struct buf *out);
int diskstats_show(struct proc_source *s, unsigned cpu, struct buf *out);
int slabinfo_show(struct proc_source *s, unsigned cpu, struct buf *out);
int pressure_show_cpu(struct proc_source *s, unsigned cpu, struct buf *out);
int pressure_show_io(struct proc_source *s, unsigned cpu, struct buf *out);
int pressure_show_memory(struct proc_source *s, unsigned cpu, struct buf *out);
int online_show(struct proc_source *s, unsigned cpu, struct buf *out);
int offline_show(struct proc_source *s, unsigned cpu, struct buf *out);
int kernel_max_show(struct proc_source *s, unsigned cpu, struct buf *out);

/* machine.c: files of virtual machines. */
int machine_meminfo(struct proc_source *s, unsigned cpu, struct buf *out);
int machine_swaps(struct proc_source *s, unsigned cpu, struct buf *out);
int machine_cpuinfo(struct proc_source *s, unsigned cpu, struct buf *out);
int machine_stat(struct proc_source *s, unsigned cpu, struct buf *out);
int machine_uptime(struct proc_source *s, unsigned cpu, struct buf *out);
int machine_diskstats(struct proc_source *s, unsigned cpu, struct buf *out);

/* Fills the last line with blanks, so that what begins at `from` is a multiple of step long: readers see few different lengths. */
void show_pad(struct buf *out, size_t from, size_t step);
