/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Edits: from write(2) to a committed value. Handles of writers and the bytes that are not committed yet, both in the keep, and the
 * rules of when an edit becomes a value:
 *  - write: a complete scalar (from the beginning or appended, or all of a text begun anew, with a newline at its end) is committed,
 *    or refused, at once; of a text of several lines that goes on, what is wrong already is refused;
 *  - fsync: committed;
 *  - flush by the process that opened, after new data: committed, so that close(2) tells of a refusal; a flush by another process
 *    (a child that inherited the descriptor) or without new data (the dup2 of a shell) means nothing;
 *  - last close: committed; what is refused then is dropped and stands in `error`.
 * Truncation alone never commits before the last close; a handle that was not written through never does.
 */
#pragma once

#include <stdbool.h>

#include "fs/view.h"

#define EDIT_SIZE_MAX (1u << 20)

int edit_init(void);		/* reads the keep */

/* A handle for writing; fh is unique over server lives. trunc: the edit begins empty. */
int edit_open(struct view *v, int flags, pid_t pid, uint64_t *ret_fh);
/* fh of a reader that needs one: a number without anything behind it. Writers' handles have the bit clear. */
#define FH_READER (1ULL << 63)

/* A number that no other handle of this connection has, in the low 63 bits. */
uint64_t edit_number(void);
bool edit_has_writers(uint64_t ino);
/* Length of the pending edit; false: none. */
bool edit_size(uint64_t ino, size_t *ret);
int edit_read(uint64_t ino, struct buf *out);	/* -ENOENT: none pending */

/* 0, 1 (v->done comes later), -errno */
int edit_write(struct view *v, uint64_t fh, const char *data, size_t len, off_t off, bool append, struct err *e);
int edit_truncate(struct view *v, uint64_t fh, size_t len, struct err *e);
int edit_fsync(struct view *v, uint64_t fh, struct err *e);
int edit_flush(struct view *v, uint64_t fh, pid_t pid, struct err *e);
void edit_release(struct view *v, uint64_t fh);
/* Drops the pending bytes (removed or replaced by rename). */
void edit_drop(uint64_t ino);
/* Thread group of a thread as FUSE reports it; 0 when it is gone or in another pid namespace. */
pid_t edit_tgid(pid_t tid);
