/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One request from the kernel, from the read to the reply: who asks, has it been seen before, what is remembered about it.
 * The side of session.c; what handlers may call is in session.h.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "fs/session.h"
#include "fs/shm.h"

/* Inodes with bit 63 are those of fs/rootfs.c. */
static inline bool request_is_rootfs(uint64_t ino)
{
	return ino >> 63;
}

/* Handles the request that stands in the slot, and frees the slot. */
void request_handle(struct fuse_session *se, struct shm_slot *slot);
void request_slot_free(struct shm_slot *slot);
/* Whether what stands in the slot is answered from memory alone. */
bool request_is_quick(const struct shm_slot *slot);

/* The journal, at takeover: what stands in this slot, unless it was deferred; then every deferred request. */
void request_replay_slot(struct fuse_session *se, struct shm_slot *slot);
void request_replay_deferred(struct fuse_session *se);
/* Drops records of requests that were answered long ago, and counts crashes against those under way. Before anything is replayed. */
void request_takeover(void);

/* Whether requests come back by the slots and the keep (true), or the kernel sends them again. */
bool request_journaled(void);

/* The session's way to the kernel (struct fuse_custom_io). */
ssize_t request_reply(int fd, struct iovec *iov, int count, void *userdata);
/* The reply to the next request of this thread is not sent: a replayed INIT. */
void request_mute(bool on);

/* What follows the header of the request that this thread handles, when at least that long; else NULL. */
const void *request_body(size_t len);
