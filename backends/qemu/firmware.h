/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* UEFI for disks that boot by themselves, as LXD's images do: Debian's OVMF, whose variables are kept beside the disk. */
#pragma once

#include "backends/core/storage.h"
#include "backends/qemu/command.h"

int firmware_add(struct command *c, const struct volume *v, struct err *e);
