// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A small file system in the keep, on the real holder and session: for tests of takeover without the rest of instfs.
 *
 * Everything that changes is one keep transaction together with the request's record. The file `event` in the root counts writes to
 * it and wakes pollers with POLLPRI; `slow` answers a read 3 ms later from another thread. With MEMFS_CACHE=1 the kernel caches for
 * ever and a thread makes and removes names by itself; MEMFS_CRASH=N dies at one of N code points at random; a file whose name begins
 * with `poison` crashes the server that creates it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "fs/dispatch.h"
#include "fs/holder.h"
#include "fs/request.h"
#include "fs/session.h"
#include "fs/shm.h"
#include "fs/start.h"

enum { NODES = 1024, DATA_MAX = 1 << 20, NEXT_INO = 1, EVENTS = 2 };
#define EVENT_INO 2
#define SLOW_INO 3
#define VERSION_INO 4	/* test scripts wait for it */

struct mem_node {
	uint64_t ino, parent;
	uint32_t mode;
	uint64_t size;
	struct timespec mtime;
	char name[64];
};

static struct mem_node nodes[NODES];	/* a cache of the keep; ino 0: free */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static double timeout;
static unsigned crash;

static void crash_point(void)
{
	static __thread unsigned seed;

	if (!crash)
		return;
	if (!seed)
		seed = (unsigned)(shm_clock() ^ (uint64_t)gettid());
	if ((unsigned)rand_r(&seed) % crash == 0)
		kill(getpid(), SIGKILL);
}

static struct timespec now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t;
}

/* ---- nodes ---- */

static struct mem_node *get(uint64_t ino)
{
	for (int i = 0; i < NODES; i++)
		if (nodes[i].ino == ino)
			return &nodes[i];
	return NULL;
}

static struct mem_node *child(uint64_t parent, const char *name)
{
	for (int i = 0; i < NODES; i++)
		if (nodes[i].ino && nodes[i].parent == parent && nodes[i].ino != 1 && !strcmp(nodes[i].name, name))
			return &nodes[i];
	return NULL;
}

static bool has_children(uint64_t ino)
{
	for (int i = 0; i < NODES; i++)
		if (nodes[i].ino > 1 && nodes[i].parent == ino)
			return true;
	return false;
}

/* In the order of inode numbers, which the next server has as well. */
static struct mem_node *next_child(uint64_t parent, uint64_t after)
{
	struct mem_node *best = NULL;

	for (int i = 0; i < NODES; i++)
		if (nodes[i].ino > 1 && nodes[i].parent == parent && nodes[i].ino > after && (!best || nodes[i].ino < best->ino))
			best = &nodes[i];
	return best;
}

static void save(const struct mem_node *n)
{
	keep_put(KEEP_SCRATCH, n->ino, n, sizeof(*n));
}

static void touch_dir(uint64_t ino)
{
	struct mem_node *d = get(ino);

	if (!d)
		return;
	d->mtime = now();
	save(d);
}

static int load(uint64_t key, const void *data, size_t len, void *arg)
{
	struct mem_node *n = get(0);

	if (n && len == sizeof(*n))
		memcpy(n, data, len);
	return 0;
}

static void fill(const struct mem_node *n, struct stat *st)
{
	*st = (struct stat){ .st_ino = n->ino, .st_mode = n->mode, .st_nlink = S_ISDIR(n->mode) ? 2 : 1, .st_size = (off_t)n->size,
			     .st_mtim = n->mtime, .st_ctim = n->mtime, .st_blksize = 4096 };
}

static void fill_entry(const struct mem_node *n, struct fuse_entry_param *e)
{
	*e = (struct fuse_entry_param){ .ino = n->ino, .attr_timeout = timeout, .entry_timeout = timeout };
	fill(n, &e->attr);
	if (n->ino == EVENT_INO)
		e->attr_timeout = 0;
}

/* In a transaction. */
static struct mem_node *make_node(uint64_t parent, const char *name, mode_t mode)
{
	struct mem_node *n = get(0);
	uint64_t next = 100;

	if (!n)
		return NULL;
	keep_get_struct(KEEP_COUNTER, NEXT_INO, &next, sizeof(next));
	*n = (struct mem_node){ .ino = next++, .parent = parent, .mode = mode, .mtime = now() };
	snprintf(n->name, sizeof(n->name), "%s", name);
	keep_put(KEEP_COUNTER, NEXT_INO, &next, sizeof(next));
	save(n);
	touch_dir(parent);
	return n;
}

static void drop_node(struct mem_node *n)
{
	keep_del(KEEP_SCRATCH, n->ino);
	keep_del(KEEP_SCRATCH_DATA, n->ino);
	touch_dir(n->parent);
	n->ino = 0;
}

/* ---- looking ---- */

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct fuse_entry_param e;
	struct mem_node *n;

	pthread_mutex_lock(&lock);
	n = !strcmp(name, ".") ? get(parent) : child(parent, name);
	if (n)
		fill_entry(n, &e);
	pthread_mutex_unlock(&lock);
	if (n)
		fuse_reply_entry(req, &e);
	else
		fuse_reply_err(req, ENOENT);
}

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct mem_node *n;
	struct stat st;

	pthread_mutex_lock(&lock);
	n = get(ino);
	if (n)
		fill(n, &st);
	pthread_mutex_unlock(&lock);
	if (n)
		fuse_reply_attr(req, &st, timeout);
	else
		fuse_reply_err(req, ESTALE);
}

static void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	_cleanup_free_ char *buf = malloc(size);
	size_t len = 0;

	pthread_mutex_lock(&lock);
	for (struct mem_node *n; buf && (n = next_child(ino, (uint64_t)off)); off = (off_t)n->ino) {
		struct stat st = { .st_ino = n->ino, .st_mode = n->mode };
		size_t need = fuse_add_direntry(req, buf + len, size - len, n->name, &st, (off_t)n->ino);

		if (need > size - len)
			break;
		len += need;
	}
	pthread_mutex_unlock(&lock);
	fuse_reply_buf(req, buf, len);
}

/* ---- changing names ---- */

static void reply_made(fuse_req_t req, int r, uint64_t ino, struct fuse_file_info *fi)
{
	struct fuse_entry_param e;
	struct mem_node *n;

	pthread_mutex_lock(&lock);
	n = r ? NULL : get(ino);
	if (n)
		fill_entry(n, &e);
	pthread_mutex_unlock(&lock);
	crash_point();
	if (!n)
		fuse_reply_err(req, r ? -r : ESTALE);
	else if (fi)
		fuse_reply_create(req, &e, fi);
	else
		fuse_reply_entry(req, &e);
}

static int make(fuse_req_t req, uint64_t parent, const char *name, mode_t mode, uint64_t *ino)
{
	struct mem_node *n;
	struct caller who;
	int r = 0;

	request_caller(req, &who);
	HOLD_LOCK(&lock);
	if (request_seen(&who, &r, ino) == REQUEST_DONE)
		return r;
	if (child(parent, name))
		return -EEXIST;
	if (!strncmp(name, "poison", 6))
		abort();
	request_begin(&who, &r, ino);
	crash_point();
	keep_begin();
	n = make_node(parent, name, mode);
	*ino = n ? n->ino : 0;
	request_result(&who, n ? 0 : -ENOSPC, *ino);
	keep_end();
	crash_point();
	return n ? 0 : -ENOSPC;
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	uint64_t ino = 0;
	int r = make(req, parent, name, S_IFDIR | (mode & 07777), &ino);

	reply_made(req, r, ino, NULL);
}

static void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi)
{
	uint64_t ino = 0;
	int r = make(req, parent, name, S_IFREG | (mode & 07777), &ino);

	reply_made(req, r, ino, fi);
}

static int drop(fuse_req_t req, uint64_t parent, const char *name)
{
	struct mem_node *n;
	struct caller who;
	uint64_t ino;
	int r = 0;

	request_caller(req, &who);
	HOLD_LOCK(&lock);
	if (request_seen(&who, &r, &ino) == REQUEST_DONE)
		return r;
	n = child(parent, name);
	if (!n)
		return -ENOENT;
	if (has_children(n->ino))
		return -ENOTEMPTY;
	request_begin(&who, &r, &ino);
	keep_begin();
	drop_node(n);
	request_result(&who, 0, 0);
	keep_end();
	crash_point();
	return 0;
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	fuse_reply_err(req, -drop(req, parent, name));
}

static int move(fuse_req_t req, uint64_t parent, const char *name, uint64_t to, const char *new_name)
{
	struct mem_node *n, *old;
	struct caller who;
	uint64_t ino;
	int r = 0;

	request_caller(req, &who);
	HOLD_LOCK(&lock);
	if (request_seen(&who, &r, &ino) == REQUEST_DONE)
		return r;
	n = child(parent, name);
	old = child(to, new_name);
	if (!n)
		return -ENOENT;
	request_begin(&who, &r, &ino);
	keep_begin();
	if (old && old != n)
		drop_node(old);
	touch_dir(parent);
	n->parent = to;
	snprintf(n->name, sizeof(n->name), "%s", new_name);
	save(n);
	touch_dir(to);
	request_result(&who, 0, 0);
	keep_end();
	crash_point();
	return 0;
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t to, const char *new_name, unsigned flags)
{
	fuse_reply_err(req, -move(req, parent, name, to, new_name));
}

/* ---- content ---- */

/* In a transaction. The bytes of a file with the new length. */
static void set_size(struct mem_node *n, uint64_t size, struct buf *data)
{
	keep_get(KEEP_SCRATCH_DATA, n->ino, data);
	buf_resize(data, size);
	n->size = size;
	n->mtime = now();
	save(n);
}

static void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *a, int set, struct fuse_file_info *fi)
{
	_cleanup_buf_ struct buf data = BUF_INIT;
	struct mem_node *n;
	struct stat st;

	pthread_mutex_lock(&lock);
	n = get(ino);
	if (n) {
		keep_begin();
		if (set & FUSE_SET_ATTR_MODE)
			n->mode = (n->mode & S_IFMT) | (a->st_mode & 07777);
		if (set & FUSE_SET_ATTR_SIZE && a->st_size <= DATA_MAX) {
			set_size(n, (uint64_t)a->st_size, &data);
			keep_put(KEEP_SCRATCH_DATA, ino, data.data, data.len);
		}
		save(n);
		keep_end();
		fill(n, &st);
	}
	pthread_mutex_unlock(&lock);
	if (n)
		fuse_reply_attr(req, &st, timeout);
	else
		fuse_reply_err(req, ESTALE);
}

static uint64_t events(void)
{
	uint64_t v = 0;

	keep_get_struct(KEEP_COUNTER, EVENTS, &v, sizeof(v));
	return v;
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	uint64_t fh = 1000, seen = 0;

	if (ino == EVENT_INO) {
		keep_begin();
		keep_get_struct(KEEP_COUNTER, 3, &fh, sizeof(fh));
		fh++;
		keep_put(KEEP_COUNTER, 3, &fh, sizeof(fh));
		keep_put(KEEP_HANDLE, fh, &seen, sizeof(seen));
		keep_end();
		fi->fh = fh;
		fi->direct_io = 1;
	} else if (fi->flags & O_TRUNC) {
		pthread_mutex_lock(&lock);
		struct mem_node *n = get(ino);

		keep_begin();
		if (n) {
			n->size = 0;
			save(n);
			keep_del(KEEP_SCRATCH_DATA, ino);
		}
		keep_end();
		pthread_mutex_unlock(&lock);
	}
	fi->direct_io |= ino == SLOW_INO;
	fuse_reply_open(req, fi);
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	if (fi->fh)
		keep_del(KEEP_HANDLE, fi->fh);
	fuse_reply_err(req, 0);
}

static void *answer_later(void *arg)
{
	usleep(3000);
	fuse_reply_buf(arg, "later\n", 6);
	return NULL;
}

static void read_slow(fuse_req_t req, off_t off)
{
	pthread_attr_t a;
	pthread_t t;

	if (off) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	request_defer(req, NULL, NULL);
	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&a, 65536);
	if (pthread_create(&t, &a, answer_later, req)) {
		request_undefer(req);
		fuse_reply_err(req, EAGAIN);
	}
	pthread_attr_destroy(&a);
}

static void read_event(fuse_req_t req, off_t off, struct fuse_file_info *fi)
{
	uint64_t v = events();
	char text[32];
	int n = snprintf(text, sizeof(text), "%llu\n", (unsigned long long)v);

	keep_put(KEEP_HANDLE, fi->fh, &v, sizeof(v));
	fuse_reply_buf(req, off < n ? text + off : NULL, off < n ? (size_t)(n - off) : 0);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	_cleanup_buf_ struct buf data = BUF_INIT;

	if (ino == SLOW_INO) {
		read_slow(req, off);
		return;
	}
	if (ino == EVENT_INO) {
		read_event(req, off, fi);
		return;
	}
	keep_get(KEEP_SCRATCH_DATA, ino, &data);
	if ((size_t)off >= data.len)
		fuse_reply_buf(req, NULL, 0);
	else
		fuse_reply_buf(req, data.data + off, data.len - (size_t)off < size ? data.len - (size_t)off : size);
}

static int put(uint64_t ino, const char *bytes, size_t size, off_t off)
{
	_cleanup_buf_ struct buf data = BUF_INIT;
	struct mem_node *n;
	uint64_t v;

	HOLD_LOCK(&lock);
	n = get(ino);
	if (!n)
		return -ESTALE;
	if ((size_t)off + size > DATA_MAX)
		return -EFBIG;
	if (ino == EVENT_INO) {
		v = events() + 1;
		return keep_put(KEEP_COUNTER, EVENTS, &v, sizeof(v));
	}
	keep_begin();
	set_size(n, n->size > (uint64_t)off + size ? n->size : (uint64_t)off + size, &data);
	memcpy(data.data + off, bytes, size);
	keep_put(KEEP_SCRATCH_DATA, ino, data.data, data.len);
	return keep_end();
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *bytes, size_t size, off_t off, struct fuse_file_info *fi)
{
	int r = put(ino, bytes, size, off);

	if (ino == EVENT_INO && !r)
		notify_poll(ino);
	crash_point();
	if (r)
		fuse_reply_err(req, -r);
	else
		fuse_reply_write(req, size);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int data, struct fuse_file_info *fi)
{
	fuse_reply_err(req, 0);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const struct statvfs s = { .f_bsize = 4096, .f_blocks = 1000, .f_namemax = 63 };

	fuse_reply_statfs(req, &s);
}

static void op_poll(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi, struct fuse_pollhandle *ph)
{
	uint64_t seen = 0;

	if (ph)
		poll_remember(req, ino, ph);
	keep_get_struct(KEEP_HANDLE, fi->fh, &seen, sizeof(seen));
	fuse_reply_poll(req, POLLIN | POLLRDNORM | (ino == EVENT_INO && seen != events() ? POLLPRI | POLLERR : 0u));
}

const struct fuse_lowlevel_ops fs_ops = {
	.lookup = op_lookup, .getattr = op_getattr, .setattr = op_setattr, .mkdir = op_mkdir, .create = op_create, .unlink = op_unlink,
	.rmdir = op_unlink, .rename = op_rename, .open = op_open, .read = op_read, .write = op_write, .release = op_release,
	.readdir = op_readdir, .fsync = op_fsync, .statfs = op_statfs, .poll = op_poll,
};
const struct fuse_lowlevel_ops rootfs_ops = { .lookup = NULL };

/* ---- changes that nobody asked for ---- */

static void change_one(unsigned i)
{
	char name[16];
	struct mem_node *n, *d = NULL;

	HOLD_LOCK(&lock);
	for (int k = 0; k < NODES && !d; k++)
		if (nodes[(k + (int)i * 7) % NODES].ino && nodes[(k + (int)i * 7) % NODES].name[0] == 'w')
			d = &nodes[(k + (int)i * 7) % NODES];
	if (!d || !S_ISDIR(d->mode))
		return;
	snprintf(name, sizeof(name), "bg%u", i % 50);
	n = child(d->ino, name);
	keep_begin();
	if (n)
		drop_node(n);
	else
		make_node(d->ino, name, S_IFREG | 0644);
	keep_end();
	notify_inode(d->ino, false);
	notify_entry(d->ino, name);
	notify_touch("event");
}

static void *change_things(void *unused)
{
	for (unsigned i = 0;; i++) {
		usleep(500);
		change_one(i);
	}
	return NULL;
}

void fs_takeover(bool first)
{
	static const struct mem_node fixed[] = {
		{ .ino = 1, .parent = 1, .mode = S_IFDIR | 0755 },
		{ .ino = EVENT_INO, .parent = 1, .mode = S_IFREG | 0644, .name = "event" },
		{ .ino = SLOW_INO, .parent = 1, .mode = S_IFREG | 0644, .name = "slow" },
		{ .ino = VERSION_INO, .parent = 1, .mode = S_IFREG | 0644, .name = "version" },
	};

	for (size_t i = 0; i < sizeof(fixed) / sizeof(*fixed); i++)
		if (!keep_has(KEEP_SCRATCH, fixed[i].ino))
			save(&fixed[i]);
	keep_each(KEEP_SCRATCH, load, NULL);
}

static int serve(struct err *e)
{
	int r = keep_attach(FD_KEEP);
	pthread_t t;

	if (r)
		return err_sys(e, -r, "keep");
	crash = getenv("MEMFS_CRASH") ? (unsigned)atoi(getenv("MEMFS_CRASH")) : 0;
	fs_takeover(!shm->init_done);
	if (getenv("MEMFS_CACHE")) {
		timeout = 1e9;
		if (pthread_create(&t, NULL, change_things, NULL))
			return err_set(e, EAGAIN, "thread");
	}
	return session_run(dispatch_class(), e);
}

int main(int argc, char **argv)
{
	static const start_serve_fn parts[SHM_KINDS] = { [SHM_TREE] = serve };

	return start_main(argc, argv, parts);
}
