/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Mounts, without anything that knows what they are for. Everything is attached below directories that are private mounts of
 * their own (mount_private()), so that no other mount namespace of the host ever sees or holds them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backends/core/err.h"

/* 1: a mount is attached at path; 0: not, or there is no such path; -errno. Follows no symbolic link at the end. */
int mount_is(const char *path);

/* Makes the directory when it is missing, and a private mount of its own when it is not yet one. */
int mount_private(const char *path, mode_t mode, struct err *e);
/* At the end: undone, unless something is mounted or open below (an instance runs). */
void mount_private_end(const char *path);

/* A detached copy of the tree at path (one mount, not those below it), mapped by the user namespace (-1: not), as a
 * descriptor. */
int mount_clone(const char *path, int userns, bool read_only, struct err *e);

enum {
	MOUNT_TREE_RECURSIVE = 1 << 0,		/* with the mounts below it, and what is set is set on them too */
	MOUNT_TREE_PEERS = 1 << 1,		/* propagation stays that of the original; else the copy is private */
	MOUNT_TREE_NOFOLLOW = 1 << 2,		/* no symbolic link at the end of path */
};

/* The same with choice: attr are MOUNT_ATTR_* to set, flags are MOUNT_TREE_*. */
int mount_tree(const char *path, int userns, uint64_t attr, unsigned flags, struct err *e);

/* Attaches what mount_clone() gave at the directory target. The descriptor stays the caller's. */
int mount_attach(int fd, const char *target, struct err *e);

/* Detaches every mount that is stacked at path, lazily when busy. Nothing mounted there, or no such path: 0. */
int mount_detach(const char *path, struct err *e);

/*
 * From here to mount_identity_end() what this thread does in a file system is done by these ids, with all privileges
 * kept but one. Overlay keeps the identity of whoever mounts it for all that it does in its layers, and root itself (id 0 of
 * the host) does not exist in a layer that is mapped for a guest: it must be the guest's root who mounts. No quota holds for
 * CAP_SYS_RESOURCE, which is that one.
 */
int mount_identity_begin(uid_t uid, gid_t gid, struct err *e);
void mount_identity_end(void);
