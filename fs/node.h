/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Nodes: what an inode number says. `object id << 36 | slot << 12 | row`, computed in both directions, so that there is no table of
 * inodes, nothing to forget, and a handle that an NFS client got stays good over restarts. Bit 63 belongs to fs/rootfs.c.
 */
#pragma once

#include <stdint.h>

#define NODE_ROW_BITS 12
#define NODE_SLOT_BITS 24
#define NODE_SLOT_MAX ((1u << NODE_SLOT_BITS) - 1)

struct node {
	uint32_t object;	/* 0: the daemon; the root directory is row 1 of it, hence inode 1 */
	uint32_t slot;		/* 0 for fixed files; else what was made by name: a value, snapshot, exec, scratch file */
	uint16_t row;		/* enum row_id */
};

static inline uint64_t node_ino(struct node n)
{
	return (uint64_t)n.object << (NODE_ROW_BITS + NODE_SLOT_BITS) | (uint64_t)n.slot << NODE_ROW_BITS | n.row;
}

static inline struct node node_of(uint64_t ino)
{
	return (struct node){
		.object = (uint32_t)(ino >> (NODE_ROW_BITS + NODE_SLOT_BITS)),
		.slot = (uint32_t)(ino >> NODE_ROW_BITS) & NODE_SLOT_MAX,
		.row = (uint16_t)(ino & ((1u << NODE_ROW_BITS) - 1)),
	};
}

/* A number for a child that has a name only (expanded/config/KEY, used_by/NAME): the same name gets the same one. Never 0. */
uint32_t node_name_slot(const char *name);
