/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nics of a container's start. liblxc wants each of them again, by its name on the host, when the guest reboots, and lets the guest
 * end without them. For one that was taken away or attached anew meanwhile a stand-in waits there under that name; after the
 * reboot it is taken out again. What liblxc was told is in the record ".nics" beside those of devices. No state, no locks.
 */
#pragma once

#include "backends/lxc/device.h"
#include "backends/network/nic.h"

/* liblxc will be told that the nic has that name inside. */
int start_nics_add(const struct device *d, const struct nic *n, const char *name, struct err *e);
/* The device's own interface is gone or inside for good: makes the stand-in when one is needed. */
int start_nics_hold(const struct device *d, const struct nic *n, struct err *e);
/* The container runs, perhaps after a reboot: takes out what stood in. Before its other devices get there. */
void start_nics_renew(const struct place *p, pid_t init, uint64_t init_start);
/* Nothing runs any more. */
void start_nics_gone(const struct place *p);
