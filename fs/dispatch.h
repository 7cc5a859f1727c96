/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table of operations that sends each request to fs_ops or, for inodes with bit 63, to rootfs_ops. */
#pragma once

#include "fs/session.h"

/* What the tree serves. To be called before threads exist. Locks are left out: the kernel then keeps them, and they survive the server. */
const struct session_class *dispatch_class(void);
