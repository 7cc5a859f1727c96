// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/reply.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/op.h"
#include "backends/core/watch.h"
#include "fs/change.h"
#include "fs/rootfs.h"

#define LOOK_MS 100

int reply_fill_entry(uint64_t ino, const struct caller *who, struct fuse_entry_param *ret)
{
	_cleanup_view_ struct view v = { 0 };
	int r = view_open(&v, ino, who);

	memset(ret, 0, sizeof(*ret));
	if (!r)
		r = view_stat(&v, 0, &ret->attr);
	if (r)
		return r;
	ret->ino = ino;
	ret->generation = change_returns(node_of(ino).object);
	ret->attr_timeout = view_is_cacheable(&v) ? FOREVER : 0;
	ret->entry_timeout = FOREVER;
	return 0;
}

void reply_entry(fuse_req_t req, int r, uint64_t ino, const struct caller *who, bool volatile_name)
{
	struct fuse_entry_param ep;

	if (r >= 0)
		r = reply_fill_entry(ino, who, &ep);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	if (volatile_name)
		ep.entry_timeout = 0;
	fuse_reply_entry(req, &ep);
}

void reply_attr(fuse_req_t req, struct view *v, uint64_t fh)
{
	struct stat st;
	int r = view_stat(v, fh, &st);

	if (r)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, view_is_cacheable(v) ? FOREVER : 0);
}

void reply_data(fuse_req_t req, const struct buf *b, size_t size, off_t off)
{
	size_t left = off >= 0 && (uint64_t)off < b->len ? b->len - (size_t)off : 0;

	fuse_reply_buf(req, left ? b->data + off : NULL, left < size ? left : size);
}

/* ---- waiting for an operation ---- */

/* Two parties hold it: the handler, until it knows that the operation was accepted, and whoever answers. */
struct later_reply {
	atomic_int refs;
	atomic_bool interrupted;	/* before there was an operation to leave alone */
	atomic_bool answered;		/* or about to be */
	fuse_req_t req;
	struct caller who;
	struct object *o;
	enum later how;
	size_t size;
	uint64_t dir;
	char name[256];
};

static void later_put(struct later_reply *l, int refs)
{
	if (atomic_fetch_sub(&l->refs, refs) != refs)
		return;
	object_put(l->o);
	free(l);
}

static void later_again(void *arg);

/*
 * The client was interrupted. When the operation still can be left alone, that is the answer; else reply_done() gives it. A shell
 * one of whose children ended goes on waiting; the kernel tells of the first signal only, so we look whether others came.
 */
static void later_interrupted(struct later_reply *l)
{
	if (!process_is_interrupted(l->who.pid)) {
		atomic_fetch_add(&l->refs, 1);
		if (watch_timer(LOOK_MS, later_again, l) > 0)
			return;
		atomic_fetch_sub(&l->refs, 1);
	}
	atomic_store(&l->interrupted, true);
	if (!op_detach(l->o, l))
		return;
	fuse_reply_err(l->req, EINTR);
	later_put(l, 1);
}

static void later_again(void *arg)
{
	struct later_reply *l = arg;

	if (!atomic_load(&l->answered))
		later_interrupted(l);
	later_put(l, 1);
}

static void later_cancel(fuse_req_t req, void *arg)
{
	later_interrupted(arg);
}

void *reply_prepare(fuse_req_t req, const struct caller *who, struct object *o, enum later how, size_t size,
		    uint64_t dir, const char *name)
{
	struct later_reply *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	*l = (struct later_reply){ .refs = 2, .req = req, .who = *who, .o = object_ref(o), .how = how, .size = size, .dir = dir };
	snprintf(l->name, sizeof(l->name), "%s", name ? name : "");
	request_defer(req, later_cancel, l);
	return l;
}

void reply_unprepare(void *arg)
{
	struct later_reply *l = arg;

	if (!l)
		return;
	request_undefer(l->req);
	atomic_store(&l->answered, true);
	later_put(l, 2);
}

void reply_accepted(void *arg)
{
	struct later_reply *l = arg;

	if (l && atomic_load(&l->interrupted) && op_detach(l->o, l)) {
		fuse_reply_err(l->req, EINTR);
		later_put(l, 1);
	}
	if (l)
		later_put(l, 1);
}

void reply_done(void *arg, int result)
{
	struct later_reply *l = arg;
	uint64_t ino = 0;

	request_undefer(l->req);
	atomic_store(&l->answered, true);
	if (result >= 0 && l->how == LATER_ENTRY) {
		_cleanup_view_ struct view dir = { 0 };

		result = view_open(&dir, l->dir, &l->who);
		if (!result)
			result = view_child(&dir, l->name, &ino);
		if (!result && row_in(dir.row->dir, l->name))
			ino = view_row_ino(dir.o, dir.node.slot, row_in(dir.row->dir, l->name)->link);
	}
	request_result(&l->who, result, ino);
	if (result < 0)
		fuse_reply_err(l->req, -result);
	else if (l->how == LATER_WRITE)
		fuse_reply_write(l->req, l->size);
	else if (l->how == LATER_ENTRY)
		reply_entry(l->req, 0, ino, &l->who, node_of(ino).slot == 0);
	else
		fuse_reply_err(l->req, 0);
	op_acknowledge(l->who.unique);
	later_put(l, 1);
}

/* ---- waiting for data ---- */

/*
 * Two parties hold it: the request (until it was answered) and the registration of ready(). Whoever sets `answered` answers.
 */
struct blocked {
	pthread_mutex_t lock;
	fuse_req_t req;
	struct caller who;
	uint64_t ino, fh, wait_id;
	bool (*cancel)(uint64_t);
	size_t size;
	off_t off;
	int refs;
	bool answered, woken;
};

static void blocked_put(struct blocked *b)
{
	pthread_mutex_lock(&b->lock);
	bool gone = !--b->refs;

	pthread_mutex_unlock(&b->lock);
	if (gone) {
		pthread_mutex_destroy(&b->lock);
		free(b);
	}
}

static bool blocked_claim(struct blocked *b)
{
	HOLD_LOCK(&b->lock);
	bool mine = !b->answered;

	b->answered = true;
	return mine;
}

static void blocked_ready(void *arg);

static void blocked_answer(struct blocked *b, int r, const struct buf *out)
{
	if (!blocked_claim(b))
		return;
	request_undefer(b->req);
	if (r < 0)
		fuse_reply_err(b->req, -r);
	else
		fuse_reply_buf(b->req, out->data, out->len < b->size ? out->len : b->size);
	blocked_put(b);
}

static void blocked_try(struct blocked *b)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_view_ struct view v = { 0 };
	int r = view_open(&v, b->ino, &b->who);

	/* An ephemeral instance is gone when it has stopped. */
	if (r == -ESTALE && node_of(b->ino).row == ROW_WAIT_STOPPED) {
		blocked_answer(b, 0, &out);
		return;
	}
	if (!r && (!v.row->stream || !v.row->stream->wait))
		r = -ESTALE;
	if (!r) {
		v.ready = blocked_ready;
		v.done_arg = b;
		v.woken = b->woken;
		pthread_mutex_lock(&b->lock);
		b->refs++;
		pthread_mutex_unlock(&b->lock);
		r = v.row->stream->wait(&v, b->fh, b->size, b->off, &out, NULL);
		pthread_mutex_lock(&b->lock);
		b->wait_id = v.wait_id;
		b->cancel = v.row->stream->cancel;
		pthread_mutex_unlock(&b->lock);
		if (r == 1)
			return;
		blocked_put(b);
	}
	blocked_answer(b, r, &out);
}

static void blocked_ready(void *arg)
{
	struct blocked *b = arg;

	pthread_mutex_lock(&b->lock);
	bool over = b->answered;

	b->woken = true;
	pthread_mutex_unlock(&b->lock);
	if (!over)
		blocked_try(b);
	blocked_put(b);
}

static void blocked_give_up(fuse_req_t req, struct blocked *b, int error)
{
	bool (*cancel)(uint64_t);
	uint64_t id;

	if (!blocked_claim(b))
		return;
	pthread_mutex_lock(&b->lock);
	cancel = b->cancel;
	id = b->wait_id;
	pthread_mutex_unlock(&b->lock);
	if (cancel && id && cancel(id))
		blocked_put(b);
	if (error != EINTR)
		request_undefer(req);
	fuse_reply_err(req, error);
	blocked_put(b);
}

static void blocked_cancel(fuse_req_t req, void *arg)
{
	blocked_give_up(req, arg, EINTR);
}

void reply_blocking_read(fuse_req_t req, uint64_t ino, uint64_t fh, size_t size, off_t off, bool nonblock)
{
	struct blocked *b = calloc(1, sizeof(*b));

	if (!b) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	*b = (struct blocked){ .req = req, .ino = ino, .fh = fh, .size = size, .off = off, .refs = 2 };
	pthread_mutex_init(&b->lock, NULL);
	request_caller(req, &b->who);
	request_defer(req, blocked_cancel, b);
	blocked_try(b);
	if (nonblock)
		blocked_give_up(req, b, EAGAIN);
	blocked_put(b);
}
