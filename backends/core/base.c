// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Bases: unpacked images, STATE/bases/FINGERPRINT/{metadata.yaml,rootfs,templates}. Beside them, with a dot: `.new-ID` is being
 * unpacked for the image object ID, `.old-*` is being deleted.
 *
 * There is no count of users that could go wrong: base_collect() asks everything that can refer to a base. `in_use` is
 * read-locked by whoever is about to record such a reference and write-locked while references are collected; it is
 * taken before any lock of an object. `collector` is one thread at most, its lock a leaf.
 */
#include "backends/core/base.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/leftovers.h"
#include "backends/core/tree.h"
#include "backends/core/watch.h"

static pthread_rwlock_t in_use = PTHREAD_RWLOCK_INITIALIZER;
static struct {
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool running, again;
} collector = { .lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER };

void base_hold(void)
{
	pthread_rwlock_rdlock(&in_use);
}

void base_release(void)
{
	pthread_rwlock_unlock(&in_use);
}

bool base_is_fingerprint(const char *s)
{
	return strlen(s) == 64 && strspn(s, "0123456789abcdef") == 64;
}

int base_dir(void)
{
	int fd = openat(model_dirfd(), "bases", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

void base_path(const char *fingerprint, char *buf, size_t size)
{
	snprintf(buf, size, "%s/bases/%s/rootfs", model_dir(), fingerprint);
}

int base_dirfd(const char *fingerprint)
{
	_cleanup_close_ int dir = base_dir();

	if (dir < 0)
		return dir;
	return base_is_fingerprint(fingerprint) ? tree_open(dir, fingerprint, O_RDONLY | O_DIRECTORY) : -ENOENT;
}

/* ---- making ---- */

/* Waits until nobody holds the lock of a directory that a child of an earlier server may still be filling. */
static int wait_unlocked(int fd)
{
	const struct timespec pause = { .tv_nsec = 100000000 };

	for (int i = 0; i < 100; i++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return 0;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

/* Renames to a name that nothing else uses, for deletion. */
static int move_aside(int from, const char *name, int dir)
{
	char to[64];

	for (unsigned i = 0; i < 1000; i++) {
		snprintf(to, sizeof(to), ".old-%.16s-%u", name[0] == '.' ? name + 1 : name, i);
		if (!syscall(SYS_renameat2, from, name, dir, to, 1 /* RENAME_NOREPLACE */))
			return 0;
		if (errno != EEXIST)
			return errno == ENOENT ? 0 : -errno;
	}
	return -EEXIST;
}

static int set_aside(int dir, const char *name)
{
	return move_aside(dir, name, dir);
}

static int set_aside_stage(int dir, const char *name, bool wait)
{
	_cleanup_close_ int fd = -1;
	char lock[48];
	int r;

	/* The unpacker's lock; without that file it has not begun. */
	snprintf(lock, sizeof(lock), "%s/.lock", name);
	fd = tree_open(dir, lock, O_RDWR);
	if (fd == -ENOENT)
		return set_aside(dir, name);
	if (fd < 0)
		return fd;
	r = wait ? wait_unlocked(fd) : flock(fd, LOCK_EX | LOCK_NB) < 0 ? -errno : 0;
	return r < 0 ? r : set_aside(dir, name);
}

int base_stage(uint32_t id, char *path, size_t size, struct err *e)
{
	_cleanup_close_ int dir = base_dir();
	char name[32];
	int r;

	if (dir < 0)
		return err_sys(e, -dir, "cannot open the directory of unpacked images");
	snprintf(name, sizeof(name), ".new-%u", id);
	r = set_aside_stage(dir, name, true);
	if (r == -EBUSY)
		return err_set(e, EBUSY, "an earlier unpacking of this image has not ended yet");
	if (r < 0)
		return err_sys(e, -r, "cannot set aside the rest of an earlier unpacking");
	if (mkdirat(dir, name, 0700) < 0)
		return err_sys(e, errno, "cannot make a directory to unpack to");
	snprintf(path, size, "%s/bases/%s", model_dir(), name);
	return 0;
}

void base_unstage(uint32_t id)
{
	_cleanup_close_ int dir = base_dir();
	char name[32];

	snprintf(name, sizeof(name), ".new-%u", id);
	if (dir >= 0 && !set_aside_stage(dir, name, true))
		base_collect();
}

int base_install(uint32_t id, const char *fingerprint, struct err *e)
{
	_cleanup_close_ int dir = base_dir();
	char name[32], lock[48];

	if (dir < 0)
		return err_sys(e, -dir, "cannot open the directory of unpacked images");
	snprintf(name, sizeof(name), ".new-%u", id);
	if (!faccessat(dir, fingerprint, F_OK, AT_SYMLINK_NOFOLLOW)) {
		set_aside(dir, name);
		base_collect();
		return 0;
	}
	snprintf(lock, sizeof(lock), "%s/.lock", name);
	unlinkat(dir, lock, 0);
	if (syncfs(dir) < 0 || renameat(dir, name, dir, fingerprint) < 0 || fsync(dir) < 0)
		return err_sys(e, errno, "cannot put the unpacked image in its place");
	return 0;
}

/* ---- collecting ---- */

struct references {
	char (*list)[65];
	size_t n, cap;
	bool failed;		/* could not ask everybody: nothing may be deleted */
};

static void add_reference(const char *fingerprint, void *arg)
{
	struct references *refs = arg;

	if (refs->n == refs->cap) {
		size_t cap = refs->cap ? refs->cap * 2 : 64;
		void *p = realloc(refs->list, cap * sizeof(*refs->list));

		if (!p) {
			refs->failed = true;
			return;
		}
		refs->list = p;
		refs->cap = cap;
	}
	snprintf(refs->list[refs->n++], sizeof(*refs->list), "%s", fingerprint);
}

static int add_image(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = object_get(id);
	struct references *refs = arg;
	char fingerprint[80];

	if (!o)
		refs->failed = true;
	else if (object_value(o, ENT_FIELD, "fingerprint", fingerprint, sizeof(fingerprint)))
		add_reference(fingerprint, refs);
	return refs->failed;
}

static void add_space(enum space s, struct references *refs)
{
	_cleanup_dir_ DIR *d = NULL;
	struct dirent *de;
	int fd = openat(model_dirfd(), space_name(s), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0) {
		refs->failed = refs->failed || errno != ENOENT;
		return;
	}
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		refs->failed = true;
		return;
	}
	while (errno = 0, (de = readdir(d))) {
		struct volume v = { .snap = "" };

		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		if ((size_t)snprintf(v.dir, sizeof(v.dir), "%s/%s/%s", model_dir(), space_name(s), de->d_name) >= sizeof(v.dir) ||
		    storage_each_base(&v, add_reference, refs) < 0)
			refs->failed = true;
	}
	if (errno)
		refs->failed = true;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* A record that image_init() could not complete (a full disk) refers to a base as well; until it can, nothing is deleted. */
static bool has_commit(DIR *d)
{
	struct dirent *de;
	bool found = false;

	while (!found && (de = readdir(d)))
		found = !strncmp(de->d_name, ".commit-", 8);
	rewinddir(d);
	return found;
}

/* Sets aside each base that nothing refers to. */
static void retire_unused(int dir, DIR *d)
{
	struct references refs = { .n = 0 };
	struct dirent *de;

	pthread_rwlock_wrlock(&in_use);
	refs.failed = has_commit(d);
	object_each(SPACE_IMAGES, 0, add_image, &refs);
	add_space(SPACE_INSTANCES, &refs);
	add_space(SPACE_TRASH, &refs);
	if (refs.n)
		qsort(refs.list, refs.n, sizeof(*refs.list), compare);
	while (!refs.failed && (de = readdir(d))) {
		if (!base_is_fingerprint(de->d_name))
			continue;
		if (!refs.n || !bsearch(de->d_name, refs.list, refs.n, sizeof(*refs.list), compare))
			set_aside(dir, de->d_name);
	}
	pthread_rwlock_unlock(&in_use);
	free(refs.list);
}

static void collect_once(void)
{
	_cleanup_dir_ DIR *d = NULL;
	struct dirent *de;
	int fd;

	fd = base_dir();
	if (fd < 0)
		return;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return;
	}
	retire_unused(fd, d);
	rewinddir(d);
	while ((de = readdir(d))) {
		if (!strncmp(de->d_name, ".old-", 5))
			tree_remove(fd, de->d_name, NULL);
	}
}

static bool wanted_again(void)
{
	HOLD_LOCK(&collector.lock);

	collector.running = collector.again;
	collector.again = false;
	if (!collector.running)
		pthread_cond_broadcast(&collector.ended);
	return collector.running;
}

static void *collect(void *arg)
{
	do {
		collect_once();
	} while (wanted_again());
	return NULL;
}

void base_collect(void)
{
	HOLD_LOCK(&collector.lock);

	collector.again = collector.running;
	if (collector.running)
		return;
	collector.running = !watch_thread(collect, NULL);
	/* Without a thread what is unused stays until the next time. */
	if (!collector.running)
		fprintf(stderr, "instfs: cannot start a thread to delete unused images\n");
}

void base_wait(void)
{
	HOLD_LOCK(&collector.lock);

	while (collector.running)
		pthread_cond_wait(&collector.ended, &collector.lock);
}

int base_drop(int dirfd, const char *name, struct err *e)
{
	_cleanup_close_ int dir = base_dir();
	int r = dir < 0 ? dir : move_aside(dirfd, name, dir);

	return r < 0 ? err_sys(e, -r, "cannot set aside %s", name) : 0;
}

int base_drop_stage(int dirfd, const char *name, struct err *e)
{
	int r = set_aside_stage(dirfd, name, false);

	return r < 0 && r != -EWOULDBLOCK ? err_sys(e, -r, "cannot set aside %s", name) : 0;
}

int base_init(struct err *e)
{
	if (mkdirat(model_dirfd(), "bases", 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the directory of unpacked images");
	return leftovers_clean(LEFT_IN_BASES, e);
}
