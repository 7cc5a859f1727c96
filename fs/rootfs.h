/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * rootfs/NAME and rootfs/NAME@SNAP: the root file systems of instances and snapshots, passed through. This is what the control
 * tree, which owns the directory rootfs/ itself, needs to know. The files below are served by rootfs_ops (fs/session.h).
 *
 * What the mount must be: nosuid and nodev (owners are the guest's, so a file that is set-uid root there would be set-uid
 * root here), default_permissions, without the kernel's POSIX_ACL and WRITEBACK_CACHE. Both forget() and forget_multi() of
 * a node with ROOTFS_BIT must reach rootfs_ops: the numbers are counted.
 */
#pragma once

#include "backends/core/object.h"
#include "fs/session.h"

#define ROOTFS_BIT (1ULL << 63)

/* The inode number of an instance's root directory (slot 0) or of a snapshot's; computed, the same for ever. */
fuse_ino_t rootfs_root_ino(uint32_t object, uint32_t snap_slot);

/*
 * The root directory of an instance (snap NULL or "") or of one of its snapshots, mounted when it was not. Fills
 * everything of *e; on success the kernel must be told of it (the lookup is counted). ENOENT: no such snapshot, or no root
 * file system yet.
 */
int rootfs_lookup_root(struct object *o, const char *snap, struct fuse_entry_param *e, struct err *er);

/* The directory rootfs/ of the control tree, for ".." of a root. Defined where that directory is. */
fuse_ino_t rootfs_dir_ino(void);
