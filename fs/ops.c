// SPDX-License-Identifier: LGPL-2.1-or-later
/* The FUSE operations of the control tree: resolve a view, ask the tables, reply. Nothing here knows a file's name. */
#include "fs/ops.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "fs/basis.h"
#include "fs/change.h"
#include "fs/copier.h"
#include "fs/edit.h"
#include "fs/log.h"
#include "fs/names.h"
#include "fs/reply.h"
#include "fs/rootfs.h"
#include "fs/tomb.h"
#include "fs/top.h"
#include "fs/xattr.h"

/* The sentence of a failure goes to the object's `error`; the log has it once. */
void op_tell(struct view *v, const struct err *e, int r)
{
	struct err last = ERR_INIT;

	if (r >= 0 || !e->code)
		return;
	/* A recursive removal that is refused says the same thing a hundred times: once is enough. */
	if (v->o)
		object_error_get(v->o, &last);
	if (!strcmp(last.text, e->text))
		return;
	log_info("%s: %s", v->o && v->o->name[0] ? v->o->name : "/", e->text);
	if (v->o)
		object_error_set(v->o, e);
}

/* Resolves the inode; answers the request when that fails. */
bool op_begin(fuse_req_t req, fuse_ino_t ino, struct caller *who, struct view *v)
{
	int r;

	request_caller(req, who);
	r = view_open(v, ino, who);
	if (r)
		fuse_reply_err(req, -r);
	return !r;
}

uint64_t op_writer(const struct fuse_file_info *fi)
{
	return fi && !(fi->fh & FH_READER) ? fi->fh : 0;
}

bool op_may_vanish(struct view *dir, const char *name)
{
	const struct row *r = row_in(dir->row->dir, name);

	return view_is_dynamic(dir) || (r && r->exists && r->flags & ROW_VOLATILE_ALWAYS);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view dir = { 0 };
	struct fuse_entry_param ep;
	struct caller who;
	uint64_t ino = parent;
	int r = 0;

	if (!op_begin(req, parent, &who, &dir))
		return;
	if (!strcmp(name, ".."))
		ino = view_parent(&dir);
	else if (strcmp(name, "."))
		r = view_child(&dir, name, &ino);
	if (!r && ino != parent && copier_makes(&dir, name))
		r = names_hide(&dir, name, ino);
	if (!r && ino & ROOTFS_BIT) {
		r = top_rootfs_lookup(name, &ep);
		if (!r)
			fuse_reply_entry(req, &ep);
		else
			fuse_reply_err(req, -r);
		return;
	}
	reply_entry(req, r, ino, &who, op_may_vanish(&dir, name));
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view v = { 0 };
	struct caller who;

	if (op_begin(req, ino, &who, &v))
		reply_attr(req, &v, op_writer(fi));
}

/* ---- attributes ---- */

static struct meta merged(const struct stat *now, const struct stat *want, int set)
{
	struct meta m = { now->st_mode & 07777, now->st_uid, now->st_gid, now->st_mtim, { 0 } };

	clock_gettime(CLOCK_REALTIME, &m.ctime);
	if (set & FUSE_SET_ATTR_MODE)
		m.mode = want->st_mode & 07777;
	if (set & FUSE_SET_ATTR_UID)
		m.uid = want->st_uid;
	if (set & FUSE_SET_ATTR_GID)
		m.gid = want->st_gid;
	if (set & FUSE_SET_ATTR_MTIME_NOW)
		m.mtime = m.ctime;
	else if (set & FUSE_SET_ATTR_MTIME)
		m.mtime = want->st_mtim;
	return m;
}

static int set_meta(struct view *v, const struct stat *want, int set, struct err *e)
{
	const bool top = !v->row->name && v->what == VIEW_ROW;
	const char *name = v->row->name;
	struct stat now;
	struct meta m;
	int r = view_stat(v, 0, &now);

	if (r)
		return r;
	m = merged(&now, want, set);
	if (v->what == VIEW_SCRATCH)
		return scratch_set_meta(v->ino, &m);
	if (v->what == VIEW_ENTRY)
		return object_set_meta(v->o, v->kind, v->name, &m, e);
	if (top && !v->node.slot)
		return object_set_meta(v->o, 0, NULL, &m, e);
	if (v->row->flags & ROW_FIELD && object_value(v->o, ENT_FIELD, name, (char[2]){ 0 }, 2))
		return object_set_meta(v->o, ENT_FIELD, name, &m, e);
	if (S_ISDIR(now.st_mode) && v->node.slot) {
		change_set_dir_stamp(v->ino, m.mtime);
		return 0;
	}
	if (S_ISDIR(now.st_mode))
		return object_set_meta(v->o, ENT_META, view_meta_name(v->row), &m, e);
	/* Owners of fixed files follow the object's, which chown -R changes last. */
	if ((m.mode & 07777) == (now.st_mode & 07777))
		return 0;
	return err_set(e, EPERM, "the mode of %s follows from what it is", v->name);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int set, struct fuse_file_info *fi)
{
	const int meta = FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID | FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_MTIME_NOW;
	_cleanup_view_ struct view v = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	int r = 0;

	if (!op_begin(req, ino, &who, &v))
		return;
	if (session_is_poker(who.pid)) {
		reply_attr(req, &v, 0);
		return;
	}
	if (set & FUSE_SET_ATTR_SIZE) {
		r = view_is_writable(&v) ? edit_truncate(&v, op_writer(fi), (size_t)attr->st_size, &e) : -EACCES;
		if (r > 0)
			r = 0;
	}
	if (!r && set & meta && !(set & FUSE_SET_ATTR_SIZE && !(set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))))
		r = set_meta(&v, attr, set, &e);
	op_tell(&v, &e, r);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	if (v.what == VIEW_SCRATCH)
		scratch_get(ino, &v.scratch);
	reply_attr(req, &v, op_writer(fi));
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_view_ struct view v = { 0 };
	struct caller who;
	int r;

	if (!op_begin(req, ino, &who, &v))
		return;
	r = view_render(&v, &b, NULL);
	if (r)
		fuse_reply_err(req, -r);
	else
		fuse_reply_readlink(req, buf_str(&b));
}

/* ---- listings ---- */

struct listing {
	fuse_req_t req;
	const struct caller *who;
	bool plus, dynamic;
	char *data;
	size_t len, size;
};

static int add_name(void *arg, uint64_t number, const char *name, uint64_t ino, mode_t type)
{
	struct fuse_entry_param ep = { .attr = { .st_ino = ino, .st_mode = type } };
	struct listing *l = arg;
	size_t n;

	if (!l->plus) {
		n = fuse_add_direntry(l->req, l->data + l->len, l->size - l->len, name, &ep.attr, (off_t)number);
	} else {
		if (!(ino & ROOTFS_BIT) && strcmp(name, ".") && strcmp(name, "..") && reply_fill_entry(ino, l->who, &ep))
			memset(&ep, 0, sizeof(ep));
		ep.attr.st_ino = ino;
		ep.attr.st_mode = ep.ino ? ep.attr.st_mode : type;
		if (l->dynamic)
			ep.entry_timeout = 0;
		n = fuse_add_direntry_plus(l->req, l->data + l->len, l->size - l->len, name, &ep, (off_t)number);
	}
	if (n > l->size - l->len)
		return 1;
	l->len += n;
	return 0;
}

static void list(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	_cleanup_view_ struct view v = { 0 };
	_cleanup_free_ char *data = NULL;
	struct listing l;
	struct caller who;
	int r;

	if (!op_begin(req, ino, &who, &v))
		return;
	data = malloc(size);
	l = (struct listing){ .req = req, .who = &who, .plus = plus, .dynamic = view_is_dynamic(&v), .data = data, .size = size };
	r = data ? names_list(&v, (uint64_t)off, add_name, &l) : -ENOMEM;
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_buf(req, data, l.len);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	list(req, ino, size, off, false);
}

static void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	list(req, ino, size, off, true);
}

static void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fuse_reply_err(req, 0);
}

static void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	tomb_settle(ino);
	fuse_reply_err(req, 0);
}

/* ---- names ---- */

struct meta op_new_meta(const struct caller *who, mode_t mode)
{
	return (struct meta){ .mode = mode & 07777, .uid = who->uid, .gid = who->gid };
}

/* True when an earlier server had done it: the request is answered. */
bool op_already(fuse_req_t req, const struct caller *who)
{
	uint64_t ino = 0;
	int result = 0;

	if (!who->again || request_seen(who, &result, &ino) != REQUEST_DONE)
		return false;
	if (result || !ino)
		fuse_reply_err(req, -result);
	else
		reply_entry(req, 0, ino, who, false);
	return true;
}

/* The end of what makes a name: 1 is answered by reply_done(). */
static void answer_made(fuse_req_t req, struct view *dir, int r, uint64_t ino, const struct err *e, bool volatile_name)
{
	op_tell(dir, e, r);
	if (r == 1) {
		reply_accepted(dir->done_arg);
		return;
	}
	reply_unprepare(dir->done_arg);
	request_result(dir->who, r, ino);
	reply_entry(req, r, ino, dir->who, volatile_name);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	_cleanup_view_ struct view dir = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	struct meta m;
	uint64_t ino = 0;
	int r;

	if (!op_begin(req, parent, &who, &dir) || op_already(req, &who))
		return;
	m = op_new_meta(&who, mode);
	if (dir.row->dir && dir.row->dir->children && dir.row->dir->children->make) {
		dir.done = reply_done;
		dir.done_arg = reply_prepare(req, &who, dir.o, LATER_ENTRY, 0, parent, name);
	}
	const bool again = request_begin(&who, &r, &ino) == REQUEST_AGAIN;

	change_begin(dir.o->id);
	r = names_mkdir(&dir, name, &m, &ino, &e);
	if (r == -EEXIST && again)
		r = view_child(&dir, name, &ino);
	change_end(dir.o->id);
	answer_made(req, &dir, r, ino, &e, view_is_dynamic(&dir));
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view dir = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	struct meta m;
	uint64_t ino = 0;
	int r;

	if (!op_begin(req, parent, &who, &dir) || op_already(req, &who))
		return;
	m = op_new_meta(&who, 0777);
	if (row_in(dir.row->dir, name)) {
		dir.done = reply_done;
		dir.done_arg = reply_prepare(req, &who, dir.o, LATER_ENTRY, 0, parent, name);
	}
	const bool again = request_begin(&who, &r, &ino) == REQUEST_AGAIN;

	r = names_symlink(&dir, name, target, &m, &ino, &e);
	if (r == -EEXIST && again)
		r = view_child(&dir, name, &ino);
	answer_made(req, &dir, r, ino, &e, row_in(dir.row->dir, name));
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name,
			int (*f)(struct view *dir, const char *name, struct err *e))
{
	_cleanup_view_ struct view dir = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	uint64_t ino;
	int r;

	if (!op_begin(req, parent, &who, &dir) || op_already(req, &who))
		return;
	if (f == names_rmdir && dir.row->dir && dir.row->dir->children && dir.row->dir->children->remove) {
		dir.done = reply_done;
		dir.done_arg = reply_prepare(req, &who, dir.o, LATER_ERR, 0, 0, NULL);
	}
	const bool again = request_begin(&who, &r, &ino) == REQUEST_AGAIN;

	change_begin(dir.o->id);
	r = f(&dir, name, &e);
	change_end(dir.o->id);
	if (r == -ENOENT && again)
		r = 0;
	op_tell(&dir, &e, r);
	if (r == 1) {
		reply_accepted(dir.done_arg);
		return;
	}
	reply_unprepare(dir.done_arg);
	request_result(&who, r, 0);
	fuse_reply_err(req, -r);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, names_unlink);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	remove_name(req, parent, name, names_rmdir);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent, const char *new_name,
		      unsigned flags)
{
	_cleanup_view_ struct view from = { 0 }, to = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	uint64_t ino;
	int r;

	if (!op_begin(req, parent, &who, &from) || op_already(req, &who))
		return;
	r = view_open(&to, new_parent, &who);
	if (r) {
		fuse_reply_err(req, -r);
		return;
	}
	const bool again = request_begin(&who, &r, &ino) == REQUEST_AGAIN;

	change_begin(from.o->id);
	change_begin(to.o->id);
	r = names_rename(&from, name, &to, new_name, flags, &e);
	change_end(to.o->id);
	change_end(from.o->id);
	if (r == -ENOENT && again && !view_child(&to, new_name, &ino))
		r = 0;
	op_tell(&to, &e, r);
	request_result(&who, r, 0);
	fuse_reply_err(req, r < 0 ? -r : 0);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs s;

	if (statvfs(model_dir(), &s)) {
		fuse_reply_err(req, errno);
		return;
	}
	s.f_namemax = 255;
	fuse_reply_statfs(req, &s);
}

void fs_takeover(bool first)
{
	if (row_init() || scratch_init() || edit_init() || basis_init() || tomb_init())
		log_error("the tables of the tree cannot be set up");
	model_listen(change_listener);
	if (first)
		change_load();
	else
		change_takeover();
}

const struct fuse_lowlevel_ops fs_ops = {
	.lookup = op_lookup, .forget = op_forget, .getattr = op_getattr, .setattr = op_setattr, .readlink = op_readlink,
	.mknod = op_mknod, .mkdir = op_mkdir, .unlink = op_unlink, .rmdir = op_rmdir, .symlink = op_symlink, .rename = op_rename,
	.link = op_link, .open = op_open, .read = op_read, .write = op_write, .flush = op_flush, .release = op_release,
	.fsync = op_fsync, .readdir = op_readdir, .releasedir = op_releasedir, .fsyncdir = op_fsyncdir,
	.statfs = op_statfs, .setxattr = xattr_set, .getxattr = xattr_get, .listxattr = xattr_list, .removexattr = xattr_remove,
	.create = op_create, .poll = op_poll, .readdirplus = op_readdirplus,
};
