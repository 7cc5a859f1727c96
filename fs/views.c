// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Serving views: see views.h.
 *
 * There is no OPEN, so that a read costs no request while the kernel's copy is good, which is for a tick of its clock. After that it asks
 * for attributes (we look at the instance and make a page), and when these differ for the content, which is answered from that
 * same page: length and bytes always belong together. A page that is equal to the last one keeps its times, and the kernel its copy.
 * The kernel's copy may be used by a reader while another one makes it look again; the length of a file therefore changes seldom: what
 * is shorter than it was is filled up with blanks before its last newline.
 *
 * Threads: the session's readers. One of `locks` per file guards its page; nothing is taken inside but the library's own.
 */
#include "fs/views.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "fs/board.h"
#include "fs/node.h"
#include "fs/session.h"
#include "fs/shm.h"

#define READERS 4
#define LOCKS 64
#define FRESH_NS 3000000		/* a page of that age needs no other look */
#define LIFETIME_NS 3900000		/* of attributes in the kernel, which rounds up to its ticks */
#define NAMES_S 3600.0
#define ROOM 16				/* lengths that vary are multiples of that */

/* One name. Ids are part of inode numbers that containers hold: append only. */
struct entry {
	uint16_t id, parent;
	mode_t mode;
	const char *name;
};

#define FILE_MODE (S_IFREG | 0444)
#define DIR_MODE (S_IFDIR | 0555)
#define TOP 1

static const struct entry entries[] = {
	{ TOP, 0, DIR_MODE, "" },
	{ 2, TOP, DIR_MODE, "proc" },
	{ 400, 2, FILE_MODE, "meminfo" },
};

#define N_ENTRIES (sizeof(entries) / sizeof(*entries))
#define FIRST_FILE 400

static pthread_mutex_t locks[LOCKS];
static double attr_timeout;

static const struct entry *entry_of(uint64_t ino)
{
	const struct node n = node_of(ino);

	for (const struct entry *t = entries; t < entries + N_ENTRIES; t++)
		if (t->id == n.row)
			return t;
	return NULL;
}

static uint64_t ino_of(uint32_t id, const struct entry *t)
{
	return node_ino((struct node){ .object = id, .row = t->id });
}

static uint64_t clock_ns(clockid_t c)
{
	struct timespec t;

	clock_gettime(c, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* ---- pages ---- */

static pthread_mutex_t *lock_of(uint64_t ino)
{
	return &locks[(ino ^ ino >> 36) % LOCKS];
}

static int show(const struct board_facts *f, const struct entry *t, struct buf *out)
{
	return buf_read_file(out, AT_FDCWD, "/proc/meminfo", 1 << 20);
}

/* Blanks before the newlines at the end. */
static void fill_up(struct buf *b, size_t len)
{
	const size_t old = b->len;
	size_t end = old;

	if (old >= len)
		return;
	while (end && b->data[end - 1] == '\n')
		end--;
	buf_resize(b, len);
	if (buf_error(b) < 0)
		return;
	memset(b->data + end, ' ', len - old);
	memset(b->data + end + len - old, '\n', old - end);
}

/*
 * Files whose length varies get some room from the beginning, and more before they need it: should a reader combine a text with the length of
 * another one, only blanks are lost.
 */
static void make_length(struct buf *b, const struct board_text *last)
{
	if (!last->mtime_ns || b->len == last->len)
		return;
	if (b->len + ROOM > last->len)
		fill_up(b, (b->len + 2 * ROOM) / ROOM * ROOM);
	else
		fill_up(b, last->len);
}

static int turn_page(struct board_page *p, const struct buf *b)
{
	const struct board_text *last = board_text(p);
	struct board_text *t = board_next_text(p, b->len);
	uint64_t now = clock_ns(CLOCK_REALTIME);

	if (!t)
		return -EFBIG;
	memcpy(t->data, b->data, b->len);
	t->len = (uint32_t)b->len;
	t->mtime_ns = now > last->mtime_ns ? now : last->mtime_ns + 1;
	__atomic_store_n(&p->current, p->current + 1, __ATOMIC_RELEASE);
	return 0;
}

/* The page of a file, not older than FRESH_NS. To be called with the file's lock. */
static int look(uint64_t ino, struct board_page **ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const struct entry *t = entry_of(ino);
	const uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct board_facts f;
	struct board_page *p;
	int r;

	if (!t || !board_get(node_of(ino).object, &f))
		return -ESTALE;
	p = board_page(f.id, t->id - FIRST_FILE);
	if (!p)
		return -ENOMEM;
	*ret = p;
	if (board_text(p)->mtime_ns && now - p->looked_ns < FRESH_NS)
		return 0;
	r = show(&f, t, &b);
	if (r < 0)
		return r;
	make_length(&b, board_text(p));
	if (board_text(p)->len != b.len || memcmp(board_text(p)->data, b.data, b.len) != 0)
		r = turn_page(p, &b);
	p->looked_ns = now;
	return r;
}

/* ---- attributes ---- */

static int fill_stat(uint64_t ino, struct stat *st)
{
	const struct entry *t = entry_of(ino);
	struct board_page *p;
	int r;

	if (!t)
		return -ESTALE;
	*st = (struct stat){ .st_ino = ino, .st_mode = t->mode, .st_nlink = S_ISDIR(t->mode) ? 2 : 1 };
	if (S_ISDIR(t->mode)) {
		clock_gettime(CLOCK_REALTIME, &st->st_mtim);
		return 0;
	}
	HOLD_LOCK(lock_of(ino));
	r = look(ino, &p);
	if (r < 0)
		return r == -ESTALE ? 0 : r;	/* not posted yet, or not any more: empty */
	st->st_size = board_text(p)->len;
	st->st_mtim.tv_sec = (time_t)(board_text(p)->mtime_ns / 1000000000);
	st->st_mtim.tv_nsec = (long)(board_text(p)->mtime_ns % 1000000000);
	st->st_ctim = st->st_mtim;
	return 0;
}

static double timeout_of(uint64_t ino)
{
	const struct entry *t = entry_of(ino);

	return t && S_ISREG(t->mode) ? attr_timeout : 0;
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	int r = fill_stat(ino, &st);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, timeout_of(ino));
}

/* ---- names ---- */

/* An instance's directory is there for everyone who knows its number: a container asks before it is posted that it runs. */
static const struct entry *child(uint64_t dir, const char *name, uint64_t *ino)
{
	const struct node n = node_of(dir);
	char *end;
	unsigned long id;

	if (dir == 1 && *name >= '1' && *name <= '9') {
		id = strtoul(name, &end, 10);
		*ino = ino_of((uint32_t)id, entries);
		return *end || id >= 1u << 28 ? NULL : entries;
	}
	for (const struct entry *t = entries; dir != 1 && t < entries + N_ENTRIES; t++)
		if (t->parent == n.row && !strcmp(t->name, name)) {
			*ino = ino_of(n.object, t);
			return t;
		}
	return NULL;
}

static void on_lookup(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	struct fuse_entry_param p = { .entry_timeout = NAMES_S };
	uint64_t ino;
	int r = child(dir, name, &ino) ? fill_stat(ino, &p.attr) : -ENOENT;

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	p.ino = ino;
	p.attr_timeout = timeout_of(ino);
	fuse_reply_entry(req, &p);
}

struct listing {
	fuse_req_t req;
	char *data;
	size_t size, used;
};

/* False: full. */
static bool list_one(struct listing *l, const char *name, uint64_t ino, mode_t mode, uint64_t next)
{
	const struct stat st = { .st_ino = ino, .st_mode = mode };
	size_t n = fuse_add_direntry(l->req, l->data + l->used, l->size - l->used, name, &st, (off_t)next);

	if (n > l->size - l->used)
		return false;
	l->used += n;
	return true;
}

static void list_instances(struct listing *l, uint32_t after)
{
	struct board_facts f;
	char name[16];

	while (board_next(after, &f)) {
		snprintf(name, sizeof(name), "%u", f.id);
		if (!list_one(l, name, ino_of(f.id, entries), entries->mode, f.id))
			return;
		after = f.id;
	}
}

static void list_entries(struct listing *l, struct node dir, size_t from)
{
	for (size_t i = from; i < N_ENTRIES; i++)
		if (entries[i].parent == dir.row &&
		    !list_one(l, entries[i].name, ino_of(dir.object, &entries[i]), entries[i].mode, i + 1))
			return;
}

static void on_readdir(fuse_req_t req, fuse_ino_t dir, size_t size, off_t off, struct fuse_file_info *fi)
{
	_cleanup_free_ char *data = malloc(size);
	struct listing l = { .req = req, .data = data, .size = size };

	if (!data) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (dir == 1)
		list_instances(&l, (uint32_t)off);
	else
		list_entries(&l, node_of(dir), (size_t)off);
	fuse_reply_buf(req, data, l.used);
}

/* ---- content ---- */

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	struct board_text *t;
	struct board_page *p;
	int r;

	HOLD_LOCK(lock_of(ino));
	p = board_page(node_of(ino).object, node_of(ino).row - FIRST_FILE);
	/* What the attributes were taken from, however old: the kernel asked for them first. */
	r = p && board_text(p)->mtime_ns ? 0 : look(ino, &p);
	if (r < 0) {
		fuse_reply_err(req, r == -ESTALE ? ENOENT : -r);
		return;
	}
	t = board_text(p);
	if (off >= t->len)
		size = 0;
	else if (size > t->len - (size_t)off)
		size = t->len - (size_t)off;
	fuse_reply_buf(req, t->data + off, size);
}

/* The kernel asks no more, for any file. */
static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fuse_reply_err(req, ENOSYS);
}

static void on_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const struct statvfs s = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX };

	fuse_reply_statfs(req, &s);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = on_lookup, .getattr = on_getattr, .open = on_open, .read = on_read, .flush = on_open, .opendir = on_open,
	.readdir = on_readdir, .statfs = on_statfs,
};

int views_serve(struct err *e)
{
	static const struct session_class class = {
		.ops = &ops,
		.caps = FUSE_CAP_ASYNC_READ | FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_PARALLEL_DIROPS,
		.readers = READERS,
	};
	struct timespec tick;
	int r = keep_attach(FD_KEEP);

	if (r)
		return err_sys(e, -r, "shared memory");
	r = board_open(shm->options.state_dir, e);
	if (r)
		return r;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&locks[i], NULL);
	/* Rounded up to ticks by the kernel, and they may end any time in the next one: with long ticks nothing is kept. */
	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	attr_timeout = tick.tv_nsec <= 5000000 ? LIFETIME_NS / 1e9 : 0;
	return session_run(&class, e);
}
