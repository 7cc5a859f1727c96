/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of backends/proc as directories of a mount of their own. */
#pragma once

#include "backends/proc/proc.h"
#include "fs/session.h"

/*
 * An inode number is that of fs/node.h: an object, the library's row (0 for what stands above the rows), and as the slot, in rows of
 * which there are several, the CPU's number + 1 with the cache's in the bits above. The root is row 1 of no object.
 */
#define PROCDIR_ROOT 1
/* Its row is NULL: the root, or above the rows, or stale. */
struct proc_place procdir_place(uint64_t ino);
uint64_t procdir_ino(uint32_t id, const struct proc_place *at);
/* What fs/node.h calls a slot, for whoever has such rows in a mount of another kind. */
uint32_t procdir_slot(const struct proc_place *at);
struct proc_place procdir_place_of(const struct proc_row *r, uint32_t slot);

/* In a directory; row NULL: the top. 0 or -ENOENT. Whether a row with PROC_MAYBE is there now, proc_exists() tells. */
int procdir_find(const struct proc_place *dir, const char *name, struct proc_place *ret);

/* Answers READDIR with numbers of the object id. s is needed below the top only. */
void procdir_reply(fuse_req_t req, const struct proc_place *dir, uint32_t id, struct proc_source *s, size_t size, off_t off);

/* Answers READ with the part of a text that was asked for. */
void procdir_reply_text(fuse_req_t req, const char *data, size_t len, size_t size, off_t off);

/* Answers STATFS: nothing is stored. */
void procdir_statfs(fuse_req_t req, fuse_ino_t ino);
