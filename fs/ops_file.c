// SPDX-License-Identifier: LGPL-2.1-or-later
/* Opening, reading, writing, closing and polling files of the control tree. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/core/op.h"
#include "fs/basis.h"
#include "fs/change.h"
#include "fs/edit.h"
#include "fs/log.h"
#include "fs/names.h"
#include "fs/ops.h"
#include "fs/reply.h"

/* ---- poll: POLLPRI on `state` when it changed since it was read through that descriptor, as in sysfs; all else is always ready ---- */

static struct timespec poll_stamp(uint64_t ino)
{
	_cleanup_object_ struct object *o = object_get(node_of(ino).object);

	return o ? change_stamp(o, CHANGED_STATE) : (struct timespec){ 0 };
}

static void poll_seen(uint64_t ino, uint64_t fh)
{
	struct timespec t;

	if (!fh || !keep_has(KEEP_STREAM, fh))
		return;
	t = poll_stamp(ino);
	keep_put(KEEP_STREAM, fh, &t, sizeof(t));
}

/*
 * The kernel lets one write beyond the end of a file in at a time, and the end of a file that was opened with O_TRUNC is its beginning: a
 * second command would wait for the first one without our knowing of it. So it is refused here, while somebody waits in a write.
 */
static int check_command(struct view *v, struct err *e)
{
	char busy[32];

	if (v->what != VIEW_ROW || !(v->row->flags & ROW_COMMAND) || v->who->again || !op_waited(v->o, busy, sizeof(busy)))
		return 0;
	return err_set(e, EBUSY, "%s is busy: the operation \"%s\" is under way, see `progress`", v->o->name, busy);
}

/* Opens what was resolved; on failure the caller answers. */
static int open_view(struct view *v, struct fuse_file_info *fi, struct err *e)
{
	const bool writes = (fi->flags & O_ACCMODE) != O_RDONLY;
	int r;

	fi->fh = 0;
	if (writes) {
		if (!view_is_writable(v))
			return err_set(e, EACCES, "%s is read-only", v->name);
		r = check_command(v, e);
		if (r)
			return r;
		fi->direct_io = 1;
		r = edit_open(v, fi->flags, v->who->pid, &fi->fh);
		if (!r && basis_document(v))
			basis_opened(v, fi->fh);
		else if (!r && v->what == VIEW_SCRATCH && fi->flags & O_TRUNC && row_text(view_class(v->o)))
			basis_made(v->o, v->ino);
		return r;
	}
	fi->noflush = 1;
	if (basis_document(v))
		basis_opened(v, 0);
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

void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view v = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	int r;

	if (!op_begin(req, ino, &who, &v))
		return;
	/* It wants nothing but to be seen opening and closing the file. */
	if (session_is_poker(who.pid)) {
		fi->fh = FH_READER;
		fi->noflush = 1;
		fuse_reply_open(req, fi);
		return;
	}
	r = open_view(&v, fi, &e);
	op_tell(&v, &e, r);
	if (r)
		fuse_reply_err(req, -r);
	else
		fuse_reply_open(req, fi);
}

void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view dir = { 0 }, v = { 0 };
	struct fuse_entry_param ep;
	struct err e = ERR_INIT;
	struct caller who;
	struct meta m;
	uint64_t ino = 0;
	int r;

	if (!op_begin(req, parent, &who, &dir))
		return;
	m = op_new_meta(&who, mode);
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
	op_tell(&dir, &e, r);
	request_result(&who, r, ino);
	if (r) {
		fuse_reply_err(req, -r);
		return;
	}
	if (op_may_vanish(&dir, name) || v.what == VIEW_ROW)
		ep.entry_timeout = 0;
	fuse_reply_create(req, &ep, fi);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	_cleanup_view_ struct view dir = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	struct meta m;
	uint64_t ino = 0;
	int r = -EPERM;

	if (!op_begin(req, parent, &who, &dir) || op_already(req, &who))
		return;
	m = op_new_meta(&who, mode);
	if (S_ISREG(mode))
		r = names_create(&dir, name, O_EXCL, &m, &ino, &e);
	op_tell(&dir, &e, r);
	request_result(&who, r, ino);
	reply_entry(req, r, ino, &who, false);
}

void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_view_ struct view v = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	int r = -ENOENT;

	if (!op_begin(req, ino, &who, &v))
		return;
	if (v.row->stream && v.row->stream->wait) {
		reply_blocking_read(req, ino, fi->fh, size, off, fi->flags & O_NONBLOCK);
		return;
	}
	if (v.row->stream && v.row->stream->read) {
		r = v.row->stream->read(&v, size, off, &b, &e);
		op_tell(&v, &e, r);
		if (r < 0)
			fuse_reply_err(req, -r);
		else
			fuse_reply_buf(req, b.data, b.len);
		return;
	}
	if (op_writer(fi))
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

void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view v = { 0 };
	struct err e = ERR_INIT;
	struct caller who;
	uint64_t made;
	int r;

	if (!op_begin(req, ino, &who, &v) || written_already(req, &who, size))
		return;
	v.nonblock = fi->flags & O_NONBLOCK;
	if (v.what == VIEW_ROW && (v.row->flags & ROW_COMMAND || v.row->stream)) {
		request_begin(&who, &r, &made);
		v.done = reply_done;
		v.done_arg = v.row->flags & ROW_COMMAND ? reply_prepare(req, &who, v.o, LATER_WRITE, size, 0, NULL) : NULL;
	}
	r = edit_write(&v, fi->fh, buf, size, off, fi->flags & O_APPEND, &e);
	if (r == 1) {
		reply_accepted(v.done_arg);
		return;
	}
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

	if (!op_writer(fi)) {
		fuse_reply_err(req, 0);
		return;
	}
	if (!op_begin(req, ino, &who, &v))
		return;
	if (v.row->flags & ROW_COMMAND || (v.row->stream && v.row->stream->finish)) {
		v.done = reply_done;
		v.done_arg = reply_prepare(req, &who, v.o, LATER_ERR, 0, 0, NULL);
	}
	r = sync ? edit_fsync(&v, fi->fh, &e) : edit_flush(&v, fi->fh, who.pid, &e);
	if (r == 1) {
		reply_accepted(v.done_arg);
		return;
	}
	reply_unprepare(v.done_arg);
	fuse_reply_err(req, r < 0 ? -r : 0);
}

void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	finish(req, ino, fi, false);
}

void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	finish(req, ino, fi, true);
}

void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_view_ struct view v = { 0 };
	struct caller who;

	request_caller(req, &who);
	if ((fi->flags & O_ACCMODE) != O_RDONLY && op_writer(fi)) {
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

void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	unsigned ready = POLLIN | POLLRDNORM | POLLOUT | POLLWRNORM;
	_cleanup_view_ struct view v = { 0 };
	struct timespec now, seen;
	struct caller who;

	if (!op_begin(req, ino, &who, &v))
		return;
	/* First the handle, then the comparison: a change in between wakes. */
	if (ph)
		poll_remember(req, ino, ph);
	if (v.row->id == ROW_STATE && fi->fh) {
		now = poll_stamp(ino);
		if (!keep_get_struct(KEEP_STREAM, fi->fh, &seen, sizeof(seen)))
			keep_put(KEEP_STREAM, fi->fh, &now, sizeof(now));
		else if (seen.tv_sec != now.tv_sec || seen.tv_nsec != now.tv_nsec)
			ready |= POLLPRI | POLLERR;
	}
	fuse_reply_poll(req, ready);
}
