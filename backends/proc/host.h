/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The host's own files, below the root that proc_init() was given, through descriptors that all sources share. One mutex per file:
 * a file of several records must be read to its end without another reader in between.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backends/core/buf.h"

enum host_file {
	HOST_MEMINFO, HOST_STAT, HOST_CPUINFO, HOST_SWAPS, HOST_DISKSTATS, HOST_SLABINFO, HOST_ONLINE, HOST_KERNEL_MAX,
	HOST_POSSIBLE, HOST_MAX,
};

int host_init(const char *root);
const char *host_root(void);

/* Added to out, whole; of HOST_SLABINFO the head only, which is constant. A file that this kernel lacks adds nothing: -ENOENT. */
int host_read(enum host_file f, struct buf *out);
/* A file that is read once, by its path below the root ("proc/1/cgroup"). */
int host_read_path(const char *path, struct buf *out);
bool host_exists(const char *path);
/* Reads fd from its beginning, whole. many: it has records, so that a short read is not the end of it. */
int host_pread(int fd, bool many, struct buf *out);

/* Nanoseconds since the host was booted, with time asleep; what /proc/uptime counts. */
int64_t host_boottime(void);
unsigned host_possible_cpus(void);	/* highest number + 1 */
unsigned host_ticks(void);		/* of /proc, per second */
