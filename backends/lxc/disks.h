/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disk devices of a container that is being started. Their sources may lie where the guest's root, nobody on the host, must not
 * go; so each is mounted once more at DIR/disk.DEVICE, which only the guest's root reaches, shifted if it is to be.
 */
#pragma once

#include "backends/core/config.h"
#include "backends/core/idmap.h"
#include "backends/lxc/place.h"

/* Mounts all disks of the configuration but the root disk; those that are optional and missing are left out. */
int disks_attach(const struct place *p, const struct expanded *x, const struct idmap *map, struct err *e);

/* Takes all away that disks_attach() may have made, in this life or an earlier one. */
void disks_detach(const struct place *p);

/* DIR/disk.DEVICE */
void disks_path(const struct place *p, const char *device, char *buf, size_t size);

/* A property of a device that is true or false. */
bool disks_bool(const struct expanded_item *it, const char *key, bool def);
