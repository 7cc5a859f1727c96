/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The numbers of files below rootfs/: which file of which root file system a node number means.
 *
 * A node is remembered as a name in its parent node, so that a new server finds every file again by walking names from the
 * mount's root, and a renamed directory takes all that is below along. The number is drawn from a counter and never used
 * twice. The second key is the identity: a hash of (root file system, device, inode), which recognises a file under another
 * name (hard links, renames by the guest); it is also the st_ino that is shown.
 *
 * Records are in the keep, written when a node is made, moved or dropped and never for a lookup: the kernel's lookup counts are
 * in this process only. A server that takes over therefore knows the nodes but not their counts ("doubtful"). Such a node
 * is dropped by a FORGET of more lookups than this server counted: the kernel gives back all of them at once when it evicts an
 * inode, while what it gives back one by one was counted here. A node in doubt that is never forgotten costs its record; when
 * there are more than ROOTFS_NODES_MAX, nodes of files that are neither open nor parents are dropped whatever the kernel
 * knows: it gets ESTALE, looks the name up again, and no program notices.
 *
 * As long as there are no more than ROOTFS_NODES_KEPT, nodes that the kernel forgot stay, for NFS clients, which keep numbers
 * for longer than the kernel does.
 *
 * One leaf mutex; no pointer into the table leaves it.
 */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#define ROOTFS_NODES_MAX 300000
#define ROOTFS_NODES_KEPT 32768

struct rootfs_node {
	uint64_t parent;	/* 0: this is a root */
	uint64_t identity;	/* rootfs_identity(); 0 for a root */
	uint32_t object, slot;
	uint32_t birth;		/* hash of the birth time, to tell a reused inode */
	uint32_t type;		/* S_IFMT part of the mode */
	bool unlinked;		/* has lost its last name: see fs/rootfs_held.h and fs/rootfs_file.h */
	uint64_t epoch;		/* rootfs_node_epoch() before the file was looked at; see rootfs_node_found() */
	char name[NAME_MAX + 1];
};

/* Changes with every rootfs_node_moved(). */
uint64_t rootfs_node_epoch(void);
#define ROOTFS_LOOK_AGAIN 1

/* The identity of a file: dev is 0 for the device that the root directory is on, so that it stays the same over remounts. */
uint64_t rootfs_identity(uint32_t object, uint32_t slot, uint64_t dev, uint64_t ino);

/*
 * A root is computed. The kernel gets it with a few bits of the mount's id, so that it drops what it knows below when
 * another file system is mounted there (a restore); everywhere else the number without them is used.
 */
uint64_t rootfs_node_root(uint32_t object, uint32_t slot);
uint64_t rootfs_node_root_of_mount(uint32_t object, uint32_t slot, uint64_t mount_id);
uint64_t rootfs_node_plain(uint64_t ino);
bool rootfs_node_is_root(uint64_t ino);

/* What the number means. False: unknown (the caller says ESTALE). */
bool rootfs_node_get(uint64_t ino, struct rootfs_node *ret);

/*
 * The number of a file that was found as n->name in n->parent; made when it is new, moved there when it was known
 * elsewhere. lookups (at least 1) are added to its count. 0: out of memory, or the parent is unknown. ROOTFS_LOOK_AGAIN:
 * we have renamed something since the epoch, so that the place may be an old one.
 */
uint64_t rootfs_node_found(const struct rootfs_node *n, unsigned lookups);

/* The file was renamed by us; also tells a birth time that changed because overlayfs copied it up for that. */
void rootfs_node_moved(const struct rootfs_node *to);

/* One more lookup of a known number; false: unknown. */
bool rootfs_node_again(uint64_t ino);

/* The number of a file by its identity, 0: none. */
uint64_t rootfs_node_known(uint64_t identity);

void rootfs_node_forget(uint64_t ino, uint64_t lookups);

/*
 * The file has lost its last name: its number stays valid for who has it open, its identity may belong to another file soon, or
 * already. 0 is fine.
 */
void rootfs_node_unlinked(uint64_t ino);

/* Numbers that no server ever used, for other uses below rootfs/ (file handles). 0: the keep is full. */
enum rootfs_counter { ROOTFS_COUNT_NODES = 1, ROOTFS_COUNT_HANDLES };
uint64_t rootfs_number(enum rootfs_counter which);

size_t rootfs_node_count(void);
/* Told by the table of open files, so that a file that is open is not dropped. */
bool rootfs_node_is_open(uint64_t ino);
