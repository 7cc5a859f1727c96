// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The cache of directory descriptors, and how a node number becomes a descriptor. `dirs.lock` guards the cache and the
 * counts; it is not held over any system call on a file system.
 */
#include "fs/rootfs_place.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "backends/core/cleanup.h"
#include "backends/core/instance.h"
#include "backends/core/watch.h"
#include "fs/apart.h"
#include "fs/rootfs.h"
#include "fs/rootfs_file.h"
#include "fs/rootfs_held.h"

#define DIRS_MAX 512
#define DIRS_BUCKETS 512
#define DEPTH_MAX 4096		/* levels between a directory and the nearest one in the cache */
#define IDLE_SECONDS 4
#define TICK_MAX_NS 20000000L

static struct {
	pthread_mutex_t lock;
	struct rootfs_dir *buckets[DIRS_BUCKETS];
	struct rootfs_dir *newest, *oldest;
	unsigned count;
	bool timer;
} dirs = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- cache; functions with a leading verb are called with the lock held ---- */

static struct rootfs_dir **slot_of(uint64_t ino)
{
	return &dirs.buckets[(ino ^ ino >> 9 ^ ino >> 24) % DIRS_BUCKETS];
}

static void detach(struct rootfs_dir *d)
{
	struct rootfs_dir **p = slot_of(d->ino);

	while (*p != d)
		p = &(*p)->next;
	*p = d->next;
	*(d->newer ? &d->newer->older : &dirs.newest) = d->older;
	*(d->older ? &d->older->newer : &dirs.oldest) = d->newer;
	d->cached = false;
	dirs.count--;
}

static void attach_newest(struct rootfs_dir *d)
{
	struct rootfs_dir **p = slot_of(d->ino);

	d->next = *p;
	*p = d;
	d->newer = NULL;
	d->older = dirs.newest;
	*(dirs.newest ? &dirs.newest->newer : &dirs.oldest) = d;
	dirs.newest = d;
	d->cached = true;
	dirs.count++;
}

static void dir_free(struct rootfs_dir *d)
{
	close(d->fd);
	rootfs_volume_put(d->v);
	free(d);
}

struct rootfs_dir *rootfs_dir_put(struct rootfs_dir *d)
{
	bool last;

	if (!d)
		return NULL;
	pthread_mutex_lock(&dirs.lock);
	last = --d->refs == 0;
	pthread_mutex_unlock(&dirs.lock);
	if (last)
		dir_free(d);
	return NULL;
}

/* Drops the cache's own reference. */
static void uncache(struct rootfs_dir *d)
{
	bool was;

	pthread_mutex_lock(&dirs.lock);
	was = d->cached;
	if (was)
		detach(d);
	pthread_mutex_unlock(&dirs.lock);
	if (was)
		rootfs_dir_put(d);
}

static void idle(void *arg)
{
	struct rootfs_dir *d;
	long now = rootfs_now();

	(void)arg;
	for (;;) {
		pthread_mutex_lock(&dirs.lock);
		d = dirs.oldest;
		if (!d || now - d->used < IDLE_SECONDS)
			break;
		detach(d);
		pthread_mutex_unlock(&dirs.lock);
		rootfs_dir_put(d);
	}
	dirs.timer = d && watch_timer(IDLE_SECONDS * 1000, idle, NULL) > 0;
	pthread_mutex_unlock(&dirs.lock);
}

static struct rootfs_dir *cache_find(uint64_t ino)
{
	struct rootfs_dir *d;
	HOLD_LOCK(&dirs.lock);

	for (d = *slot_of(ino); d && d->ino != ino; d = d->next)
		;
	if (d) {
		detach(d);
		attach_newest(d);
		d->used = rootfs_now();
		d->refs++;
	}
	return d;
}

/* Takes over fd and a reference of v; returns it with a reference for the caller. */
static struct rootfs_dir *cache_add(uint64_t ino, int fd, struct rootfs_volume *v)
{
	struct rootfs_dir *d = calloc(1, sizeof(*d)), *old = NULL;

	if (!d) {
		close(fd);
		rootfs_volume_put(v);
		return NULL;
	}
	*d = (struct rootfs_dir){ .ino = ino, .fd = fd, .v = v, .refs = 2, .used = rootfs_now() };
	pthread_mutex_lock(&dirs.lock);
	attach_newest(d);
	if (dirs.count > DIRS_MAX) {
		old = dirs.oldest;
		detach(old);
	}
	if (!dirs.timer)
		dirs.timer = watch_timer(IDLE_SECONDS * 1000, idle, NULL) > 0;
	pthread_mutex_unlock(&dirs.lock);
	rootfs_dir_put(old);
	return d;
}

/* ---- walking ---- */

static int open_beneath(int dirfd, const char *name, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC | O_NOFOLLOW,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, dirfd, name, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

uint64_t rootfs_shown_ino(const struct rootfs_volume *v, uint64_t dev, uint64_t ino)
{
	if (!dev && ino == v->root_ino)
		return rootfs_node_root(v->o->id, v->slot);
	return rootfs_identity(v->o->id, v->slot, dev, ino);
}

uint64_t rootfs_identity_of(const struct rootfs_volume *v, const struct statx *sx)
{
	uint64_t dev = (uint64_t)sx->stx_dev_major << 32 | sx->stx_dev_minor;

	return rootfs_shown_ino(v, dev == v->dev ? 0 : dev, sx->stx_ino);
}

static bool same_file(const struct rootfs_volume *v, const struct rootfs_node *n, const struct statx *sx)
{
	return (sx->stx_mode & S_IFMT) == n->type && rootfs_identity_of(v, sx) == n->identity;
}

int rootfs_stat(int dirfd, const char *name, struct statx *ret)
{
	if (statx(dirfd, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH), ROOTFS_STATX, ret) < 0)
		return -errno;
	return 0;
}

/* Opens O_PATH what a node means, in its parent's directory. */
static int open_verified(const struct rootfs_volume *v, int dirfd, const struct rootfs_node *n)
{
	_cleanup_close_ int fd = open_beneath(dirfd, n->name, O_PATH);
	struct statx sx;
	int r;

	if (fd < 0)
		return fd == -ENOENT || fd == -ENOTDIR || fd == -EXDEV ? -ESTALE : fd;
	r = rootfs_stat(fd, "", &sx);
	if (r < 0)
		return r;
	return same_file(v, n, &sx) ? steal_fd(&fd) : -ESTALE;
}

static int open_root_dir(uint64_t ino, const struct rootfs_node *n, struct rootfs_dir **ret)
{
	struct rootfs_volume *v;
	int fd, r = rootfs_volume_get(n->object, n->slot, &v, NULL);

	if (r < 0)
		return r;
	fd = fcntl(v->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0) {
		r = -errno;
		rootfs_volume_put(v);
		return r;
	}
	*ret = cache_add(ino, fd, v);
	return *ret ? 0 : -ENOMEM;
}

/*
 * Another directory may stand there under the same number: the guest removed it and made one, and the inode
 * number was used again.
 */
static bool is_removed(const struct rootfs_dir *d)
{
	struct stat st;

	return fstat(d->fd, &st) < 0 || st.st_nlink == 0;
}

/* A directory from the cache, unless it was removed or its file system is not mounted any more. */
static struct rootfs_dir *cached_dir(uint64_t ino)
{
	struct rootfs_dir *d = cache_find(ino);

	if (d && (!rootfs_volume_current(d->v) || is_removed(d))) {
		uncache(d);
		d = rootfs_dir_put(d);
	}
	return d;
}

/* One level down; drops the reference to the parent. */
static int step(struct rootfs_dir *parent, uint64_t ino, struct rootfs_dir **ret)
{
	_cleanup_place_ struct rootfs_dir *p = parent;
	struct rootfs_node n;
	int fd;

	if (!rootfs_node_get(ino, &n))
		return -ESTALE;
	fd = open_verified(p->v, p->fd, &n);
	if (fd < 0)
		return fd;
	*ret = cache_add(ino, fd, rootfs_volume_ref(p->v));
	return *ret ? 0 : -ENOMEM;
}

static int dir_by_name(uint64_t ino, struct rootfs_dir **ret)
{
	_cleanup_free_ uint64_t *chain = NULL;
	struct rootfs_dir *d = NULL;
	struct rootfs_node n;
	size_t depth = 0;
	int r = 0;

	ino = rootfs_node_plain(ino);
	while (!(d = cached_dir(ino))) {
		if (!rootfs_node_get(ino, &n) || n.unlinked)
			r = -ESTALE;
		else if (n.type != S_IFDIR)
			r = -ENOTDIR;
		else if (!n.parent)
			r = open_root_dir(ino, &n, &d);
		else if (depth >= DEPTH_MAX)
			r = -ELOOP;	/* or records that the guest's renames made circular */
		if (r < 0 || d)
			break;
		if (!(depth & (depth - 1))) {
			uint64_t *more = realloc(chain, (depth ? depth * 2 : 1) * sizeof(*chain));

			if (!more) {
				r = -ENOMEM;
				break;
			}
			chain = more;
		}
		chain[depth++] = ino;
		ino = n.parent;
	}
	while (r == 0 && depth)
		r = step(d, chain[--depth], &d);
	if (r == 0)
		*ret = d;
	return r;
}

/* One that was removed. It does not stand in the cache: nothing below it can be found, and its number tells it from others. */
static int dir_held(uint64_t ino, struct rootfs_dir **ret)
{
	struct rootfs_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return -ENOMEM;
	*d = (struct rootfs_dir){ .ino = ino, .refs = 1 };
	d->fd = rootfs_held_get(ino, &d->v);
	if (d->fd < 0) {
		free(d);
		return -ESTALE;
	}
	*ret = d;
	return 0;
}

int rootfs_dir_get(uint64_t ino, struct rootfs_dir **ret)
{
	int r = dir_by_name(ino, ret);

	return r == -ESTALE ? dir_held(ino, ret) : r;
}

int rootfs_dir_get_write(uint64_t ino, struct rootfs_dir **ret)
{
	struct rootfs_dir *d;
	int r = rootfs_dir_get(ino, &d);

	if (r < 0)
		return r;
	if (d->v->read_only) {
		rootfs_dir_put(d);
		return -EROFS;
	}
	*ret = d;
	return 0;
}

int rootfs_open_named(uint64_t ino, struct rootfs_volume **ret_v)
{
	_cleanup_place_ struct rootfs_dir *d = NULL;
	struct rootfs_node n;
	int fd, r;

	if (!rootfs_node_get(ino, &n) || n.unlinked)
		return -ESTALE;
	if (n.type == S_IFDIR) {
		r = dir_by_name(ino, &d);
		fd = r < 0 ? r : fcntl(d->fd, F_DUPFD_CLOEXEC, 3);
		if (r == 0 && fd < 0)
			fd = -errno;
	} else {
		r = rootfs_dir_get(n.parent, &d);
		fd = r < 0 ? r : open_verified(d->v, d->fd, &n);
	}
	if (fd >= 0)
		*ret_v = rootfs_volume_ref(d->v);
	return fd;
}

int rootfs_open_node(uint64_t ino, struct rootfs_volume **ret_v)
{
	int fd = rootfs_open_named(ino, ret_v);

	if (fd == -ESTALE)
		fd = rootfs_file_of(ino, ret_v);
	return fd == -ESTALE ? rootfs_held_get(ino, ret_v) : fd;
}

static int stat_by_name(uint64_t ino, struct rootfs_volume **ret_v, struct statx *ret)
{
	_cleanup_place_ struct rootfs_dir *d = NULL;
	struct rootfs_node n;
	int r;

	if (!rootfs_node_get(ino, &n) || n.unlinked)
		return -ESTALE;
	r = dir_by_name(n.type == S_IFDIR ? ino : n.parent, &d);
	if (r == 0)
		r = rootfs_stat(d->fd, n.type == S_IFDIR ? "" : n.name, ret);
	if (r == 0 && n.type != S_IFDIR && !same_file(d->v, &n, ret))
		r = -ESTALE;
	if (r == 0)
		*ret_v = rootfs_volume_ref(d->v);
	return r == -ENOENT ? -ESTALE : r;
}

int rootfs_stat_node(uint64_t ino, struct rootfs_volume **ret_v, struct statx *ret)
{
	_cleanup_close_ int fd = -1;
	int r = stat_by_name(ino, ret_v, ret);

	if (r != -ESTALE)
		return r;
	fd = rootfs_open_node(ino, ret_v);
	return fd < 0 ? fd : rootfs_stat(fd, "", ret);
}

struct rootfs_fd_path rootfs_fd_path(int fd)
{
	struct rootfs_fd_path p;

	snprintf(p.s, sizeof(p.s), "/proc/self/fd/%d", fd);
	return p;
}

int rootfs_reopen(int path_fd, int flags)
{
	struct rootfs_fd_path p = rootfs_fd_path(path_fd);
	struct stat st;
	int fd;

	if (fstat(path_fd, &st) < 0)
		return -errno;
	if (S_ISLNK(st.st_mode))
		return -ELOOP;
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return -ENXIO;
	fd = open(p.s, (flags & ~O_NOFOLLOW) | O_CLOEXEC | O_NOCTTY);
	return fd < 0 ? -errno : fd;
}

/* ---- attributes ---- */

static struct timespec timespec_of(struct statx_timestamp t)
{
	return (struct timespec){ .tv_sec = t.tv_sec, .tv_nsec = t.tv_nsec };
}

/*
 * Most kernels' times move in ticks of some milliseconds, in which a guest can change a directory before and after it is listed. While
 * that is possible the mtime is another one each time, by less than a microsecond, so that no listing of these ticks is kept.
 */
static void set_apart(struct timespec *t)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec - t->tv_sec <= 1 && (now.tv_sec - t->tv_sec) * 1000000000L + now.tv_nsec - t->tv_nsec <= TICK_MAX_NS)
		apart(t);
}

double rootfs_attr(const struct rootfs_volume *v, const struct statx *sx, struct stat *ret)
{
	*ret = (struct stat){
		.st_ino = rootfs_identity_of(v, sx),
		.st_mode = sx->stx_mode,
		.st_nlink = sx->stx_nlink,
		.st_uid = rootfs_to_guest(v, false, sx->stx_uid),
		.st_gid = rootfs_to_guest(v, true, sx->stx_gid),
		.st_rdev = makedev(sx->stx_rdev_major, sx->stx_rdev_minor),
		.st_size = (off_t)sx->stx_size,
		.st_blksize = sx->stx_blksize,
		.st_blocks = (blkcnt_t)sx->stx_blocks,
		.st_atim = timespec_of(sx->stx_atime),
		.st_mtim = timespec_of(sx->stx_mtime),
		.st_ctim = timespec_of(sx->stx_ctime),
	};
	if (!S_ISDIR(sx->stx_mode) || v->slot || !instance_is_running(v->o))
		return rootfs_volume_timeout(v);
	set_apart(&ret->st_mtim);
	return 0;
}

uint32_t rootfs_birth(const struct statx *sx)
{
	if (!(sx->stx_mask & STATX_BTIME))
		return 0;
	return (uint32_t)sx->stx_btime.tv_sec * 2654435761u ^ sx->stx_btime.tv_nsec;
}

int rootfs_entry_from(struct rootfs_dir *d, const char *name, const struct statx *sx, uint64_t epoch,
		      struct fuse_entry_param *ret)
{
	struct rootfs_node n = {
		.parent = d->ino, .identity = rootfs_identity_of(d->v, sx), .object = d->v->o->id, .slot = d->v->slot,
		.birth = rootfs_birth(sx), .type = sx->stx_mode & S_IFMT, .epoch = epoch,
	};
	uint64_t ino;

	if (strlen(name) > NAME_MAX)
		return -ENAMETOOLONG;
	strcpy(n.name, name);
	ino = rootfs_node_found(&n, 1);
	if (ino == ROOTFS_LOOK_AGAIN)
		return -EAGAIN;
	if (!ino)
		return -ENOMEM;
	*ret = (struct fuse_entry_param){ .ino = ino };
	ret->entry_timeout = rootfs_volume_timeout(d->v);
	ret->attr_timeout = rootfs_attr(d->v, sx, &ret->attr);
	return 0;
}

int rootfs_entry(struct rootfs_dir *d, const char *name, struct fuse_entry_param *ret)
{
	uint64_t epoch;
	struct statx sx;
	int r;

	do {
		epoch = rootfs_node_epoch();
		r = rootfs_stat(d->fd, name, &sx);
		if (r == 0)
			r = rootfs_entry_from(d, name, &sx, epoch, ret);
	} while (r == -EAGAIN);
	return r;
}
