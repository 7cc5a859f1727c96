// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Contents of regular files below rootfs/: open, read, write and the rest of what is done with a descriptor. No state of
 * its own.
 *
 * Reads of more than READ_COPY_MAX bytes go to the kernel as a descriptor, which libfuse splices where the session can.
 * Writes come from the request's memory: requests are read into slots of the shared memory, so that none is lost with the
 * server.
 */
#include <errno.h>
#include <fcntl.h>

#include "backends/core/cleanup.h"
#include "fs/rootfs.h"
#include "fs/rootfs_handlers.h"

#define OPEN_FLAGS (O_ACCMODE | O_APPEND | O_TRUNC | O_SYNC | O_DSYNC | O_NOATIME)
#define READ_COPY_MAX 32768
#define COPY_MAX (64u << 20)	/* of one copy_file_range: a request cannot be interrupted */

static int open_file(uint64_t ino, const struct caller *who, struct fuse_file_info *fi)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	_cleanup_close_ int path = rootfs_open_node(ino, &v), fd = -1;

	if (path < 0)
		return path;
	if (v->read_only && ((fi->flags & O_ACCMODE) != O_RDONLY || (fi->flags & O_TRUNC)))
		return -EROFS;
	fd = rootfs_reopen(path, fi->flags & OPEN_FLAGS);
	if (fd < 0)
		return fd;
	if (fi->flags & O_TRUNC)
		rootfs_kill_priv(fd, who);
	fi->keep_cache = v->read_only;
	return rootfs_file_new(who, ino, steal_fd(&fd), fi->flags & OPEN_FLAGS, v, &fi->fh);
}

void rootfs_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct caller who;
	int r = 0;

	request_caller(req, &who);
	fi->fh = rootfs_file_again(&who);
	if (!fi->fh)
		r = open_file(ino, &who, fi);
	fi->noflush = (fi->flags & O_ACCMODE) == O_RDONLY;
	if (r < 0)
		rootfs_reply(req, r);
	else if (fuse_reply_open(req, fi) < 0)
		rootfs_file_release(fi->fh);
}

static void read_copied(fuse_req_t req, const struct rootfs_file *f, size_t size, off_t off)
{
	char data[READ_COPY_MAX];
	ssize_t n = pread(f->fd, data, size, off);

	if (n < 0)
		fuse_reply_err(req, errno);
	else
		fuse_reply_buf(req, data, (size_t)n);
}

void rootfs_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	_cleanup_handle_ struct rootfs_file *f = NULL;
	struct fuse_bufvec data = FUSE_BUFVEC_INIT(size);
	int r = rootfs_file_get(fi->fh, &f);

	(void)ino;
	if (r < 0)
		return rootfs_reply(req, r);
	if (size <= READ_COPY_MAX)
		return read_copied(req, f, size, off);
	data.buf[0].flags = FUSE_BUF_IS_FD | FUSE_BUF_FD_SEEK;
	data.buf[0].fd = f->fd;
	data.buf[0].pos = off;
	fuse_reply_data(req, &data, FUSE_BUF_SPLICE_MOVE);
}

static ssize_t write_at(int fd, const char *data, size_t size, off_t off)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pwrite(fd, data + done, size - done, off + (off_t)done);

		if (n < 0 && !done)
			return -errno;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

/* Pages of a mapping, which the kernel writes through any handle: one for appending would put them at the end. */
static ssize_t write_page(const struct rootfs_file *f, const char *data, size_t size, off_t off)
{
	_cleanup_close_ int fd = rootfs_reopen(f->fd, O_WRONLY);

	return fd < 0 ? fd : write_at(fd, data, size, off);
}

void rootfs_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t off, struct fuse_file_info *fi)
{
	_cleanup_handle_ struct rootfs_file *f = NULL;
	struct caller who;
	ssize_t n;
	int r = rootfs_file_get(fi->fh, &f);

	(void)ino;
	if (r < 0)
		return rootfs_reply(req, r);
	request_caller(req, &who);
	if (!(f->flags & O_APPEND))
		n = write_at(f->fd, data, size, off);
	else if (fi->writepage)
		n = write_page(f, data, size, off);
	else
		n = rootfs_file_append(f, &who, data, size);
	if (n < 0)
		return rootfs_reply(req, (int)n);
	if (!fi->writepage)
		rootfs_kill_priv(f->fd, &who);
	fuse_reply_write(req, (size_t)n);
}

/* Some file systems tell of a failed write only at close. */
void rootfs_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_handle_ struct rootfs_file *f = NULL;
	int fd, r = rootfs_file_get(fi->fh, &f);

	(void)ino;
	if (r == 0 && (f->flags & O_ACCMODE) != O_RDONLY) {
		fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 3);
		if (fd < 0 || close(fd) < 0)
			r = -errno;
	}
	rootfs_reply(req, r);
}

void rootfs_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	(void)ino;
	rootfs_file_release(fi->fh);
	rootfs_reply(req, 0);
}

void rootfs_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	_cleanup_handle_ struct rootfs_file *f = NULL;
	int r = rootfs_file_get(fi->fh, &f);

	(void)ino;
	if (r == 0 && (datasync ? fdatasync(f->fd) : fsync(f->fd)) < 0)
		r = -errno;
	rootfs_reply(req, r);
}

void rootfs_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length, struct fuse_file_info *fi)
{
	_cleanup_handle_ struct rootfs_file *f = NULL;
	struct caller who;
	int r = rootfs_file_get(fi->fh, &f);

	(void)ino;
	request_caller(req, &who);
	if (r == 0 && fallocate(f->fd, mode, offset, length) < 0)
		r = -errno;
	if (r == 0)
		rootfs_kill_priv(f->fd, &who);
	rootfs_reply(req, r);
}

void rootfs_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi)
{
	_cleanup_handle_ struct rootfs_file *f = NULL;
	off_t where = 0;
	int r = rootfs_file_get(fi->fh, &f);

	(void)ino;
	if (r == 0) {
		where = lseek(f->fd, off, whence);
		r = where < 0 ? -errno : 0;
	}
	if (r < 0)
		rootfs_reply(req, r);
	else
		fuse_reply_lseek(req, where);
}

void rootfs_copy_file_range(fuse_req_t req, fuse_ino_t ino_in, off_t off_in, struct fuse_file_info *fi_in, fuse_ino_t ino_out,
			    off_t off_out, struct fuse_file_info *fi_out, size_t len, int flags)
{
	_cleanup_handle_ struct rootfs_file *in = NULL, *out = NULL;
	struct caller who;
	ssize_t n = 0;
	int r;

	if (!(ino_in & ROOTFS_BIT) || !(ino_out & ROOTFS_BIT))
		return rootfs_reply(req, -EXDEV);
	request_caller(req, &who);
	r = rootfs_file_get(fi_in->fh, &in);
	if (r == 0)
		r = rootfs_file_get(fi_out->fh, &out);
	if (r == 0) {
		n = copy_file_range(in->fd, &off_in, out->fd, &off_out, len < COPY_MAX ? len : COPY_MAX, (unsigned)flags);
		r = n < 0 ? -errno : 0;
	}
	if (r < 0)
		return rootfs_reply(req, r);
	rootfs_kill_priv(out->fd, &who);
	fuse_reply_write(req, (size_t)n);
}
