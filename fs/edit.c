// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Two small tables in memory (handles, pending edits) over the keep, under one leaf mutex; the edits of one inode are serialised by
 * one of a few mutexes picked by its number, which is held while a value is committed.
 */
#include "fs/edit.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/core/watch.h"
#include "fs/basis.h"
#include "fs/change.h"
#include "fs/session.h"
#include "fs/tomb.h"

struct handle {
	uint64_t fh, ino;
	int32_t flags;
	uint32_t opener;	/* thread group, 0: unknown */
	uint32_t wrote;		/* since the opener's last flush */
	uint32_t uid;		/* who opened it */
};

enum {
	DIRTY = 1,		/* written to */
	TRUNCATED = 2,
	FRESH = 8,		/* begun from nothing and written from front to back since */
	REFUSED = 4,		/* a commit failed: the last close does not try again, unless more was written */
};

/* The head of a record in the keep, before the bytes. Who wrote decides what the commit may do: RELEASE comes without credentials. */
struct edit_head {
	uint32_t flags;
	uint32_t uid, gid;
};

struct pending {
	uint64_t ino;
	uint32_t flags;
	uint32_t len;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct handle *handles;
static size_t n_handles, cap_handles;
static struct pending *edits;
static size_t n_edits, cap_edits;
static atomic_uint n_open;		/* n_handles, readable without the lock */
static uint64_t last_fh;
static pthread_mutex_t serial[64];

static pthread_mutex_t *serial_of(uint64_t ino)
{
	return &serial[(ino ^ ino >> 12 ^ ino >> 36) % 64];
}

static bool grow(void **p, size_t n, size_t *cap, size_t size)
{
	void *q;

	if (n < *cap)
		return true;
	q = realloc(*p, (*cap ? *cap * 2 : 32) * size);
	if (!q)
		return false;
	*p = q;
	*cap = *cap ? *cap * 2 : 32;
	return true;
}

static struct handle *handle_of(uint64_t fh)
{
	for (size_t i = 0; fh && i < n_handles; i++)
		if (handles[i].fh == fh)
			return &handles[i];
	return NULL;
}

static struct pending *pending_of(uint64_t ino)
{
	for (size_t i = 0; i < n_edits; i++)
		if (edits[i].ino == ino)
			return &edits[i];
	return NULL;
}

static int load_handle(uint64_t key, const void *data, size_t len, void *arg)
{
	if (len != sizeof(struct handle) || !grow((void **)&handles, n_handles, &cap_handles, sizeof(*handles)))
		return 0;
	memcpy(&handles[n_handles++], data, len);
	if (key > last_fh)
		last_fh = key;
	return 0;
}

static int load_pending(uint64_t key, const void *data, size_t len, void *arg)
{
	struct pending *p;

	if (len < sizeof(struct edit_head) || !grow((void **)&edits, n_edits, &cap_edits, sizeof(*edits)))
		return 0;
	p = &edits[n_edits++];
	p->ino = key;
	p->len = (uint32_t)(len - sizeof(struct edit_head));
	memcpy(&p->flags, data, sizeof(p->flags));
	return 0;
}

int edit_init(void)
{
	struct timespec t;

	for (size_t i = 0; i < sizeof(serial) / sizeof(serial[0]); i++)
		pthread_mutex_init(&serial[i], NULL);
	clock_gettime(CLOCK_REALTIME, &t);
	last_fh = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	HOLD_LOCK(&lock);
	keep_each(KEEP_HANDLE, load_handle, NULL);
	keep_each(KEEP_PENDING, load_pending, NULL);
	atomic_store(&n_open, (unsigned)n_handles);
	return 0;
}

pid_t edit_tgid(pid_t tid)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[64];
	const char *s;

	/* Most are the first thread of their program; there is none of number 0. */
	if (!syscall(SYS_tgkill, tid, tid, 0) || errno == EPERM)
		return tid;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (buf_read_file(&b, -1, path, 65536))
		return 0;
	s = strstr(buf_str(&b), "\nTgid:");
	return s ? (pid_t)strtol(s + 6, NULL, 10) : 0;
}

/*
 * Rights are those of who opened the file, whoever writes: a user can hand his descriptor to a setuid program, whose messages
 * have what he wants in them. Of who writes, where root had opened it.
 */
static struct caller by_opener(const struct caller *who, uint64_t fh)
{
	struct caller c = *who;
	HOLD_LOCK(&lock);
	const struct handle *h = handle_of(fh);

	if (h && h->uid && h->uid != c.uid) {
		c.uid = h->uid;
		c.gid = (gid_t)-1;
	}
	return c;
}

/* ---- pending bytes ---- */

static int put_pending(struct view *v, uint32_t flags, const struct buf *b)
{
	const struct edit_head head = { .flags = flags, .uid = v->who->uid, .gid = v->who->gid };
	_cleanup_buf_ struct buf rec = BUF_INIT;
	uint64_t ino = v->ino;
	struct pending *p;
	int r;

	buf_add(&rec, &head, sizeof(head));
	buf_add(&rec, buf_str(b), b->len);
	if (buf_error(&rec))
		return -ENOMEM;
	HOLD_LOCK(&lock);
	p = pending_of(ino);
	if (!p) {
		if (!grow((void **)&edits, n_edits, &cap_edits, sizeof(*edits)))
			return -ENOMEM;
		p = &edits[n_edits++];
		*p = (struct pending){ .ino = ino };
	}
	r = keep_put(KEEP_PENDING, ino, rec.data, rec.len);
	if (r) {
		*p = edits[--n_edits];
		return r;
	}
	p->flags = flags;
	p->len = (uint32_t)b->len;
	return 0;
}

/* The pending bytes and flags, or false. */
static bool get_pending(uint64_t ino, struct buf *b, struct edit_head *head)
{
	_cleanup_buf_ struct buf rec = BUF_INIT;

	pthread_mutex_lock(&lock);
	bool there = pending_of(ino);
	pthread_mutex_unlock(&lock);
	if (!there || !keep_get(KEEP_PENDING, ino, &rec) || rec.len < sizeof(*head))
		return false;
	memcpy(head, rec.data, sizeof(*head));
	buf_add(b, rec.data + sizeof(*head), rec.len - sizeof(*head));
	return true;
}

static bool forget_pending(uint64_t ino)
{
	pthread_mutex_lock(&lock);
	struct pending *p = pending_of(ino);

	if (p) {
		*p = edits[--n_edits];
		keep_del(KEEP_PENDING, ino);
	}
	pthread_mutex_unlock(&lock);
	if (p)
		basis_drop(ino, 0);
	return p;
}

void edit_drop(uint64_t ino)
{
	if (forget_pending(ino))
		change_inode(ino);
}

bool edit_size(uint64_t ino, size_t *ret)
{
	if (!atomic_load(&n_open))
		return false;
	HOLD_LOCK(&lock);
	const struct pending *p = pending_of(ino);

	if (p)
		*ret = p->len;
	return p;
}

int edit_read(uint64_t ino, struct buf *out)
{
	struct edit_head head;

	return get_pending(ino, out, &head) ? 0 : -ENOENT;
}

bool edit_has_writers(uint64_t ino)
{
	if (!atomic_load(&n_open))
		return false;
	HOLD_LOCK(&lock);
	for (size_t i = 0; i < n_handles; i++)
		if (handles[i].ino == ino)
			return true;
	return false;
}

uint64_t edit_number(void)
{
	HOLD_LOCK(&lock);
	return ++last_fh;
}

static void set_wrote(uint64_t fh, bool wrote)
{
	HOLD_LOCK(&lock);
	struct handle *h = handle_of(fh);

	if (!h || h->wrote == wrote)
		return;
	h->wrote = wrote;
	keep_put(KEEP_HANDLE, fh, h, sizeof(*h));
}

/* ---- requests ---- */

int edit_open(struct view *v, int flags, pid_t pid, uint64_t *ret_fh)
{
	const bool plain = v->what == VIEW_SCRATCH && !v->kind;
	struct handle h = { .ino = v->ino, .flags = flags, .opener = (uint32_t)edit_tgid(pid), .uid = v->who->uid };
	const struct buf nothing = BUF_INIT;
	_cleanup_view_ struct view now = { 0 };
	struct err e = ERR_INIT;
	int r = 0;

	HOLD_LOCK(serial_of(v->ino));
	/* Whoever had the lock may have unset the value: the kernel looks again when it is told. */
	if (view_open(&now, v->ino, v->who))
		return -ESTALE;
	if (v->row->stream)
		r = v->row->stream->open ? v->row->stream->open(v, flags & O_TRUNC, &e) : 0;
	else if (flags & O_TRUNC && plain)
		r = scratch_truncate(v->ino, 0);
	else if (flags & O_TRUNC)
		r = put_pending(v, TRUNCATED | FRESH, &nothing);
	if (flags & O_TRUNC)
		basis_drop(v->ino, 0);
	if (r < 0) {
		if (e.code)
			object_error_set(v->o, &e);
		return r;
	}
	HOLD_LOCK(&lock);
	if (!grow((void **)&handles, n_handles, &cap_handles, sizeof(*handles)))
		return -ENOMEM;
	h.fh = ++last_fh;
	r = keep_put(KEEP_HANDLE, h.fh, &h, sizeof(h));
	if (r)
		return r;
	handles[n_handles++] = h;
	atomic_store(&n_open, (unsigned)n_handles);
	*ret_fh = h.fh;
	return 0;
}

/*
 * The text that an edit starts from: what is pending, else what is committed (commands are not content). as: the rights for
 * what comes of it, no more than theirs who wrote what is pending.
 */
static int edit_base(struct view *v, struct caller *as, struct buf *b, uint32_t *flags, struct err *e)
{
	struct edit_head head = { 0 };
	bool pending = get_pending(v->ino, b, &head);

	*flags = head.flags;
	if (b->len && head.uid) {
		as->uid = head.uid;
		as->gid = head.gid;
	}
	v->who = as;
	if (pending)
		return 0;
	if (v->what == VIEW_SCRATCH || (v->what == VIEW_ROW && v->row->flags & ROW_COMMAND))
		return 0;
	return view_render(v, b, e);
}

static int too_big(struct view *v, struct err *e)
{
	err_set(e, EFBIG, "%s: more than %u bytes", v->name, EDIT_SIZE_MAX);
	object_error_set(v->o, e);
	edit_drop(v->ino);
	return -EFBIG;
}

static int write_value(struct view *v, struct caller *as, uint64_t fh, const char *data, size_t len, off_t off, bool append,
		       struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT, before = BUF_INIT;
	uint32_t flags;
	bool whole, fresh;
	int r;

	if ((uint64_t)off + len > EDIT_SIZE_MAX)
		return too_big(v, e);
	r = edit_base(v, as, &b, &flags, e);
	if (r < 0)
		return r;
	if (v->what == VIEW_ROW && v->row->flags & ROW_COMMAND && !flags)
		off = 0;
	if (flags)
		buf_add(&before, buf_str(&b), b.len);
	fresh = (flags & FRESH || (v->what == VIEW_SCRATCH && !flags)) && (size_t)off == b.len;
	if (b.len < (size_t)off + len)
		buf_resize(&b, (size_t)off + len);
	if (buf_error(&b) || buf_error(&before))
		return -ENOMEM;
	memcpy(b.data + off, data, len);
	whole = len && (!off || append || fresh) && (size_t)off + len == b.len && data[len - 1] == '\n';
	if (!whole || view_is_document(v)) {
		r = put_pending(v, DIRTY | (fresh ? FRESH : 0), &b);
		if (!r && basis_document(v))
			basis_written(v, fh);
		if (!r)
			set_wrote(fh, true);
		/* Kept all the same: without what was wrong, the rest must not become valid at the close. */
		return r < 0 || !whole ? r : view_check_begun(v, b.data, b.len, e);
	}
	/* Since it was opened with O_TRUNC the kernel asks everybody for size and times, and goes on with that when this is answered. */
	notify_hush(v->kind && flags & TRUNCATED ? v->ino : 0);
	r = view_commit(v, b.data, b.len, e);
	notify_hush(0);
	/* Refused: the text is as before this write, so that the same write again is refused again. */
	if (r < 0 && flags)
		put_pending(v, flags | REFUSED, &before);
	else
		forget_pending(v->ino);
	if (r >= 0)
		set_wrote(fh, false);
	return r;
}

static int write_locked(struct view *v, struct caller *as, uint64_t fh, const char *data, size_t len, off_t off, bool append,
			struct err *e)
{
	int r;

	v->who = as;
	if (v->row->stream && v->row->stream->write) {
		r = v->row->stream->write(v, data, len, off, e);
		set_wrote(fh, true);
		if (r < 0)
			object_error_set(v->o, e);
		return r;
	}
	if (v->what == VIEW_SCRATCH && !v->kind)
		return scratch_write(v->ino, data, len, off);
	return write_value(v, as, fh, data, len, off, append, e);
}

int edit_write(struct view *v, uint64_t fh, const char *data, size_t len, off_t off, bool append, struct err *e)
{
	const struct caller *who = v->who;
	struct caller as = by_opener(who, fh);
	int r;

	HOLD_LOCK(serial_of(v->ino));
	r = write_locked(v, &as, fh, data, len, off, append, e);
	v->who = who;
	return r;
}

static int truncate_locked(struct view *v, struct caller *as, uint64_t fh, size_t len, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint32_t flags;
	int r;

	if (v->row->stream)
		return v->row->stream->open && !len ? v->row->stream->open(v, true, e) : 0;
	if (v->what == VIEW_SCRATCH && !v->kind)
		return scratch_truncate(v->ino, len);
	if (len > EDIT_SIZE_MAX)
		return too_big(v, e);
	r = edit_base(v, as, &b, &flags, e);
	if (r < 0 || (b.len == len && !flags))
		return r;
	buf_resize(&b, len);
	if (buf_error(&b))
		return -ENOMEM;
	/* truncate(2) by path, with nobody who could write more: it is the whole edit. */
	if (!fh && !edit_has_writers(v->ino))
		return view_commit(v, buf_str(&b), b.len, e);
	return put_pending(v, (flags & DIRTY) | TRUNCATED | (len ? 0 : FRESH), &b);
}

int edit_truncate(struct view *v, uint64_t fh, size_t len, struct err *e)
{
	const struct caller *who = v->who;
	struct caller as = by_opener(who, fh);
	int r;

	HOLD_LOCK(serial_of(v->ino));
	r = truncate_locked(v, &as, fh, len, e);
	v->who = who;
	return r;
}

/*
 * Makes a value of what is pending. A command that was only truncated is no command. keep: a refused text stays, for the writer to
 * go on with or to be refused again.
 */
static int commit_pending(struct view *v, uint64_t fh, bool keep, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct edit_head head;
	const pid_t pid = v->who ? v->who->pid : 0;
	struct caller writer;
	bool try;
	int r = 0;

	if (!get_pending(v->ino, &b, &head))
		return 0;
	writer = (struct caller){ .uid = head.uid, .gid = head.gid };
	v->since = basis_document(v) ? basis_of_edit(v) : 0;
	if (v->who) {
		writer.unique = v->who->unique;
		writer.again = v->who->again;
	}
	v->who = &writer;
	if (keep)
		try = head.flags & DIRTY;
	else
		try = !(head.flags & REFUSED) && (head.flags & DIRTY || !(v->what == VIEW_ROW && v->row->flags & ROW_COMMAND));
	if (try)
		r = view_commit(v, buf_str(&b), b.len, e);
	if (r < 0 && keep)
		put_pending(v, head.flags | REFUSED, &b);
	else if (try || !keep)
		edit_drop(v->ino);
	if (try && !r && basis_document(v))
		basis_committed(v, fh, pid);
	v->who = NULL;
	return r;
}

int edit_fsync(struct view *v, uint64_t fh, struct err *e)
{
	if (v->row->stream || (v->what == VIEW_SCRATCH && !v->kind))
		return 0;
	HOLD_LOCK(serial_of(v->ino));
	set_wrote(fh, false);
	return commit_pending(v, fh, true, e);
}

/* A document of which the rest will never come: its writer is on its way out, by a signal. */
static bool drop_unfinished(struct view *v, pid_t pid)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct edit_head head;
	struct err e = ERR_INIT;

	if (!view_is_document(v) || !process_was_killed(pid))
		return false;
	HOLD_LOCK(serial_of(v->ino));
	if (!get_pending(v->ino, &b, &head))
		return true;
	put_pending(v, head.flags | REFUSED, &b);
	err_set(&e, ECANCELED, "%s: who wrote it was killed by a signal before it closed the file; what it had written is not taken", v->name);
	object_error_set(v->o, &e);
	return true;
}

int edit_flush(struct view *v, uint64_t fh, pid_t pid, struct err *e)
{
	struct handle h;
	pid_t tgid;

	pthread_mutex_lock(&lock);
	const struct handle *p = handle_of(fh);

	h = p ? *p : (struct handle){ 0 };
	pthread_mutex_unlock(&lock);
	if (!h.wrote)
		return 0;
	tgid = edit_tgid(pid);
	if (tgid && h.opener && (uint32_t)tgid != h.opener)
		return 0;
	if (drop_unfinished(v, pid))
		return 0;
	if (!v->row->stream)
		return edit_fsync(v, fh, e);
	HOLD_LOCK(serial_of(v->ino));
	set_wrote(fh, false);
	return v->row->stream->finish ? v->row->stream->finish(v, false, e) : 0;
}

/* A file that was being created under a key's name and got no value: it never was. */
static void abandon(struct view *v)
{
	if (v->what != VIEW_SCRATCH || !v->kind || !scratch_get(v->ino, &v->scratch))
		return;
	scratch_remove(v->ino);
	tomb_restore(v->scratch.parent, v->name);
	change_child(v->scratch.parent, v->name);
}

void edit_release(struct view *v, uint64_t fh)
{
	struct err e = ERR_INIT;

	HOLD_LOCK(serial_of(v->ino));
	pthread_mutex_lock(&lock);
	const bool pending = pending_of(v->ino);
	struct handle *h = handle_of(fh);
	bool last = true;

	if (h) {
		*h = handles[--n_handles];
		keep_del(KEEP_HANDLE, fh);
	}
	for (size_t i = 0; i < n_handles; i++)
		last = last && handles[i].ino != v->ino;
	atomic_store(&n_open, (unsigned)n_handles);
	pthread_mutex_unlock(&lock);
	if (v->o && basis_document(v))
		basis_drop(basis_document(v), fh);
	if (!last)
		return;
	if (v->o && v->row->stream && v->row->stream->finish) {
		v->row->stream->finish(v, true, &e);
	} else if (v->o && !pending && v->what != VIEW_SCRATCH) {
		return;		/* all was committed by writes: the kernel was told then */
	} else if (v->o) {
		commit_pending(v, fh, false, &e);
		abandon(v);
	} else {
		edit_drop(v->ino);
	}
	change_inode(v->ino);
}
