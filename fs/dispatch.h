/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One table for libfuse that sends each request to fs_ops or, for inodes with bit 63, to rootfs_ops. */
#pragma once

#include "fs/session.h"

/* Filled once, before threads exist. Locks are left out: the kernel then keeps them, and they survive the server. */
const struct fuse_lowlevel_ops *dispatch_table(void (*init)(void *userdata, struct fuse_conn_info *conn));
