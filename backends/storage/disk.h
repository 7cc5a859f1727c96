/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Disks of virtual machines. Never a default: an instance whose image has a disk gets this driver, whatever others have. */
#pragma once

#include "backends/core/storage.h"

#define DISK_FILE "root.qcow2"		/* in the object's directory disk/; the layer above BASES/FINGERPRINT/rootfs.img */

extern const struct storage_ops disk_storage;
