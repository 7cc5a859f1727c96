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
#include "fs/change.h"
#include "fs/edit.h"
#include "fs/log.h"
#include "fs/names.h"
#include "fs/reply.h"
#include "fs/rootfs.h"
#include "fs/tomb.h"
#include "fs/top.h"
#include "fs/xattr.h"

/* fh of a reader that needs one: a number without anything behind it. Writers' handles (fs/edit.h) have the bit clear. */
#define FH_READER (1ULL << 63)

/* The sentence of a failure goes to the object's `error`; the log has it once. */
static void tell(struct view *v, const struct err *e, int r)
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
static bool begin(fuse_req_t req, fuse_ino_t ino, struct caller *who, struct view *v)
{
	int r;

	request_caller(req, who);
	r = view_open(v, ino, who);
	if (r)
		fuse_reply_err(req, -r);
	return !r;
}

static uint64_t writer(const struct fuse_file_info *fi)
{
	return fi && !(fi->fh & FH_READER) ? fi->fh : 0;
}

static bool is_dynamic(struct view *dir)
{
	return dir->row->dir && dir->row->dir->children && dir->row->dir->children->dynamic;
}

static bool may_vanish(struct view *dir, const char *name)
{
	const struct row *r = row_in(dir->row->dir, name);

	return is_dynamic(dir) || (r && r->exists);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view dir = { 0 };
	struct fuse_entry_param ep;
	struct caller who;
	uint64_t ino = parent;
	int r = 0;

	if (!begin(req, parent, &who, &dir))
		return;
	if (!strcmp(name, ".."))
		ino = view_parent(&dir);
	else if (strcmp(name, "."))
		r = view_child(&dir, name, &ino);
	if (!r && ino & ROOTFS_BIT) {
		r = top_rootfs_lookup(name, &ep);
		if (!r)
			fuse_reply_entry(req, &ep);
		else
			fuse_reply_err(req, -r);
		return;
	}
	reply_entry(req, r, ino, &who, may_vanish(&dir, name));
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	fuse_reply_none(req);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view v = { 0 };
	struct caller who;

	if (begin(req, ino, &who, &v))
		reply_attr(req, &v, writer(fi));
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

	if (!begin(req, ino, &who, &v))
		return;
	if (session_is_poker(who.pid)) {
		reply_attr(req, &v, 0);
		return;
	}
	if (set & FUSE_SET_ATTR_SIZE) {
		r = view_is_writable(&v) ? edit_truncate(&v, writer(fi), (size_t)attr->st_size, &e) : -EACCES;
		if (r > 0)
			r = 0;
	}
	if (!r && set & meta && !(set & FUSE_SET_ATTR_SIZE && !(set & (FUSE_SET_ATTR_MODE | FUSE_SET_ATTR_UID | FUSE_SET_ATTR_GID))))
		r = set_meta(&v, attr, set, &e);
	tell(&v, &e, r);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	if (v.what == VIEW_SCRATCH)
		scratch_get(ino, &v.scratch);
	reply_attr(req, &v, writer(fi));
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_view_ struct view v = { 0 };
	struct caller who;
	int r;

	if (!begin(req, ino, &who, &v))
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

	if (!begin(req, ino, &who, &v))
		return;
	data = malloc(size);
	l = (struct listing){ .req = req, .who = &who, .plus = plus, .dynamic = is_dynamic(&v), .data = data, .size = size };
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

static void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view v = { 0 };
	struct caller who;

	if (!begin(req, ino, &who, &v))
		return;
	fi->fh = 0;
	fi->cache_readdir = fi->keep_cache = !is_dynamic(&v) && view_is_cacheable(&v);
	fuse_reply_open(req, fi);
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

static struct meta new_meta(const struct caller *who, mode_t mode)
{
	return (struct meta){ .mode = mode & 07777, .uid = who->uid, .gid = who->gid };
}

/* True when an earlier server had done it: the request is answered. */
static bool already(fuse_req_t req, const struct caller *who)
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

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	_cleanup_view_ struct view dir = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	struct meta m;
	uint64_t ino = 0;
	int r;

	if (!begin(req, parent, &who, &dir) || already(req, &who))
		return;
	m = new_meta(&who, mode);
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
	tell(&dir, &e, r);
	if (r == 1)
		return;
	reply_unprepare(dir.done_arg);
	request_result(&who, r, ino);
	reply_entry(req, r, ino, &who, is_dynamic(&dir));
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	_cleanup_view_ struct view dir = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	struct meta m;
	uint64_t ino = 0;
	int r;

	if (!begin(req, parent, &who, &dir) || already(req, &who))
		return;
	m = new_meta(&who, 0777);
	if (row_in(dir.row->dir, name)) {
		dir.done = reply_done;
		dir.done_arg = reply_prepare(req, &who, dir.o, LATER_ENTRY, 0, parent, name);
	}
	const bool again = request_begin(&who, &r, &ino) == REQUEST_AGAIN;

	r = names_symlink(&dir, name, target, &m, &ino, &e);
	if (r == -EEXIST && again)
		r = view_child(&dir, name, &ino);
	tell(&dir, &e, r);
	if (r == 1)
		return;
	reply_unprepare(dir.done_arg);
	request_result(&who, r, ino);
	reply_entry(req, r, ino, &who, row_in(dir.row->dir, name));
}

static void remove_name(fuse_req_t req, fuse_ino_t parent, const char *name,
			int (*f)(struct view *dir, const char *name, struct err *e))
{
	_cleanup_view_ struct view dir = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	uint64_t ino;
	int r;

	if (!begin(req, parent, &who, &dir) || already(req, &who))
		return;
	const bool again = request_begin(&who, &r, &ino) == REQUEST_AGAIN;

	change_begin(dir.o->id);
	r = f(&dir, name, &e);
	change_end(dir.o->id);
	if (r == -ENOENT && again)
		r = 0;
	tell(&dir, &e, r);
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

	if (!begin(req, parent, &who, &from) || already(req, &who))
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
	tell(&to, &e, r);
	request_result(&who, r, 0);
	fuse_reply_err(req, r < 0 ? -r : 0);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, EPERM);
}

/* ---- files ---- */

/* Opens what was resolved; on failure the caller answers. */
static int open_view(struct view *v, struct fuse_file_info *fi, struct err *e)
{
	const bool writes = (fi->flags & O_ACCMODE) != O_RDONLY;

	fi->fh = 0;
	if (writes) {
		if (!view_is_writable(v))
			return err_set(e, EACCES, "%s is read-only", v->name);
		fi->direct_io = 1;
		return edit_open(v, fi->flags, v->who->pid, &fi->fh);
	}
	fi->noflush = 1;
	if (v->row->stream && v->row->stream->wait) {
		fi->direct_io = fi->nonseekable = 1;
		fi->fh = v->row->stream->open_read ? v->row->stream->open_read(v) : 0;
	} else if (v->what == VIEW_ROW && v->row->flags & (ROW_VOLATILE_ALWAYS | ROW_VOLATILE_RUN)) {
		fi->direct_io = 1;
	} else if (v->row->id == ROW_STATE) {
		fi->direct_io = 1;
		fi->fh = FH_READER | edit_number();
	} else {
		fi->keep_cache = view_is_cacheable(v);
		fi->direct_io = !fi->keep_cache;
	}
	return 0;
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view v = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	int r;

	if (!begin(req, ino, &who, &v))
		return;
	/* It wants nothing but to be seen opening and closing the file. */
	if (session_is_poker(who.pid)) {
		fi->fh = FH_READER;
		fi->noflush = 1;
		fuse_reply_open(req, fi);
		return;
	}
	r = open_view(&v, fi, &e);
	tell(&v, &e, r);
	if (r)
		fuse_reply_err(req, -r);
	else
		fuse_reply_open(req, fi);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view dir = { 0 }, v = { 0 };
	struct fuse_entry_param ep;
	struct err e = ERR_INIT;
	struct caller who;
	struct meta m;
	uint64_t ino = 0;
	int r;

	if (!begin(req, parent, &who, &dir))
		return;
	m = new_meta(&who, mode);
	const bool again = request_begin(&who, &r, &ino) != REQUEST_NEW;

	r = names_create(&dir, name, fi->flags, &m, &ino, &e);
	if (r == -EEXIST && (again || !(fi->flags & O_EXCL)))
		r = view_child(&dir, name, &ino);
	if (!r)
		r = view_open(&v, ino, &who);
	if (!r) {
		fi->flags |= v.what == VIEW_ROW ? O_TRUNC : 0;
		r = open_view(&v, fi, &e);
	}
	if (!r)
		r = reply_fill_entry(ino, &who, &ep);
	tell(&dir, &e, r);
	request_result(&who, r, ino);
	if (r) {
		fuse_reply_err(req, -r);
		return;
	}
	if (may_vanish(&dir, name) || v.what == VIEW_ROW)
		ep.entry_timeout = 0;
	fuse_reply_create(req, &ep, fi);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	_cleanup_view_ struct view dir = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	struct meta m;
	uint64_t ino = 0;
	int r = -EPERM;

	if (!begin(req, parent, &who, &dir) || already(req, &who))
		return;
	m = new_meta(&who, mode);
	if (S_ISREG(mode))
		r = names_create(&dir, name, O_EXCL, &m, &ino, &e);
	tell(&dir, &e, r);
	request_result(&who, r, ino);
	reply_entry(req, r, ino, &who, false);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_view_ struct view v = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	int r = -ENOENT;

	if (!begin(req, ino, &who, &v))
		return;
	if (v.row->stream && v.row->stream->wait) {
		reply_blocking_read(req, ino, fi->fh, size, off, fi->flags & O_NONBLOCK);
		return;
	}
	if (v.row->stream && v.row->stream->read) {
		r = v.row->stream->read(&v, size, off, &b, &e);
		tell(&v, &e, r);
		if (r < 0)
			fuse_reply_err(req, -r);
		else
			fuse_reply_buf(req, b.data, b.len);
		return;
	}
	if (writer(fi))
		r = edit_read(ino, &b);
	if (r == -ENOENT)
		r = view_render(&v, &b, &e);
	if (v.row->id == ROW_STATE && !off)
		poll_seen(ino, fi->fh);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		reply_data(req, &b, size, off);
}

/* True when an earlier server had carried this write out and told its result. */
static bool written_already(fuse_req_t req, const struct caller *who, size_t size)
{
	uint64_t ino;
	int result;

	if (!who->again || request_seen(who, &result, &ino) != REQUEST_DONE)
		return false;
	if (result < 0)
		fuse_reply_err(req, -result);
	else
		fuse_reply_write(req, size);
	return true;
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view v = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	uint64_t made;
	int r;

	if (!begin(req, ino, &who, &v) || written_already(req, &who, size))
		return;
	v.nonblock = fi->flags & O_NONBLOCK;
	if (v.what == VIEW_ROW && (v.row->flags & ROW_COMMAND || v.row->stream)) {
		request_begin(&who, &r, &made);
		v.done = reply_done;
		v.done_arg = v.row->flags & ROW_COMMAND ? reply_prepare(req, &who, v.o, LATER_WRITE, size, 0, NULL) : NULL;
	}
	r = edit_write(&v, fi->fh, buf, size, off, fi->flags & O_APPEND, &e);
	if (r == 1)
		return;
	reply_unprepare(v.done_arg);
	if (r < 0 && e.code)
		log_info("%s: %s", v.o->name, e.text);
	request_result(&who, r, 0);
	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_write(req, size);
}

static void finish(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, bool sync)
{
	_cleanup_view_ struct view v = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	int r;

	if (!writer(fi)) {
		fuse_reply_err(req, 0);
		return;
	}
	if (!begin(req, ino, &who, &v))
		return;
	if (v.row->flags & ROW_COMMAND || (v.row->stream && v.row->stream->finish)) {
		v.done = reply_done;
		v.done_arg = reply_prepare(req, &who, v.o, LATER_ERR, 0, 0, NULL);
	}
	r = sync ? edit_fsync(&v, fi->fh, &e) : edit_flush(&v, fi->fh, who.pid, &e);
	if (r == 1)
		return;
	reply_unprepare(v.done_arg);
	fuse_reply_err(req, r < 0 ? -r : 0);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	finish(req, ino, fi, false);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	finish(req, ino, fi, true);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view v = { 0 };
	struct caller who;

	request_caller(req, &who);
	if ((fi->flags & O_ACCMODE) != O_RDONLY && writer(fi)) {
		if (view_open(&v, ino, &who)) {
			memset(&v, 0, sizeof(v));
			v.ino = ino;
		}
		v.nonblock = true;
		edit_release(&v, fi->fh);
	} else if (fi->fh) {
		keep_del(KEEP_STREAM, fi->fh);
	}
	fuse_reply_err(req, 0);
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

/* ---- poll: POLLPRI on `state` when it changed since it was read through that descriptor, as in sysfs; all else is always ready ---- */

void poll_seen(uint64_t ino, uint64_t fh)
{
	struct timespec t;

	if (!fh || !keep_has(KEEP_STREAM, fh))
		return;
	t = poll_stamp(ino);
	keep_put(KEEP_STREAM, fh, &t, sizeof(t));
}

struct timespec poll_stamp(uint64_t ino)
{
	_cleanup_object_ struct object *o = object_get(node_of(ino).object);

	return o ? change_stamp(o, CHANGED_STATE) : (struct timespec){ 0 };
}

static void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	unsigned ready = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	_cleanup_view_ struct view v = { 0 };
	struct timespec now, seen;
	struct caller who;

	if (!begin(req, ino, &who, &v))
		return;
	if (v.row->id == ROW_STATE && fi->fh) {
		now = poll_stamp(ino);
		if (!keep_get_struct(KEEP_STREAM, fi->fh, &seen, sizeof(seen)))
			keep_put(KEEP_STREAM, fi->fh, &now, sizeof(now));
		else if (seen.tv_sec != now.tv_sec || seen.tv_nsec != now.tv_nsec)
			ready |= POLLPRI | POLLERR;
	}
	if (ph)
		poll_remember(req, ino, ph);
	fuse_reply_poll(req, ready);
}

void fs_takeover(bool first)
{
	if (row_init() || scratch_init() || edit_init() || tomb_init())
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
	.fsync = op_fsync, .opendir = op_opendir, .readdir = op_readdir, .releasedir = op_releasedir, .fsyncdir = op_fsyncdir,
	.statfs = op_statfs, .setxattr = xattr_set, .getxattr = xattr_get, .listxattr = xattr_list, .removexattr = xattr_remove,
	.create = op_create, .poll = op_poll, .readdirplus = op_readdirplus,
};
