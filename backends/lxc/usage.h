/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backends/core/backend.h"

/*
 * backend_ops.usage: cpu.usage_ns cpu.user_ns cpu.system_ns, memory.current memory.peak memory.limit, swap.current, pids.current
 * pids.limit, network/IF.{rx,tx}_{bytes,packets} as the guest sees them, disk/root.bytes; and "network": the names of its
 * interfaces, one per line. No limit: ENODATA.
 */
int usage_item(struct object *o, const char *item, struct buf *out, struct err *e);
