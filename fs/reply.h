/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Replies, at once or later. A request that waits for an operation or for data is deferred; a signal ends the wait with EINTR. */
#pragma once

#include "fs/session.h"
#include "fs/view.h"

#define FOREVER 1e9	/* timeout, seconds: until we say otherwise */

/* Fills what LOOKUP and friends answer, the inode's attributes included. -ESTALE. */
int reply_fill_entry(uint64_t ino, const struct caller *who, struct fuse_entry_param *ret);
/* Answers LOOKUP, MKDIR, SYMLINK: r negative, or the entry. volatile_name: the name may vanish by itself. */
void reply_entry(fuse_req_t req, int r, uint64_t ino, const struct caller *who, bool volatile_name);
void reply_attr(fuse_req_t req, struct view *v, uint64_t fh);
/* The part of b that a READ asked for. */
void reply_data(fuse_req_t req, const struct buf *b, size_t size, off_t off);

/*
 * A request that waits for an operation. reply_prepare() before the operation can be asked for; then either reply_unprepare() (it was
 * not accepted, or is done: the handler answers) or reply_accepted(): reply_done(arg, result) answers, or has already.
 */
enum later { LATER_ERR, LATER_WRITE, LATER_ENTRY };
void *reply_prepare(fuse_req_t req, const struct caller *who, struct object *o, enum later how, size_t size,
		    uint64_t dir, const char *name);
void reply_unprepare(void *arg);
void reply_accepted(void *arg);
void reply_done(void *arg, int result);

/* A READ that blocks (stream->wait); nonblock: EAGAIN when it would. Takes care of everything. */
void reply_blocking_read(fuse_req_t req, uint64_t ino, uint64_t fh, size_t size, off_t off, bool nonblock);
