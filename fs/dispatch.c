// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The answer ENOSYS makes the kernel stop asking for good, on the whole mount. Where one side has an operation and the other has
 * not, the other must therefore get an answer that stands for "not here" only: the last argument of FORWARD.
 */
#include "fs/dispatch.h"

#include <errno.h>
#include <poll.h>

#include "fs/notify.h"
#include "fs/request.h"
#include "fs/session.h"

#define SIDE(ino) (request_is_rootfs(ino) ? &rootfs_ops : &fs_ops)

#define FORWARD(op, params, args, otherwise)                             \
	static void on_##op params                                      \
	{                                                                \
		const struct fuse_lowlevel_ops *side = SIDE(ino);        \
		if (side->op)                                            \
			side->op args;                                   \
		else                                                     \
			otherwise;                                       \
	}

#define NO(code) fuse_reply_err(req, code)
#define INODE fuse_req_t req, fuse_ino_t ino
#define FILE_INFO struct fuse_file_info *fi

FORWARD(lookup, (INODE, const char *name), (req, ino, name), NO(ENOENT))
FORWARD(forget, (INODE, uint64_t n), (req, ino, n), fuse_reply_none(req))
FORWARD(getattr, (INODE, FILE_INFO), (req, ino, fi), NO(ESTALE))
FORWARD(setattr, (INODE, struct stat *st, int set, FILE_INFO), (req, ino, st, set, fi), NO(EPERM))
FORWARD(readlink, (INODE), (req, ino), NO(EINVAL))
FORWARD(mknod, (INODE, const char *name, mode_t mode, dev_t dev), (req, ino, name, mode, dev), NO(EPERM))
FORWARD(mkdir, (INODE, const char *name, mode_t mode), (req, ino, name, mode), NO(EPERM))
FORWARD(unlink, (INODE, const char *name), (req, ino, name), NO(EPERM))
FORWARD(rmdir, (INODE, const char *name), (req, ino, name), NO(EPERM))
FORWARD(symlink, (fuse_req_t req, const char *link, fuse_ino_t ino, const char *name), (req, link, ino, name), NO(EPERM))
FORWARD(open, (INODE, FILE_INFO), (req, ino, fi), fuse_reply_open(req, fi))
FORWARD(read, (INODE, size_t size, off_t off, FILE_INFO), (req, ino, size, off, fi), NO(EOPNOTSUPP))
FORWARD(flush, (INODE, FILE_INFO), (req, ino, fi), NO(0))
FORWARD(fsync, (INODE, int data, FILE_INFO), (req, ino, data, fi), NO(EINVAL))
FORWARD(readdir, (INODE, size_t size, off_t off, FILE_INFO), (req, ino, size, off, fi), NO(ENOTDIR))
FORWARD(readdirplus, (INODE, size_t size, off_t off, FILE_INFO), (req, ino, size, off, fi), NO(ENOTDIR))
FORWARD(releasedir, (INODE, FILE_INFO), (req, ino, fi), NO(0))
FORWARD(fsyncdir, (INODE, int data, FILE_INFO), (req, ino, data, fi), NO(EINVAL))
FORWARD(statfs, (INODE), (req, ino), NO(EOPNOTSUPP))
FORWARD(setxattr, (INODE, const char *name, const char *value, size_t size, int flags), (req, ino, name, value, size, flags),
	NO(EOPNOTSUPP))
FORWARD(getxattr, (INODE, const char *name, size_t size), (req, ino, name, size), NO(EOPNOTSUPP))
FORWARD(listxattr, (INODE, size_t size), (req, ino, size), NO(EOPNOTSUPP))
FORWARD(removexattr, (INODE, const char *name), (req, ino, name), NO(EOPNOTSUPP))
FORWARD(access, (INODE, int mask), (req, ino, mask), NO(0))
FORWARD(create, (INODE, const char *name, mode_t mode, FILE_INFO), (req, ino, name, mode, fi), NO(EPERM))
FORWARD(ioctl, (INODE, unsigned cmd, void *arg, FILE_INFO, unsigned flags, const void *in, size_t in_size, size_t out_size),
	(req, ino, cmd, arg, fi, flags, in, in_size, out_size), NO(ENOTTY))
FORWARD(fallocate, (INODE, int mode, off_t off, off_t len, FILE_INFO), (req, ino, mode, off, len, fi), NO(EOPNOTSUPP))
FORWARD(lseek, (INODE, off_t off, int whence, FILE_INFO), (req, ino, off, whence, fi), NO(EINVAL))

/* Listings need no handle: neither side is asked. */
static void on_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (session_without_opendir())
		fuse_reply_err(req, ENOSYS);
	else
		fuse_reply_open(req, fi);
}

static void on_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	if (SIDE(ino)->poll) {
		SIDE(ino)->poll(req, ino, fi, ph);
		return;
	}
	if (ph)
		fuse_pollhandle_destroy(ph);
	fuse_reply_poll(req, POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM);
}

static void on_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	poll_forget(ino, fi->fh);
	if (SIDE(ino)->release)
		SIDE(ino)->release(req, ino, fi);
	else
		fuse_reply_err(req, 0);
}

static void on_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct fuse_bufvec v = FUSE_BUFVEC_INIT(size);

	v.buf[0].mem = (void *)(uintptr_t)data;
	if (SIDE(ino)->write)
		SIDE(ino)->write(req, ino, data, size, off, fi);
	else if (SIDE(ino)->write_buf)
		SIDE(ino)->write_buf(req, ino, &v, off, fi);
	else
		fuse_reply_err(req, EROFS);
}

/* ---- two inodes: both of one side, or it is another file system ---- */

static void on_rename(fuse_req_t req, fuse_ino_t ino, const char *name, fuse_ino_t to, const char *new_name, unsigned flags)
{
	if (SIDE(ino) != SIDE(to))
		fuse_reply_err(req, EXDEV);
	else if (SIDE(ino)->rename)
		SIDE(ino)->rename(req, ino, name, to, new_name, flags);
	else
		fuse_reply_err(req, EPERM);
}

static void on_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t to, const char *name)
{
	if (SIDE(ino) != SIDE(to))
		fuse_reply_err(req, EXDEV);
	else if (SIDE(ino)->link)
		SIDE(ino)->link(req, ino, to, name);
	else
		fuse_reply_err(req, EPERM);
}

static void on_copy_file_range(fuse_req_t req, fuse_ino_t ino, off_t off, struct fuse_file_info *fi, fuse_ino_t to, off_t to_off,
			       struct fuse_file_info *to_fi, size_t len, int flags)
{
	if (SIDE(ino) != SIDE(to))
		fuse_reply_err(req, EXDEV);
	else if (SIDE(ino)->copy_file_range)
		SIDE(ino)->copy_file_range(req, ino, off, fi, to, to_off, to_fi, len, flags);
	else
		fuse_reply_err(req, EOPNOTSUPP);
}

const struct session_class *dispatch_class(void)
{
	static struct fuse_lowlevel_ops t = {
		.lookup = on_lookup, .forget = on_forget, .getattr = on_getattr, .setattr = on_setattr, .mkdir = on_mkdir,
		.unlink = on_unlink, .rmdir = on_rmdir, .rename = on_rename, .open = on_open, .read = on_read, .write = on_write,
		.release = on_release, .opendir = on_opendir, .readdir = on_readdir, .releasedir = on_releasedir,
	};

	static struct session_class class = {
		.ops = &t,
		.caps = FUSE_CAP_EXPORT_SUPPORT | FUSE_CAP_PARALLEL_DIROPS | FUSE_CAP_ASYNC_READ | FUSE_CAP_ATOMIC_O_TRUNC |
			FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_ASYNC_DIO | FUSE_CAP_IOCTL_DIR,
		.readers = SHM_READERS,
	};

	/* What neither side has, the kernel need not ask for. */
#define IF_ANY(op) t.op = fs_ops.op || rootfs_ops.op ? on_##op : NULL
	IF_ANY(readlink);
	IF_ANY(mknod);
	IF_ANY(symlink);
	IF_ANY(link);
	IF_ANY(flush);
	IF_ANY(fsync);
	IF_ANY(fsyncdir);
	IF_ANY(statfs);
	IF_ANY(setxattr);
	IF_ANY(getxattr);
	IF_ANY(listxattr);
	IF_ANY(removexattr);
	IF_ANY(access);
	IF_ANY(create);
	IF_ANY(ioctl);
	IF_ANY(poll);
	IF_ANY(fallocate);
	IF_ANY(readdirplus);
	IF_ANY(copy_file_range);
	IF_ANY(lseek);
	if (t.readdirplus)
		class.caps |= FUSE_CAP_READDIRPLUS | FUSE_CAP_READDIRPLUS_AUTO;
	return &class;
}
