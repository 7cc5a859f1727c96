// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Names below rootfs/ that come and go: mkdir, mknod, symlink, link, create, unlink, rmdir. Each is carried out once even
 * when the server is killed in between: begun and finished are told to request_begin() and request_result(), and one that
 * had begun before takes "it is already so" for success. No state of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "fs/rootfs.h"
#include "fs/rootfs_handlers.h"
#include "fs/rootfs_held.h"

/* ---- what is made without being opened ---- */

struct making {
	mode_t mode;		/* with the type */
	dev_t rdev;
	const char *target;	/* of a symbolic link */
};

static int make_call(const struct rootfs_dir *d, const char *name, const struct making *m)
{
	int r;

	if (S_ISDIR(m->mode))
		r = mkdirat(d->fd, name, m->mode & 07777);
	else if (S_ISLNK(m->mode))
		r = symlinkat(m->target, d->fd, name);
	else
		r = mknodat(d->fd, name, m->mode, m->rdev);
	return r < 0 ? -errno : 0;
}

static int make_as(const struct rootfs_dir *d, const char *name, const struct making *m, const struct caller *who)
{
	struct rootfs_identity_held h = { .held = false };
	int r = rootfs_enter(d->v, who, &h);

	if (r == 0)
		r = make_call(d, name, m);
	rootfs_leave(&h);
	return r;
}

static int make(struct rootfs_dir *d, const char *name, const struct making *m, const struct caller *who,
		struct fuse_entry_param *e)
{
	uint64_t ino = 0;
	int result = 0, begun = request_begin(who, &result, &ino), r;

	if (begun < 0)
		return begun;
	if (begun == REQUEST_DONE)
		return result < 0 ? result : rootfs_entry(d, name, e);
	r = make_as(d, name, m, who);
	if (r == -EEXIST && begun == REQUEST_AGAIN)
		r = 0;
	if (r == 0)
		r = rootfs_entry(d, name, e);
	request_result(who, r, r == 0 ? e->ino : 0);
	return r;
}

static void reply_made(fuse_req_t req, fuse_ino_t parent, const char *name, const struct making *m)
{
	_cleanup_place_ struct rootfs_dir *d = NULL;
	struct fuse_entry_param e = { .ino = 0 };
	struct caller who;
	int r = rootfs_dir_get_write(parent, &d);

	request_caller(req, &who);
	if (r == 0)
		r = make(d, name, m, &who, &e);
	if (r < 0)
		rootfs_reply(req, r);
	else
		rootfs_reply_entry(req, &e);
}

void rootfs_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	reply_made(req, parent, name, &(struct making){ .mode = S_IFDIR | (mode & 07777) });
}

/* The kernel lets only a caller with CAP_MKNOD make devices; being root of the host is what counts here. */
void rootfs_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	const struct making m = { .mode = mode & S_IFMT ? mode : mode | S_IFREG, .rdev = rdev };
	struct caller who;

	request_caller(req, &who);
	if ((S_ISCHR(mode) || S_ISBLK(mode)) && who.uid != 0)
		rootfs_reply(req, -EPERM);
	else
		reply_made(req, parent, name, &m);
}

void rootfs_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	reply_made(req, parent, name, &(struct making){ .mode = S_IFLNK | 0777, .target = target });
}

/* ---- another name for a file ---- */

static int link_call(const struct rootfs_dir *d, int fd, const char *name)
{
	struct rootfs_identity_held h = { .held = false };
	int r = rootfs_enter_anybody(d->v, &h);

	if (r == 0 && linkat(fd, "", d->fd, name, AT_EMPTY_PATH) < 0)
		r = -errno;
	rootfs_leave(&h);
	return r;
}

static int link_once(struct rootfs_dir *d, int fd, const char *name, const struct caller *who, struct fuse_entry_param *e)
{
	uint64_t made = 0;
	int result = 0, begun = request_begin(who, &result, &made), r;

	if (begun < 0)
		return begun;
	if (begun == REQUEST_DONE)
		return result < 0 ? result : rootfs_entry(d, name, e);
	r = link_call(d, fd, name);
	if (r == -EEXIST && begun == REQUEST_AGAIN)
		r = 0;
	if (r == 0)
		r = rootfs_entry(d, name, e);
	request_result(who, r, r == 0 ? e->ino : 0);
	return r;
}

void rootfs_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	_cleanup_place_ struct rootfs_dir *d = NULL;
	_cleanup_close_ int fd = -1;
	struct fuse_entry_param e = { .ino = 0 };
	struct caller who;
	int r;

	if (!(ino & ROOTFS_BIT) || !(newparent & ROOTFS_BIT))
		return rootfs_reply(req, -EXDEV);
	request_caller(req, &who);
	r = rootfs_dir_get_write(newparent, &d);
	if (r == 0) {
		fd = rootfs_open_node(ino, &v);
		r = fd < 0 ? fd : 0;
	}
	if (r == 0 && !rootfs_volume_same(v, d->v))
		r = -EXDEV;
	if (r == 0)
		r = link_once(d, fd, newname, &who, &e);
	if (r < 0)
		rootfs_reply(req, r);
	else
		rootfs_reply_entry(req, &e);
}

/* ---- removing ---- */

static int remove_once(struct rootfs_dir *d, const char *name, int flags, const struct caller *who)
{
	struct statx sx = { .stx_mask = 0 };
	uint64_t ino = 0;
	int result = 0, begun = request_begin(who, &result, &ino), r = 0;
	struct rootfs_removal rm;

	if (begun < 0)
		return begun;
	if (begun == REQUEST_DONE)
		return result;
	if (rootfs_stat(d->fd, name, &sx) == 0)
		ino = rootfs_node_known(rootfs_identity_of(d->v, &sx));
	rootfs_removal_begin(&rm, ino, &sx);
	if (unlinkat(d->fd, name, flags) < 0)
		r = -errno;
	rootfs_removal_end(&rm, r);
	if (r == -ENOENT && begun == REQUEST_AGAIN)
		r = 0;
	request_result(who, r, 0);
	return r;
}

static void reply_removed(fuse_req_t req, fuse_ino_t parent, const char *name, int flags)
{
	_cleanup_place_ struct rootfs_dir *d = NULL;
	struct caller who;
	int r = rootfs_dir_get_write(parent, &d);

	request_caller(req, &who);
	if (r == 0)
		r = remove_once(d, name, flags, &who);
	rootfs_reply(req, r);
}

void rootfs_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	reply_removed(req, parent, name, 0);
}

void rootfs_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	reply_removed(req, parent, name, AT_REMOVEDIR);
}

/* ---- making and opening in one ---- */

#define CREATE_FLAGS (O_ACCMODE | O_APPEND | O_SYNC | O_DSYNC | O_NOATIME)

static int create_as(const struct rootfs_dir *d, const char *name, mode_t mode, int flags, const struct caller *who)
{
	struct rootfs_identity_held h = { .held = false };
	int r = rootfs_enter(d->v, who, &h), fd = -1;

	if (r == 0) {
		fd = openat(d->fd, name, (flags & CREATE_FLAGS) | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, mode & 07777);
		r = fd < 0 ? -errno : fd;
	}
	rootfs_leave(&h);
	return r;
}

static int open_made(const struct rootfs_dir *d, const char *name, int flags)
{
	_cleanup_close_ int fd = openat(d->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : rootfs_reopen(fd, flags & CREATE_FLAGS);
}

static int create_once(const struct rootfs_dir *d, const char *name, mode_t mode, int flags, const struct caller *who, int *begun)
{
	uint64_t ino = 0;
	int result = 0, fd;

	*begun = request_begin(who, &result, &ino);
	if (*begun < 0)
		return *begun;
	if (*begun == REQUEST_DONE)
		return result < 0 ? result : open_made(d, name, flags);
	fd = create_as(d, name, mode, flags, who);
	if (fd == -EEXIST && *begun == REQUEST_AGAIN)
		return open_made(d, name, flags);
	/* The kernel took the name for free and did not ask whether the caller may open what the guest made meanwhile: let it ask. */
	return fd == -EEXIST && !(flags & O_EXCL) ? -ESTALE : fd;
}

static int create(struct rootfs_dir *d, const char *name, mode_t mode, struct fuse_file_info *fi, const struct caller *who,
		  struct fuse_entry_param *e)
{
	uint64_t epoch = rootfs_node_epoch();
	int begun = 0, r, fd = create_once(d, name, mode, fi->flags, who, &begun);
	uint64_t fh = rootfs_file_again(who);
	struct statx sx;

	r = fd < 0 ? fd : rootfs_stat(fd, "", &sx);
	if (r == 0)
		r = rootfs_entry_from(d, name, &sx, epoch, e);
	if (r == -EAGAIN)
		r = rootfs_entry(d, name, e);
	if (r == 0 && !fh)
		r = rootfs_file_new(who, e->ino, steal_fd(&fd), fi->flags & CREATE_FLAGS, d->v, &fh);
	if (fd >= 0)
		close(fd);
	if (begun == REQUEST_NEW || begun == REQUEST_AGAIN)
		request_result(who, r, r == 0 ? e->ino : 0);
	fi->fh = fh;
	return r;
}

void rootfs_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	_cleanup_place_ struct rootfs_dir *d = NULL;
	struct fuse_entry_param e = { .ino = 0 };
	struct caller who;
	int r = rootfs_dir_get_write(parent, &d);

	request_caller(req, &who);
	if (r == 0)
		r = create(d, name, mode, fi, &who, &e);
	if (r < 0) {
		rootfs_reply(req, r);
	} else if (fuse_reply_create(req, &e, fi) < 0) {
		rootfs_file_release(fi->fh);
		rootfs_node_forget(e.ino, 1);
	}
}
