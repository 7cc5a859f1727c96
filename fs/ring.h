/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A ring of notifications in the shared memory. Any thread of the server puts in, one process takes out; each item becomes visible
 * by one store, and is taken out after it was carried out: it may be done twice around a crash, never lost.
 *
 * A full ring sets `overflow` and drops the item: nobody waits for a consumer that may wait for us.
 */
#pragma once

#include "fs/shm.h"

enum ring_type {
	RING_SKIP, RING_INODE, RING_ENTRY, RING_TOUCH,
	RING_EXPIRE,		/* pages of `ino`, not before the time that the name says; items are put in the order of their times */
	RING_LOOK,		/* the kernel shall ask for the attributes of the path below the mount point */
};

struct ring_item {
	uint32_t size;		/* with name, a multiple of its alignment */
	uint16_t type;		/* enum ring_type */
	uint16_t name_len;
	uint64_t ino;
	char name[];		/* NUL behind it */
};

void ring_put(struct shm_ring *r, enum ring_type type, uint64_t ino, const char *name);
/* Wakes the consumer in any case: at takeover, when the last server may have been killed before it did. */
void ring_kick(struct shm_ring *r);

/* The next item, waiting for one; NULL: something was dropped, *r->overflow was reset. */
const struct ring_item *ring_next(struct shm_ring *r);
void ring_done(struct shm_ring *r, const struct ring_item *i);
