// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Serving views: see views.h.
 *
 * There is no OPEN, so that a read costs no request while the kernel's copy is good, which is for a tick of its clock. After that it asks
 * for attributes (we look at the instance and make a page), and when these differ for the content, which is answered from that
 * same page: length and bytes always belong together. A page that is equal to the last one keeps its times, and the kernel its copy.
 * Attributes are asked for by read(2); sendfile(2), splice(2) and mmap(2) take what the kernel has. Its copy is therefore dropped some
 * milliseconds after it was made, by the holder, because that can wait for a reader; and a READ that comes without GETATTR looks anew.
 *
 * The kernel's copy may be used by a reader while another one makes it look again; the length of a file therefore changes seldom: what
 * is shorter than it was is filled up with blanks before its last newline.
 *
 * Threads: the session's readers. One of `locks` per file guards its page; nothing is taken inside but the library's own.
 */
#include "fs/views.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/proc/proc.h"
#include "fs/board.h"
#include "fs/calls.h"
#include "fs/log.h"
#include "fs/node.h"
#include "fs/procdir.h"
#include "fs/session.h"
#include "fs/shm.h"
#include "fs/sources.h"
#include "fs/views_end.h"

#define READERS 4
#define SHORT 128			/* a text of a few numbers, which get longer */
#define LOCKS 64
#define FRESH_NS 3000000		/* a page of that age needs no other look */
#define LIFETIME_NS 3900000		/* of attributes in the kernel, which rounds up to its ticks */
#define KEPT_NS 7000000			/* pages in the kernel */
#define NAMES_S 3600.0
#define ROOM 16				/* lengths that vary are multiples of that */

static pthread_mutex_t locks[LOCKS];
static double attr_timeout;

/* The root or an instance's directory: neither is a row. */
static bool is_top(uint64_t ino)
{
	return ino == PROCDIR_ROOT || (node_of(ino).object && !node_of(ino).row);
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

static int show(uint64_t ino, struct buf *out)
{
	const struct proc_place at = procdir_place(ino);
	struct proc_source *s = sources_get(node_of(ino).object);
	int r;

	if (!s)
		return -ESTALE;
	r = proc_show(s, &at, out);
	sources_put();
	return r ? r : buf_error(out);
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
 * Files whose length varies get some room from the beginning, and more before they need it: should a reader combine a text with the
 * length of another one, only blanks are lost. Not so the lists of CPUs: they change when somebody changes a limit, and lscpu(1) takes
 * no blanks in them.
 */
static void make_length(struct buf *b, const struct proc_row *row, const struct board_text *last)
{
	const bool brief = b->len < SHORT, fixed = row->flags & PROC_CONFIGURED;

	if (fixed && (brief || !last->mtime_ns))
		return;
	if (!last->mtime_ns && !brief && !(row->flags & PROC_VARIES))
		return;
	if (b->len == last->len)
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
static int look(uint64_t ino, const struct proc_row *row, struct board_page **ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const uint64_t now = clock_ns(CLOCK_MONOTONIC);
	struct board_page *p = board_page(node_of(ino).object, row->id);
	int r;

	if (!p)
		return -ESTALE;
	*ret = p;
	if (board_text(p)->mtime_ns && now - p->looked_ns < FRESH_NS)
		return 0;
	r = show(ino, &b);
	if (r < 0)
		return r;
	make_length(&b, row, board_text(p));
	if (board_text(p)->len != b.len || !board_text(p)->mtime_ns || memcmp(board_text(p)->data, b.data, b.len) != 0)
		r = turn_page(p, &b);
	p->looked_ns = now;
	return r;
}

/* ---- attributes ---- */

static int fill_paged(uint64_t ino, const struct proc_row *row, struct stat *st)
{
	struct board_page *p;
	int r;

	HOLD_LOCK(lock_of(ino));
	r = look(ino, row, &p);
	if (r < 0)
		return r;
	st->st_size = board_text(p)->len;
	st->st_mtim.tv_sec = (time_t)(board_text(p)->mtime_ns / 1000000000);
	st->st_mtim.tv_nsec = (long)(board_text(p)->mtime_ns % 1000000000);
	return 0;
}

/* Files that have no page: those of single CPUs, which are many and seldom read. */
static bool has_page(const struct proc_row *row)
{
	return !strchr(row->path, '*');
}

/* Without a page, or too long for one. */
static int fill_size(uint64_t ino, struct stat *st)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = show(ino, &b);

	st->st_size = (off_t)b.len;
	clock_gettime(CLOCK_REALTIME, &st->st_mtim);
	return r;
}

static int fill_stat(uint64_t ino, struct stat *st)
{
	const struct proc_row *row = procdir_place(ino).row;
	int r = 0;

	if (!row && !is_top(ino))
		return -ESTALE;
	*st = (struct stat){ .st_ino = ino, .st_mode = row ? row->mode : S_IFDIR | 0555 };
	st->st_nlink = S_ISDIR(st->st_mode) ? 2 : 1;
	if (S_ISDIR(st->st_mode))
		clock_gettime(CLOCK_REALTIME, &st->st_mtim);
	else
		r = has_page(row) ? fill_paged(ino, row, st) : -EFBIG;
	if (r == -EFBIG)
		r = fill_size(ino, st);
	if (r == -ESTALE)
		r = 0;		/* not posted yet, or not any more: empty */
	st->st_ctim = st->st_mtim;
	return r;
}

static double timeout_of(uint64_t ino)
{
	const struct proc_row *row = procdir_place(ino).row;

	return row && S_ISREG(row->mode) ? attr_timeout : 0;
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
static int find_instance(const char *name, uint64_t *ino)
{
	char *end;
	unsigned long id = *name >= '1' && *name <= '9' ? strtoul(name, &end, 10) : 0;

	if (!id || *end || id >= 1u << 28)
		return -ENOENT;
	*ino = node_ino((struct node){ .object = (uint32_t)id });
	return 0;
}

static int find_child(uint64_t dir, const char *name, uint64_t *ino, bool *stays)
{
	struct proc_place at = procdir_place(dir);
	struct proc_source *s;
	bool there = true;
	int r;

	*stays = true;
	if (dir == PROCDIR_ROOT)
		return find_instance(name, ino);
	if (!at.row && !is_top(dir))
		return -ESTALE;
	r = procdir_find(&at, name, &at);
	if (r < 0)
		return r;
	if (at.row->flags & PROC_MAYBE) {
		*stays = false;
		s = sources_get(node_of(dir).object);
		there = s && proc_exists(s, &at);
		if (s)
			sources_put();
	}
	*ino = procdir_ino(node_of(dir).object, &at);
	return there ? 0 : -ENOENT;
}

static void on_lookup(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	struct fuse_entry_param p = { .entry_timeout = NAMES_S };
	uint64_t ino;
	bool stays;
	int r = find_child(dir, name, &ino, &stays);

	if (!r)
		r = fill_stat(ino, &p.attr);

	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	p.ino = ino;
	if (!stays)
		p.entry_timeout = attr_timeout;
	p.attr_timeout = timeout_of(ino);
	fuse_reply_entry(req, &p);
}

static void list_instances(fuse_req_t req, size_t size, uint32_t after)
{
	_cleanup_free_ char *data = malloc(size);
	struct stat st = { .st_mode = S_IFDIR };
	struct proc_facts f;
	size_t used = 0, n;
	char name[16];

	if (!data) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (; board_next(after, &f); after = f.object) {
		snprintf(name, sizeof(name), "%u", f.object);
		st.st_ino = node_ino((struct node){ .object = f.object });
		n = fuse_add_direntry(req, data + used, size - used, name, &st, f.object);
		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, data, used);
}

static void on_readdir(fuse_req_t req, fuse_ino_t dir, size_t size, off_t off, struct fuse_file_info *fi)
{
	const struct proc_place at = procdir_place(dir);
	const uint32_t id = node_of(dir).object;
	struct proc_source *s;

	if (dir == PROCDIR_ROOT) {
		list_instances(req, size, (uint32_t)off);
		return;
	}
	s = at.row ? sources_get(id) : NULL;
	procdir_reply(req, &at, id, s, size, off);
	if (s)
		sources_put();
}

/* ---- content ---- */

/* Before the answer goes out: a page that was dropped earlier is not dropped again. */
static void limit_life(uint64_t ino, struct board_page *p)
{
	const uint64_t now = shm_clock();

	if (now < p->expire_ns)
		return;
	p->expire_ns = now + KEPT_NS;
	notify_expire(ino, p->expire_ns);
}

/* Nobody asked for attributes before reading, so that the kernel cuts what it gets. */
static void tell_longer(uint64_t ino, const struct proc_row *row)
{
	char path[300];

	snprintf(path, sizeof(path), "%u/%s", node_of(ino).object, row->path);
	notify_look(path);
}

static int read_paged(fuse_req_t req, uint64_t ino, const struct proc_row *row, size_t size, off_t off)
{
	struct board_text *t;
	struct board_page *p;
	uint32_t known;
	int r = 0;

	HOLD_LOCK(lock_of(ino));
	p = board_page(node_of(ino).object, row->id);
	known = p ? board_text(p)->len : 0;
	/* What the attributes were taken from a moment ago, or what was begun to be read. */
	if (!p || !board_text(p)->mtime_ns || !off)
		r = look(ino, row, &p);
	if (r < 0)
		return r;
	t = board_text(p);
	if (t->len > known)
		tell_longer(ino, row);
	limit_life(ino, p);
	procdir_reply_text(req, t->data, t->len, size, off);
	return 0;
}

static int read_rendered(fuse_req_t req, uint64_t ino, size_t size, off_t off)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = show(ino, &b);

	if (!r)
		procdir_reply_text(req, b.data, b.len, size, off);
	return r;
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	const struct proc_row *row = procdir_place(ino).row;
	int r = -ESTALE;

	if (row && S_ISREG(row->mode))
		r = has_page(row) ? read_paged(req, ino, row, size, off) : -EFBIG;
	if (r == -EFBIG)
		r = read_rendered(req, ino, size, off);
	if (r < 0)
		fuse_reply_err(req, r == -ESTALE ? ENOENT : -r);
}

/* The kernel asks no more, for any file. */
static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fuse_reply_err(req, ENOSYS);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = on_lookup, .getattr = on_getattr, .open = on_open, .read = on_read, .flush = on_open, .opendir = on_open,
	.readdir = on_readdir, .statfs = procdir_statfs,
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
	if (!r)
		r = proc_init("", e);
	if (r)
		return r;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&locks[i], NULL);
	/* Rounded up to ticks by the kernel, and they may end any time in the next one: with long ticks nothing is kept. */
	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	attr_timeout = tick.tv_nsec <= 5000000 ? LIFETIME_NS / 1e9 : 0;
	board_tell_program(SHM_VIEWS);
	r = calls_start(shm->options.state_dir);
	if (r)
		log_warning("no system calls can be answered: %s", strerror(-r));
	if (views_end_watch())
		log_warning("the view server will stay when nobody needs it any more");
	return session_run(&class, e);
}
