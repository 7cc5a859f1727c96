// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of operations below rootfs/, and the ones that look at or change a single node. No state of its own, no locks. */
#include "fs/rootfs.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/statvfs.h>

#include "backends/core/cleanup.h"
#include "fs/rootfs_handlers.h"

fuse_ino_t rootfs_root_ino(uint32_t object, uint32_t snap_slot)
{
	return rootfs_node_root(object, snap_slot);
}

static int root_entry(uint32_t object, uint32_t slot, struct fuse_entry_param *ret, struct err *er)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	struct statx sx;
	int r = rootfs_volume_get(object, slot, &v, er);

	if (r < 0)
		return r;
	r = rootfs_stat(v->fd, "", &sx);
	if (r < 0)
		return err_sys(er, -r, "root file system %s", v->path);
	*ret = (struct fuse_entry_param){ .ino = rootfs_node_root_of_mount(object, slot, v->mount_id) };
	/* The name is never believed: it goes with the instance or the snapshot, and means another file system after a restore. */
	ret->attr_timeout = rootfs_attr(v, &sx, &ret->attr);
	return 0;
}

int rootfs_lookup_root(struct object *o, const char *snap, struct fuse_entry_param *e, struct err *er)
{
	uint32_t slot = 0;

	if (snap && *snap) {
		HOLD_LOCK(&o->lock);
		const struct snapshot *s = object_snapshot(o, snap);

		if (!s)
			return err_set(er, ENOENT, "there is no snapshot \"%s\"", snap);
		slot = s->slot;
	}
	return root_entry(o->id, slot, e, er);
}

void rootfs_reply_entry(fuse_req_t req, const struct fuse_entry_param *e)
{
	if (fuse_reply_entry(req, e) < 0)
		rootfs_node_forget(e->ino, 1);
}

static void lookup_root_again(fuse_req_t req, uint32_t object, uint32_t slot)
{
	struct fuse_entry_param e = { .ino = 0 };
	int r = root_entry(object, slot, &e, NULL);

	if (r < 0)
		rootfs_reply(req, r);
	else
		fuse_reply_entry(req, &e);
}

/* "." rebuilds a node for an NFS client; ".." leads up, out of the root to the directory of all roots. */
static void lookup_dots(fuse_req_t req, uint64_t ino, const char *name)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	struct fuse_entry_param e = { .ino = ino };
	struct rootfs_node n;
	struct statx sx;
	int r;

	if (name[1]) {
		if (!rootfs_node_get(ino, &n))
			return rootfs_reply(req, -ESTALE);
		if (!n.parent)
			return fs_ops.lookup(req, rootfs_dir_ino(), ".");
		e.ino = n.parent;
		if (rootfs_node_is_root(e.ino))
			return lookup_root_again(req, n.object, n.slot);
	}
	r = rootfs_stat_node(e.ino, &v, &sx);
	if (r == 0 && !rootfs_node_again(e.ino))
		r = -ESTALE;
	if (r < 0)
		return rootfs_reply(req, r);
	e.entry_timeout = rootfs_volume_timeout(v);
	e.attr_timeout = rootfs_attr(v, &sx, &e.attr);
	rootfs_reply_entry(req, &e);
}

static void lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_cleanup_place_ struct rootfs_dir *d = NULL;
	struct fuse_entry_param e = { .ino = 0 };
	int r;

	if (!strcmp(name, ".") || !strcmp(name, ".."))
		return lookup_dots(req, parent, name);
	r = rootfs_dir_get(parent, &d);
	if (r == 0)
		r = rootfs_entry(d, name, &e);
	if (r < 0)
		rootfs_reply(req, r);
	else
		rootfs_reply_entry(req, &e);
}

static void forget(fuse_req_t req, fuse_ino_t ino, uint64_t nlookup)
{
	rootfs_node_forget(ino, nlookup);
	fuse_reply_none(req);
}

static void forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		rootfs_node_forget(forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	_cleanup_handle_ struct rootfs_file *f = NULL;
	struct statx sx;
	struct stat st;
	double timeout;
	int r;

	if (fi && rootfs_file_get(fi->fh, &f) == 0) {
		v = rootfs_volume_ref(f->v);
		r = rootfs_stat(f->fd, "", &sx);
	} else {
		r = rootfs_stat_node(ino, &v, &sx);
	}
	if (r < 0)
		return rootfs_reply(req, r);
	timeout = rootfs_attr(v, &sx, &st);
	fuse_reply_attr(req, &st, timeout);
}

void rootfs_kill_priv(int fd, const struct caller *who)
{
	struct stat st;

	if (!who->uid || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if ((st.st_mode & S_ISUID) || (st.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
		fchmod(fd, st.st_mode & 07777 & ~(S_ISUID | (st.st_mode & S_IXGRP ? S_ISGID : 0)));
}

static int set_owner(const struct rootfs_volume *v, int fd, const struct stat *a, int to_set)
{
	uint32_t uid = UINT32_MAX, gid = UINT32_MAX;

	if ((to_set & FUSE_SET_ATTR_UID) && !rootfs_to_host(v, false, a->st_uid, &uid))
		return -EINVAL;
	if ((to_set & FUSE_SET_ATTR_GID) && !rootfs_to_host(v, true, a->st_gid, &gid))
		return -EINVAL;
	return fchownat(fd, "", uid, gid, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW) < 0 ? -errno : 0;
}

static int set_mode(int fd, mode_t mode)
{
	struct rootfs_fd_path p = rootfs_fd_path(fd);
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -EOPNOTSUPP;
	return chmod(p.s, mode & 07777) < 0 ? -errno : 0;
}

static int set_size(int fd, off_t size, struct fuse_file_info *fi, const struct caller *who)
{
	_cleanup_handle_ struct rootfs_file *f = NULL;
	_cleanup_close_ int own = -1;

	if (fi && rootfs_file_get(fi->fh, &f) == 0 && (f->flags & O_ACCMODE) != O_RDONLY) {
		fd = f->fd;
	} else {
		own = rootfs_reopen(fd, O_WRONLY);
		if (own < 0)
			return own;
		fd = own;
	}
	if (ftruncate(fd, size) < 0)
		return -errno;
	rootfs_kill_priv(fd, who);
	return 0;
}

static int set_times(int fd, const struct stat *a, int to_set)
{
	struct timespec t[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT } };

	if (to_set & FUSE_SET_ATTR_ATIME_NOW)
		t[0].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_ATIME)
		t[0] = a->st_atim;
	if (to_set & FUSE_SET_ATTR_MTIME_NOW)
		t[1].tv_nsec = UTIME_NOW;
	else if (to_set & FUSE_SET_ATTR_MTIME)
		t[1] = a->st_mtim;
	return utimensat(fd, "", t, AT_EMPTY_PATH) < 0 ? -errno : 0;
}

/* The owner first: changing it clears set-uid, which may be part of the mode that is to be set. */
static int set_all(const struct rootfs_volume *v, int fd, const struct stat *a, int to_set, struct fuse_file_info *fi,
		   const struct caller *who)
{
	int r = 0;

	if (to_set & (FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))
		r = set_owner(v, fd, a, to_set);
	if (r == 0 && (to_set & FUSE_SET_ATTR_MODE))
		r = set_mode(fd, a->st_mode);
	if (r == 0 && (to_set & FUSE_SET_ATTR_SIZE))
		r = set_size(fd, a->st_size, fi, who);
	if (r == 0 && (to_set & (FUSE_SET_ATTR_ATIME | FUSE_SET_ATTR_ATIME_NOW | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW)))
		r = set_times(fd, a, to_set);
	return r;
}

static void setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	_cleanup_close_ int fd = rootfs_open_node(ino, &v);
	struct caller who;
	struct statx sx;
	struct stat st;
	double timeout;
	int r = fd < 0 ? fd : v->read_only ? -EROFS : 0;

	request_caller(req, &who);
	if (r == 0)
		r = set_all(v, fd, attr, to_set, fi, &who);
	if (r == 0)
		r = rootfs_stat(fd, "", &sx);
	if (r < 0)
		return rootfs_reply(req, r);
	timeout = rootfs_attr(v, &sx, &st);
	fuse_reply_attr(req, &st, timeout);
}

static void statfs(fuse_req_t req, fuse_ino_t ino)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	struct rootfs_node n;
	struct statvfs sv;
	int r = rootfs_node_get(ino, &n) ? rootfs_volume_get(n.object, n.slot, &v, NULL) : -ESTALE;

	if (r == 0 && fstatvfs(v->fd, &sv) < 0)
		r = -errno;
	if (r < 0)
		rootfs_reply(req, r);
	else
		fuse_reply_statfs(req, &sv);
}

const struct fuse_lowlevel_ops rootfs_ops = {
	.lookup = lookup,
	.forget = forget,
	.forget_multi = forget_multi,
	.getattr = getattr,
	.setattr = setattr,
	.readlink = rootfs_readlink,
	.mknod = rootfs_mknod,
	.mkdir = rootfs_mkdir,
	.unlink = rootfs_unlink,
	.rmdir = rootfs_rmdir,
	.symlink = rootfs_symlink,
	.rename = rootfs_rename,
	.link = rootfs_link,
	.open = rootfs_open,
	.read = rootfs_read,
	.write = rootfs_write,
	.flush = rootfs_flush,
	.release = rootfs_release,
	.fsync = rootfs_fsync,
	.readdir = rootfs_readdir,
	.fsyncdir = rootfs_fsyncdir,
	.statfs = statfs,
	.setxattr = rootfs_setxattr,
	.getxattr = rootfs_getxattr,
	.listxattr = rootfs_listxattr,
	.removexattr = rootfs_removexattr,
	.create = rootfs_create,
	.fallocate = rootfs_fallocate,
	.readdirplus = rootfs_readdirplus,
	.copy_file_range = rootfs_copy_file_range,
	.lseek = rootfs_lseek,
};
