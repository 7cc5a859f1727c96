// SPDX-License-Identifier: LGPL-2.1-or-later
/* The state directory. Descriptors are set once by store_open(); ids.lock is a leaf. */
#include "backends/core/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/hash.h"
#include "backends/core/journal.h"
#include "backends/core/leftovers.h"

/* Object ids have 28 bits in an inode number. */
#define ID_MAX ((1u << 28) - 1)
/* The file `ids` is written once for that many objects. A crash skips what is left of them. */
#define ID_BLOCK 256
/* Without that file nobody knows which numbers were used by objects that are gone; this many are skipped. */
#define ID_GAP 4096
/* The server that was killed a moment ago may still be on its way out of the kernel. */
#define LOCK_TRIES 100
#define LOCK_PAUSE_NS 10000000

static struct {
	int fd, lock;
	int space[SPACE_MAX];
	char dir[PATH_MAX];
	char rundir[128];
} store = { .fd = -1, .lock = -1, .space = { -1, -1, -1, -1, -1 } };

static struct {
	pthread_mutex_t lock;
	uint32_t next, reserved;	/* reserved: first one that the file does not cover */
} ids = { .lock = PTHREAD_MUTEX_INITIALIZER };

int store_fd(void)
{
	return store.fd;
}

int store_space_fd(enum space s)
{
	return store.space[s];
}

const char *store_dir(void)
{
	return store.dir;
}

const char *store_rundir(void)
{
	return store.rundir;
}

int store_write_at(int fd, const void *data, size_t len, size_t at)
{
	for (size_t done = 0; done < len;) {
		ssize_t n = pwrite(fd, (const char *)data + done, len - done, (off_t)(at + done));

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n < 0 ? 0 : (size_t)n;
	}
	return 0;
}

int store_sync(int dirfd, struct err *e)
{
	return fsync(dirfd) < 0 ? err_sys(e, errno, "cannot write a directory of the store") : 0;
}

int store_sync_spaces(enum space a, enum space b, struct err *e)
{
	int r = store_sync(store.space[a], e);

	return r < 0 || a == b ? r : store_sync(store.space[b], e);
}

static int write_file(int dirfd, const char *name, const void *data, size_t len)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : store_write_at(fd, data, len, 0);

	return !r && fsync(fd) < 0 ? -errno : r;
}

int store_write_new(int dirfd, const char *name, const void *data, size_t len, struct err *e)
{
	int r = write_file(dirfd, name, data, len);

	return r < 0 ? err_sys(e, -r, "cannot write %s in the store", name) : store_sync(dirfd, e);
}

int store_write(int dirfd, const char *name, const void *data, size_t len, struct err *e)
{
	char tmp[NAME_MAX + 1];
	int r;

	snprintf(tmp, sizeof(tmp), "%s.tmp", name);
	r = write_file(dirfd, tmp, data, len);
	if (!r && renameat(dirfd, tmp, dirfd, name) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, tmp, 0);
		return err_sys(e, -r, "cannot write %s in the store", name);
	}
	return store_sync(dirfd, e);
}

int store_each_name(int dirfd, int (*f)(const char *name, uint64_t ino, unsigned char type, void *arg), void *arg)
{
	_cleanup_dir_ DIR *d = NULL;
	int fd = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;
	struct dirent *de;

	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		r = -errno;
		close(fd);
		return r;
	}
	for (;;) {
		errno = 0;
		de = readdir(d);
		if (!de)
			return -errno;
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		r = f(de->d_name, de->d_ino, de->d_type, arg);
		if (r)
			return r;
	}
}

static int read_number(int dirfd, const char *name, unsigned long *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = buf_read_file(&b, dirfd, name, 64);
	const char *s;
	char *end;

	if (r < 0)
		return r;
	s = buf_str(&b);
	errno = 0;
	*ret = strtoul(s, &end, 10);
	return errno || end == s || *s < '0' || *s > '9' || (*end && strcmp(end, "\n") != 0) ? -EINVAL : 0;
}

static int check_version(struct err *e)
{
	unsigned long v = 0;
	int r = read_number(store.fd, "version", &v);

	if (r == -ENOENT)
		return 0;
	if (r == -EINVAL)
		return err_set(e, EPROTO, "%s/version holds no number; this is no state directory of instfs", store.dir);
	if (r < 0)
		return err_sys(e, -r, "cannot read %s/version", store.dir);
	if (!v || v > STORE_VERSION)
		return err_set(e, EPROTO, "%s has format %lu; this instfs knows 1 to %d only and leaves it untouched", store.dir, v,
			       STORE_VERSION);
	return (int)v;
}

static int take_lock(struct err *e)
{
	const struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	unsigned long pid = 0;
	char text[32];

	store.lock = openat(store.fd, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (store.lock < 0)
		return err_sys(e, errno, "cannot make %s/lock", store.dir);
	for (int i = 0; flock(store.lock, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return err_sys(e, errno, "cannot lock %s", store.dir);
		if (i == LOCK_TRIES) {
			read_number(store.fd, "lock", &pid);
			return err_set(e, EBUSY, "another instfs (process %lu) has %s open", pid, store.dir);
		}
		nanosleep(&pause, NULL);
	}
	snprintf(text, sizeof(text), "%ld\n", (long)getpid());
	if (ftruncate(store.lock, 0) < 0 || pwrite(store.lock, text, strlen(text), 0) < 0)
		return 0;	/* the number is a courtesy */
	return 0;
}

static int open_spaces(struct err *e)
{
	for (int s = 0; s < SPACE_MAX; s++) {
		const char *name = space_name((enum space)s);

		if (mkdirat(store.fd, name, 0700) < 0 && errno != EEXIST)
			return err_sys(e, errno, "cannot make %s/%s", store.dir, name);
		store.space[s] = openat(store.fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (store.space[s] < 0)
			return err_sys(e, errno, "cannot open %s/%s", store.dir, name);
	}
	return 0;
}

/* The second format is the first one with a journal, without which what is found would be too old. */
static int open_journal(int version, struct err *e)
{
	int r = journal_open(version < STORE_VERSION, e), now = journal_is_used() ? STORE_VERSION : 1;
	char text[8];

	if (r < 0 || now <= version)
		return r;
	snprintf(text, sizeof(text), "%d\n", now);
	return store_write(store.fd, "version", text, strlen(text), e);
}

static int make_path(const char *path, mode_t mode)
{
	char part[PATH_MAX];

	for (const char *s = path + 1; s[-1]; s++) {
		if (*s && *s != '/')
			continue;
		snprintf(part, sizeof(part), "%.*s", (int)(s - path), path);
		if (mkdir(part, *s ? 0755 : mode) < 0 && errno != EEXIST)
			return -errno;
	}
	return 0;
}

/* The name is made of the path, so that the next daemon on this store finds the same mounts, and another store has its own. */
static int make_rundir(struct err *e)
{
	const char *base = "/run", *own = getenv("XDG_RUNTIME_DIR");
	uint64_t h = hash_bytes(HASH_INIT, store.dir, strlen(store.dir));
	int r;

	if (geteuid() != 0 && own && *own == '/' && strlen(own) < sizeof(store.rundir) - 32)
		base = own;
	snprintf(store.rundir, sizeof(store.rundir), "%s/instfs/%016llx", base, (unsigned long long)h);
	r = make_path(store.rundir, 0711);
	return r < 0 ? err_sys(e, -r, "cannot make the run directory %s", store.rundir) : 0;
}

static int open_dir(const char *dir, struct err *e)
{
	_cleanup_free_ char *real = NULL;

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the state directory %s", dir);
	real = realpath(dir, NULL);
	if (!real || strlen(real) > PATH_MAX - 2 * NAME_MAX)
		return err_sys(e, real ? ENAMETOOLONG : errno, "cannot open the state directory %s", dir);
	snprintf(store.dir, sizeof(store.dir), "%s", real);
	store.fd = open(real, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return store.fd < 0 ? err_sys(e, errno, "cannot open the state directory %s", real) : 0;
}

int store_open(const char *dir, struct err *e)
{
	int r = open_dir(dir, e), version = 0;

	if (!r)
		r = version = check_version(e);
	if (r >= 0)
		r = take_lock(e);
	if (!r)
		r = open_spaces(e);
	if (!r)
		r = leftovers_clean(LEFT_IN_STATE | LEFT_IN_SPACES, e);
	if (!r)
		r = open_journal(version, e);
	if (!r)
		r = make_rundir(e);
	if (r < 0)
		store_close();
	return r;
}

void store_close(void)
{
	int *fds[] = { &store.fd, &store.lock };

	journal_close();
	for (int s = 0; s < SPACE_MAX; s++) {
		cleanup_close(&store.space[s]);
		store.space[s] = -1;
	}
	for (int i = 0; i < 2; i++) {
		cleanup_close(fds[i]);
		*fds[i] = -1;
	}
	ids.next = ids.reserved = 0;
}

void store_ids_start(uint32_t above)
{
	unsigned long stored = 0;

	HOLD_LOCK(&ids.lock);
	if (read_number(store.fd, "ids", &stored) < 0 || stored > ID_MAX + ID_BLOCK)
		stored = above ? above + ID_GAP : 1;
	ids.next = stored > above ? (uint32_t)stored : above + 1;
	ids.reserved = ids.next;
}

int store_new_id(uint32_t *ret, struct err *e)
{
	HOLD_LOCK(&ids.lock);

	if (ids.next > ID_MAX)
		return err_set(e, ENOSPC, "all %u object numbers of this store are used up", ID_MAX);
	if (ids.next >= ids.reserved) {
		char text[32];
		int r;

		snprintf(text, sizeof(text), "%u\n", ids.next + ID_BLOCK);
		r = store_write(store.fd, "ids", text, strlen(text), e);
		if (r < 0)
			return r;
		ids.reserved = ids.next + ID_BLOCK;
	}
	*ret = ids.next++;
	return 0;
}
