// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See nested.h. A read at the beginning makes a text, which is kept under the number of the open file for the reads that follow; when
 * it is gone (another server, many readers) a read that goes on is answered from a new one.
 *
 * Threads: the session's readers. `lock` guards the texts and is held while one is sent.
 */
#include "fs/nested.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/proc/proc.h"
#include "fs/asker.h"
#include "fs/board.h"
#include "fs/log.h"
#include "fs/node.h"
#include "fs/procdir.h"
#include "fs/session.h"
#include "fs/shm.h"
#include "fs/views_end.h"

#define READERS 4
#define TEXTS 64
#define ROWS_OBJECT 1		/* in inode numbers: see fs/procdir.h */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct { uint64_t fh; struct buf text; } texts[TEXTS];
static uint64_t last_fh;

static int render(fuse_req_t req, uint64_t ino, struct buf *out)
{
	const struct proc_place at = procdir_place(ino);
	struct asker *a;
	int r = asker_get(fuse_req_ctx(req)->pid, &a);

	if (r)
		return r;
	r = asker_show(a, &at, out);
	asker_put(a);
	return r ? r : buf_error(out);
}

/* ---- attributes and names; nothing is kept by the kernel ---- */

static int fill_stat(fuse_req_t req, uint64_t ino, struct stat *st)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const struct proc_row *row = procdir_place(ino).row;
	int r = 0;

	if (!row && ino != PROCDIR_ROOT)
		return -ESTALE;
	*st = (struct stat){ .st_ino = ino, .st_mode = row ? row->mode : S_IFDIR | 0555 };
	st->st_nlink = S_ISDIR(st->st_mode) ? 2 : 1;
	clock_gettime(CLOCK_REALTIME, &st->st_mtim);
	st->st_ctim = st->st_mtim;
	if (S_ISREG(st->st_mode))
		r = render(req, ino, &b);
	st->st_size = (off_t)b.len;
	return r;
}

static void on_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct stat st;
	int r = fill_stat(req, ino, &st);

	if (r < 0)
		fuse_reply_err(req, -r);
	else
		fuse_reply_attr(req, &st, 0);
}

static int find(fuse_req_t req, uint64_t dir, const char *name, uint64_t *ino)
{
	struct proc_place at = procdir_place(dir);
	struct proc_source *s;
	struct asker *a;
	int r = dir != PROCDIR_ROOT && !at.row ? -ESTALE : procdir_find(&at, name, &at);

	if (r)
		return r;
	*ino = procdir_ino(ROWS_OBJECT, &at);
	if (!(at.row->flags & PROC_MAYBE))
		return 0;
	r = asker_get(fuse_req_ctx(req)->pid, &a);
	if (r)
		return r;
	s = asker_source(a);
	r = s && proc_exists(s, &at) ? 0 : -ENOENT;
	asker_release(a, s);
	asker_put(a);
	return r;
}

static void on_lookup(fuse_req_t req, fuse_ino_t dir, const char *name)
{
	struct fuse_entry_param p = { .attr_timeout = 0 };
	uint64_t ino = 0;
	int r = find(req, dir, name, &ino);

	if (!r)
		r = fill_stat(req, ino, &p.attr);
	if (r < 0) {
		fuse_reply_err(req, -r);
		return;
	}
	p.ino = ino;
	fuse_reply_entry(req, &p);
}

static void on_readdir(fuse_req_t req, fuse_ino_t dir, size_t size, off_t off, struct fuse_file_info *fi)
{
	const struct proc_place at = procdir_place(dir);
	struct proc_source *s;
	struct asker *a;
	int r = asker_get(fuse_req_ctx(req)->pid, &a);

	if (r) {
		fuse_reply_err(req, -r);
		return;
	}
	s = asker_source(a);
	procdir_reply(req, &at, ROWS_OBJECT, s, size, off);
	asker_release(a, s);
	asker_put(a);
}

/* ---- content ---- */

static void on_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct timespec t;

	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EACCES);
		return;
	}
	/* Not to be mistaken for one that an earlier server gave out. */
	clock_gettime(CLOCK_BOOTTIME, &t);
	HOLD_LOCK(&lock);
	fi->fh = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	if (fi->fh <= last_fh)
		fi->fh = last_fh + 1;
	last_fh = fi->fh;
	fi->direct_io = 1;
	fi->noflush = 1;
	fuse_reply_open(req, fi);
}

/* The place for the text of an open file; what another one has there is lost to it. */
static struct buf *text_of(uint64_t fh, bool begin)
{
	const size_t i = fh % TEXTS;

	if (texts[i].fh == fh && !begin)
		return &texts[i].text;
	buf_free(&texts[i].text);
	texts[i].fh = fh;
	return &texts[i].text;
}

static bool has_text(uint64_t fh)
{
	HOLD_LOCK(&lock);
	return texts[fh % TEXTS].fh == fh && texts[fh % TEXTS].text.data;
}

static void on_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	const struct proc_row *row = procdir_place(ino).row;
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct buf *text;
	int r = 0;

	if (!row || !S_ISREG(row->mode))
		r = -ESTALE;
	else if (!off || !has_text(fi->fh))
		r = render(req, ino, &b);
	if (r < 0) {
		fuse_reply_err(req, r == -ESTALE ? ENOENT : -r);
		return;
	}
	HOLD_LOCK(&lock);
	text = text_of(fi->fh, b.data != NULL);
	if (b.data) {
		*text = b;
		b = (struct buf)BUF_INIT;
	}
	procdir_reply_text(req, buf_str(text), text->len, size, off);
}

static void on_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	{
		HOLD_LOCK(&lock);
		if (texts[fi->fh % TEXTS].fh == fi->fh) {
			buf_free(&texts[fi->fh % TEXTS].text);
			texts[fi->fh % TEXTS].fh = 0;
		}
	}
	fuse_reply_err(req, 0);
}

static void on_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	fuse_reply_open(req, fi);
}

static const struct fuse_lowlevel_ops ops = {
	.lookup = on_lookup, .getattr = on_getattr, .open = on_open, .read = on_read, .release = on_release, .opendir = on_opendir,
	.readdir = on_readdir, .statfs = procdir_statfs,
};

int nested_serve(struct err *e)
{
	static const struct session_class class = { .ops = &ops, .caps = FUSE_CAP_ASYNC_READ, .readers = READERS };
	int r = keep_attach(FD_KEEP);

	if (r)
		return err_sys(e, -r, "shared memory");
	r = board_open(shm->options.state_dir, e);
	if (!r)
		r = proc_init("", e);
	if (r)
		return r;
	board_tell_program(SHM_NESTED);
	if (views_end_watch())
		log_warning("the server of nested containers' views will stay when nobody needs it any more");
	return session_run(&class, e);
}
