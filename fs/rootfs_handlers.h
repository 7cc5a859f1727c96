/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The request handlers below rootfs/, for the table in fs/rootfs.c, and how they answer. */
#pragma once

#include "fs/rootfs_file.h"
#include "fs/rootfs_place.h"
#include "fs/session.h"

static inline void rootfs_reply(fuse_req_t req, int r)
{
	fuse_reply_err(req, -r);
}

/* Replies with an entry whose lookup was counted; the count is taken back when the kernel did not want it any more. */
void rootfs_reply_entry(fuse_req_t req, const struct fuse_entry_param *e);

/* Does what the kernel does for a writer without CAP_FSETID, and does not for us: clears set-uid and set-gid. */
void rootfs_kill_priv(int fd, const struct caller *who);

/* rootfs_change.c: names */
void rootfs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void rootfs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void rootfs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void rootfs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname);
void rootfs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void rootfs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void rootfs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);

/* rootfs_rename.c */
void rootfs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent, const char *newname,
		   unsigned flags);

/* rootfs_io.c: contents */
void rootfs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void rootfs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void rootfs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t off, struct fuse_file_info *fi);
void rootfs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void rootfs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void rootfs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void rootfs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length, struct fuse_file_info *fi);
void rootfs_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);
void rootfs_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in, struct fuse_file_info *fi_in, fuse_ino_t ino_out,
			    off_t off_out, struct fuse_file_info *fi_out, size_t len, int flags);

/* rootfs_list.c: directories */
void rootfs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void rootfs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void rootfs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);

/* rootfs_xattr.c */
void rootfs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void rootfs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void rootfs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void rootfs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);

/* rootfs_link.c */
void rootfs_readlink(fuse_req_t req, fuse_ino_t ino);
