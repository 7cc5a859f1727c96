/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Removed directories, and fifos, sockets, devices and links, below rootfs/ that somebody may still have open or as a current
 * directory. The kernel tells nothing of that but the FORGET of the last one, and the name leads there no more: until then a
 * descriptor is held here, and by the holder for the next server. Regular files have handles of their own (fs/rootfs_file.h).
 */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "fs/rootfs_volume.h"

/* Around the call that takes a name from a node (0: of nothing known), so that who has it open keeps it, regular files too. */
struct rootfs_removal {
	uint64_t ino;
	bool last, held;
};
void rootfs_removal_begin(struct rootfs_removal *rm, uint64_t ino, const struct statx *sx);
void rootfs_removal_end(struct rootfs_removal *rm, int result);

/* An O_PATH descriptor of the caller's and its volume; -ESTALE: not held. */
int rootfs_held_get(uint64_t ino, struct rootfs_volume **ret_v);

/* The kernel has forgotten it: marks, under the lock of the nodes; what was marked is closed by rootfs_held_sweep(). */
void rootfs_held_forgotten(uint64_t ino);
void rootfs_held_sweep(void);
