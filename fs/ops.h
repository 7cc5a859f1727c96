/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two halves of the operations share: ops.c (names and attributes) and ops_file.c (files). */
#pragma once

#include <stdint.h>
#include <time.h>

#include "fs/session.h"
#include "fs/view.h"

/* The sentence of a failure goes to the object's `error`; the log has it once. */
void op_tell(struct view *v, const struct err *e, int r);
/* Resolves the inode; answers the request when that fails. */
bool op_begin(fuse_req_t req, fuse_ino_t ino, struct caller *who, struct view *v);
/* The handle of a writer, 0 for readers. */
uint64_t op_writer(const struct fuse_file_info *fi);
/* The name may come or go by itself. */
bool op_may_vanish(struct view *dir, const char *name);
struct meta op_new_meta(const struct caller *who, mode_t mode);
/* True when an earlier server had done it: the request is answered. */
bool op_already(fuse_req_t req, const struct caller *who);

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph);
