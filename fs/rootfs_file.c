// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The table of open files. `files.lock` guards the table, the counts and the fields of a handle that change (fd, stored,
 * listed); it is not held over calls to the holder or the file system.
 */
#include "fs/rootfs_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/core/watch.h"
#include "fs/holder.h"
#include "fs/rootfs.h"

#define HANDLE_BIT (1ULL << 62)		/* of a key in KEEP_ROOTFS: an open file */
#define APPEND_BIT (1ULL << 61)		/* an append under way, by the number of the open file */
#define FILES_BUCKETS 1024
#define STORE_AFTER 1			/* seconds */
#define APPEND_SEARCH_MAX (4u << 20)

struct file_record {
	uint64_t ino, unique;
	uint32_t object, slot;
	uint32_t flags;
	uint32_t dir;		/* of a server that had handles of directories */
};

struct append_record {
	uint64_t unique, size;
};

static struct {
	pthread_mutex_t lock;
	pthread_once_t once;
	struct rootfs_file *buckets[FILES_BUCKETS];
	struct rootfs_file *fresh, **fresh_end;	/* not given to the holder yet, oldest first; no references */
	unsigned open[4096];			/* open files by hash of the node: 0 is certain */
	bool timer;
} files = { .lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT, .fresh_end = &files.fresh };

static unsigned *open_count(uint64_t ino)
{
	return &files.open[(ino ^ ino >> 12) % 4096];
}

bool rootfs_node_is_open(uint64_t ino)
{
	HOLD_LOCK(&files.lock);

	return *open_count(ino) != 0;
}

static void drop_fresh(struct rootfs_file *f)
{
	if (!f->prev_fresh)
		return;
	*f->prev_fresh = f->next_fresh;
	*(f->next_fresh ? &f->next_fresh->prev_fresh : &files.fresh_end) = f->prev_fresh;
	f->prev_fresh = NULL;
}

static void list_file(struct rootfs_file *f)
{
	struct rootfs_file **p = &files.buckets[f->fh % FILES_BUCKETS];

	f->next = *p;
	*p = f;
	f->listed = true;
	++*open_count(f->ino);
}

static void unlist_file(struct rootfs_file *f)
{
	struct rootfs_file **p = &files.buckets[f->fh % FILES_BUCKETS];

	while (*p != f)
		p = &(*p)->next;
	*p = f->next;
	f->listed = false;
	--*open_count(f->ino);
	drop_fresh(f);
}

static int load_one(uint64_t key, const void *data, size_t len, void *arg)
{
	struct file_record r;
	struct rootfs_file *f;

	(void)arg;
	if ((key & (ROOTFS_BIT | HANDLE_BIT)) != HANDLE_BIT || len != sizeof(r))
		return 0;
	memcpy(&r, data, sizeof(r));
	if (r.dir) {
		(void)keep_del(KEEP_ROOTFS, key);
		holder_drop_fd(key);
		return 0;
	}
	f = calloc(1, sizeof(*f));
	if (!f)
		return 0;
	f->fh = key & ~HANDLE_BIT;
	f->fd = -1;
	f->refs = 1;
	f->stored = true;	/* until it turns out that the holder does not have it */
	f->ino = r.ino;
	f->unique = r.unique;
	f->flags = (int)r.flags;
	list_file(f);
	return 0;
}

static void load(void)
{
	HOLD_LOCK(&files.lock);

	keep_each(KEEP_ROOTFS, load_one, NULL);
}

static pthread_mutex_t *table(void)
{
	pthread_once(&files.once, load);
	return &files.lock;
}

struct rootfs_file *rootfs_file_put(struct rootfs_file *f)
{
	bool last;

	if (!f)
		return NULL;
	pthread_mutex_lock(&files.lock);
	last = --f->refs == 0;
	pthread_mutex_unlock(&files.lock);
	if (!last)
		return NULL;
	if (f->fd >= 0)
		close(f->fd);
	rootfs_volume_put(f->v);
	free(f);
	return NULL;
}

/* ---- giving descriptors to the holder ---- */

static void store(struct rootfs_file *f)
{
	bool wanted;

	pthread_mutex_lock(&files.lock);
	wanted = f->listed && !f->stored && f->fd >= 0;
	f->stored |= wanted;
	pthread_mutex_unlock(&files.lock);
	if (!wanted)
		return;
	if (holder_store_fd(HANDLE_BIT | f->fh, f->fd) < 0)
		return;		/* then it will be opened again by its name */
	pthread_mutex_lock(&files.lock);
	wanted = f->listed;
	pthread_mutex_unlock(&files.lock);
	if (!wanted)
		holder_drop_fd(HANDLE_BIT | f->fh);
}

static void store_old(void *arg);

static void add_fresh(struct rootfs_file *f)
{
	f->next_fresh = NULL;
	f->prev_fresh = files.fresh_end;
	*files.fresh_end = f;
	files.fresh_end = &f->next_fresh;
	if (!files.timer)
		files.timer = watch_timer(STORE_AFTER * 1000, store_old, NULL) > 0;
}

/* One that has been open for a while, with a reference. */
static struct rootfs_file *next_old(long now)
{
	struct rootfs_file *f;
	HOLD_LOCK(&files.lock);

	f = files.fresh;
	if (!f || now - f->opened <= STORE_AFTER)
		return NULL;
	drop_fresh(f);
	f->refs++;
	return f;
}

static void store_old(void *arg)
{
	struct rootfs_file *f;

	(void)arg;
	while ((f = next_old(rootfs_now()))) {
		store(f);
		rootfs_file_put(f);
	}
	HOLD_LOCK(&files.lock);
	files.timer = files.fresh && watch_timer(STORE_AFTER * 1000, store_old, NULL) > 0;
}

/* ---- opening, finding, closing ---- */

static void save(const struct rootfs_file *f)
{
	struct file_record r = {
		.ino = f->ino, .unique = f->unique, .object = f->v->o->id, .slot = f->v->slot, .flags = (uint32_t)f->flags,
	};

	(void)keep_put(KEEP_ROOTFS, HANDLE_BIT | f->fh, &r, sizeof(r));
}

int rootfs_file_new(const struct caller *who, uint64_t ino, int fd, int flags, struct rootfs_volume *v, uint64_t *ret)
{
	struct rootfs_file *f = calloc(1, sizeof(*f));
	uint64_t fh = f ? rootfs_number(ROOTFS_COUNT_HANDLES) : 0;

	if (!fh) {
		free(f);
		close(fd);
		return -ENFILE;
	}
	f->fh = fh;
	f->ino = ino;
	f->fd = fd;
	f->flags = flags & ~(O_CREAT | O_EXCL | O_TRUNC);
	f->v = rootfs_volume_ref(v);
	f->refs = 1;	/* the table's */
	f->unique = who->unique;
	f->opened = rootfs_now();
	save(f);
	pthread_mutex_lock(table());
	list_file(f);
	add_fresh(f);
	pthread_mutex_unlock(&files.lock);
	*ret = fh;
	return 0;
}

uint64_t rootfs_file_again(const struct caller *who)
{
	if (!who->again)
		return 0;
	HOLD_LOCK(table());
	for (unsigned i = 0; i < FILES_BUCKETS; i++) {
		for (struct rootfs_file *f = files.buckets[i]; f; f = f->next) {
			if (f->unique == who->unique)
				return f->fh;
		}
	}
	return 0;
}

static struct rootfs_file *find(uint64_t fh)
{
	struct rootfs_file *f;
	HOLD_LOCK(table());

	for (f = files.buckets[fh % FILES_BUCKETS]; f && f->fh != fh; f = f->next)
		;
	if (f)
		f->refs++;
	return f;
}

/* A handle that an earlier server opened: its volume and its descriptor. */
static int revive(struct rootfs_file *f)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL, *of_node = NULL;
	_cleanup_close_ int fd = -1, path = -1;
	struct file_record r;
	int res;

	if (!keep_get_struct(KEEP_ROOTFS, HANDLE_BIT | f->fh, &r, sizeof(r)))
		return -ESTALE;
	res = rootfs_volume_get(r.object, r.slot, &v, NULL);
	if (res < 0)
		return res;
	fd = holder_fetch_fd(HANDLE_BIT | f->fh);
	if (fd < 0) {
		path = rootfs_open_named(f->ino, &of_node);
		if (path < 0)
			return path;
		fd = rootfs_reopen(path, f->flags);
		if (fd < 0)
			return fd;
	}
	HOLD_LOCK(&files.lock);
	if (f->fd < 0) {
		f->fd = steal_fd(&fd);
		f->v = steal_pointer(&v);
		f->stored = path < 0;
		f->opened = rootfs_now();
		if (!f->stored && f->listed)
			add_fresh(f);
	}
	return 0;
}

int rootfs_file_get(uint64_t fh, struct rootfs_file **ret)
{
	struct rootfs_file *f = find(fh);
	bool ready;
	int r = 0;

	if (!f)
		return -ESTALE;
	pthread_mutex_lock(&files.lock);
	ready = f->fd >= 0;
	pthread_mutex_unlock(&files.lock);
	if (!ready)
		r = revive(f);
	if (r < 0) {
		rootfs_file_put(f);
		return r;
	}
	*ret = f;
	return 0;
}

/* A handle of that node behind the given one, in the order of the table; 0: none. */
static uint64_t next_of(uint64_t ino, uint64_t after)
{
	bool passed = !after;
	HOLD_LOCK(table());

	for (unsigned i = after % FILES_BUCKETS; *open_count(ino) && i < FILES_BUCKETS; i++) {
		for (struct rootfs_file *f = files.buckets[i]; f; f = f->next) {
			if (passed && f->ino == ino)
				return f->fh;
			passed = passed || f->fh == after;
		}
		passed = true;
	}
	return 0;
}

/* Those of an earlier server too, which may not have given them away: now they can still be opened by name. */
void rootfs_file_secure(uint64_t ino)
{
	struct rootfs_file *f;

	for (uint64_t fh = ino ? next_of(ino, 0) : 0; fh; fh = next_of(ino, fh)) {
		if (rootfs_file_get(fh, &f) < 0)
			continue;
		store(f);
		rootfs_file_put(f);
	}
}

void rootfs_file_release(uint64_t fh)
{
	struct rootfs_file *f = find(fh);
	bool was, stored;

	if (!f)
		return;
	pthread_mutex_lock(&files.lock);
	was = f->listed;
	stored = f->stored;
	if (was)
		unlist_file(f);
	pthread_mutex_unlock(&files.lock);
	if (was) {
		(void)keep_del(KEEP_ROOTFS, HANDLE_BIT | fh);
		if (f->flags & O_APPEND)
			(void)keep_del(KEEP_ROOTFS, APPEND_BIT | fh);
		if (stored)
			holder_drop_fd(HANDLE_BIT | fh);
		rootfs_file_put(f);
	}
	rootfs_file_put(f);
}

int rootfs_file_of(uint64_t ino, struct rootfs_volume **ret_v)
{
	uint64_t fh = 0;
	struct rootfs_file *f;
	struct rootfs_fd_path p;
	int fd, r;

	{
		HOLD_LOCK(table());
		for (unsigned i = 0; *open_count(ino) && i < FILES_BUCKETS && !fh; i++) {
			for (f = files.buckets[i]; f && !fh; f = f->next) {
				if (f->ino == ino)
					fh = f->fh;
			}
		}
	}
	r = fh ? rootfs_file_get(fh, &f) : -ESTALE;
	if (r < 0)
		return r;
	p = rootfs_fd_path(f->fd);
	fd = open(p.s, O_PATH | O_CLOEXEC);
	r = fd < 0 ? -errno : fd;
	if (fd >= 0)
		*ret_v = rootfs_volume_ref(f->v);
	rootfs_file_put(f);
	return r;
}

/* ---- appending ---- */

/* How much of data stands behind offset already; len when all of it does, wherever others appended in between. */
static size_t appended_before(int fd, uint64_t offset, const char *data, size_t len)
{
	_cleanup_free_ char *there = malloc(len + APPEND_SEARCH_MAX);
	ssize_t n = there ? pread(fd, there, len + APPEND_SEARCH_MAX, (off_t)offset) : 0;

	if (n <= 0)
		return 0;
	if (memmem(there, (size_t)n, data, len))
		return len;
	return (size_t)n < len && !memcmp(there, data, (size_t)n) ? (size_t)n : 0;
}

/* Reading needs a descriptor of its own: the file may be open for writing only. */
static size_t appended_by_earlier(struct rootfs_file *f, const struct caller *who, const char *data, size_t len)
{
	_cleanup_close_ int fd = -1;
	struct append_record r;

	if (!who->again || !keep_get_struct(KEEP_ROOTFS, APPEND_BIT | f->fh, &r, sizeof(r)) || r.unique != who->unique)
		return 0;
	fd = rootfs_reopen(f->fd, O_RDONLY);
	return fd < 0 ? 0 : appended_before(fd, r.size, data, len);
}

ssize_t rootfs_file_append(struct rootfs_file *f, const struct caller *who, const char *data, size_t len)
{
	size_t done = appended_by_earlier(f, who, data, len);
	struct append_record r = { .unique = who->unique };
	struct stat st;
	ssize_t n;

	if (done == len)
		return (ssize_t)len;
	if (!done) {
		if (fstat(f->fd, &st) < 0)
			return -errno;
		r.size = (uint64_t)st.st_size;
		(void)keep_put(KEEP_ROOTFS, APPEND_BIT | f->fh, &r, sizeof(r));
	}
	n = write(f->fd, data + done, len - done);
	return n < 0 ? -errno : (ssize_t)done + n;
}
