/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * limits.read, limits.write and limits.max of disks. The kernel holds a group to a rate on a whole block device: the disks of an instance
 * that lie on one device share the average of what they ask for, as with LXD. No state: what holds is what the group's files say.
 */
#pragma once

#include "backends/core/config.h"

/* Of all disks of the configuration, into the running group: what is there (nothing yet in a fresh one) and not asked for goes. All or
 * none. */
int disk_rates_write(struct object *o, const struct expanded *x, const char *cgroup, bool fresh, struct err *e);

/* One line for runtime/devices/NAME: what the kernel says of the disk's device, or why nothing holds. Nothing without a limits.* property. */
void disk_rates_describe(struct object *o, const char *name, const char *cgroup, struct buf *out);

/* "devices/NAME: why" for each rate that this host cannot hold anybody to. */
void disk_rates_warnings(struct object *o, const struct expanded *x, struct buf *out);
