/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Disks of virtual machines: qcow2 or raw. Looked at before any program opens them: a qcow2 header can name other files of the host,
 * for what is below it and for its own data, and whoever opens such a disk opens these.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backends/core/err.h"

/*
 * The format and the size that a guest sees; *qcow2 may be NULL. EINVAL: a header that makes no sense. EPERM: it names other files.
 * EOPNOTSUPP: encrypted, or with features that nobody knew when this was written. backing: it may stand on another disk, which whoever
 * opens it names himself.
 */
int disk_check(int fd, bool backing, bool *qcow2, uint64_t *size, struct err *e);
