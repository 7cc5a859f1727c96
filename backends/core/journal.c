// SPDX-License-Identifier: LGPL-2.1-or-later
/* The journal of the store; its format stands in journal.h. Everything is guarded by journal.lock, which comes after object.save. */
#include "backends/core/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "backends/core/cleanup.h"
#include "backends/core/hash.h"
#include "backends/core/store.h"
#include "backends/core/watch.h"

#define NAME "journal"
#define FILE_NAME "object.json"
#define TMP_NAME FILE_NAME ".tmp"
#define BLOCK 4096u		/* no record shares a sector with another one, so that a torn write harms itself only */
#define SIZE (128 * BLOCK)
#define HEAD "instfs-journal "
#define HEAD_MAX 256		/* of the first line */
#define DIR_MAX 160
#define SETTLE_AFTER 1000	/* ms */
#define SETTLE_AGAIN 10000	/* after a failure */

static struct {
	pthread_mutex_t lock;
	int fd;
	uint64_t epoch;
	unsigned number;	/* of the newest record, 0: there is none */
	size_t end;		/* where the next one goes */
	struct buf dirs;	/* directories for which records stand in, each ended by NUL */
	bool behind;		/* a sync failed: the files are to be written again, the kernel may have dropped their data */
	bool armed;
} journal = { .lock = PTHREAD_MUTEX_INITIALIZER, .fd = -1 };

struct record_at {
	uint64_t epoch;
	unsigned number;
	size_t len;
	char dir[DIR_MAX];
	const char *text;
};

/* ---- format ---- */

static size_t blocks(size_t len)
{
	return (len + BLOCK - 1) / BLOCK * BLOCK;
}

static int print(struct buf *b, uint64_t epoch, unsigned number, const char *dir, const void *text, size_t len)
{
	const size_t covered = strlen(HEAD) + 17;
	char sum[24];

	buf_addf(b, HEAD "%016x %016" PRIx64 " %u %zu %s\n", 0, epoch, number, len, dir);
	buf_add(b, text, len);
	if (buf_error(b))
		return -ENOMEM;
	snprintf(sum, sizeof(sum), "%016" PRIx64, hash_bytes(HASH_INIT, b->data + covered, b->len - covered));
	memcpy(b->data + strlen(HEAD), sum, 16);
	buf_resize(b, blocks(b->len));
	return buf_error(b);
}

static bool parse(const char *s, size_t size, struct record_at *ret)
{
	const size_t covered = strlen(HEAD) + 17;
	char line[HEAD_MAX];
	size_t head;
	uint64_t sum;

	snprintf(line, sizeof(line), "%.*s", size < HEAD_MAX ? (int)size : HEAD_MAX - 1, s);
	head = strcspn(line, "\n") + 1;
	line[head - 1] = '\0';
	if (sscanf(line, HEAD "%16" SCNx64 " %16" SCNx64 " %u %zu %159s", &sum, &ret->epoch, &ret->number, &ret->len, ret->dir) != 5)
		return false;
	ret->text = s + head;
	return head < size && ret->len <= size - head && sum == hash_bytes(HASH_INIT, s + covered, head + ret->len - covered);
}

struct records {
	struct record_at list[SIZE / BLOCK];
	size_t n, end;
	uint64_t epoch;
};

/* The records that count, at most max; false when not even the mark at the beginning is whole. */
static bool scan(const struct buf *b, size_t max, struct records *ret)
{
	struct record_at x;

	ret->n = 0;
	ret->end = BLOCK;
	if (!parse(buf_str(b), b->len, &x) || x.number)
		return false;
	ret->epoch = x.epoch;
	while (ret->n < max && ret->end < b->len && parse(b->data + ret->end, b->len - ret->end, &x) && x.epoch == ret->epoch &&
	       x.number == ret->n + 1) {
		ret->list[ret->n++] = x;
		ret->end += blocks((size_t)(x.text - (b->data + ret->end)) + x.len);
	}
	return true;
}

/* ---- files ---- */

static int open_dir(const char *dir)
{
	int fd = openat(store_fd(), dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Not cut to nothing first: what it has of a full disk stays its own. */
static int fill_tmp(int dirfd, const char *text, size_t len)
{
	_cleanup_close_ int fd = openat(dirfd, TMP_NAME, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int r = fd < 0 ? -errno : store_write_at(fd, text, len, 0);

	return !r && lseek(fd, 0, SEEK_END) > (off_t)len && ftruncate(fd, (off_t)len) < 0 ? -errno : r;
}

static bool is_there(int dirfd, const struct record_at *x)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	return !buf_read_file(&b, dirfd, FILE_NAME, STORE_FILE_MAX) && b.len == x->len && !memcmp(buf_str(&b), x->text, x->len);
}

/* A directory that somebody removed while the daemon was away needs nothing. */
static int bring(const struct record_at *x, bool again)
{
	_cleanup_close_ int fd = open_dir(x->dir);
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (!again && is_there(fd, x))
		return unlinkat(fd, TMP_NAME, 0) < 0 && errno != ENOENT ? -errno : 0;
	r = fill_tmp(fd, x->text, x->len);
	return !r && renameat(fd, TMP_NAME, fd, FILE_NAME) < 0 ? -errno : r;
}

static bool is_newest(const struct records *all, size_t i)
{
	for (size_t k = i + 1; k < all->n; k++)
		if (!strcmp(all->list[k].dir, all->list[i].dir))
			return false;
	return true;
}

/* Puts the newest record of each object in its place, without syncing anything; the records stay. */
static int bring_all(const struct records *all, bool again)
{
	int r = 0;

	for (size_t i = 0; !r && i < all->n; i++)
		if (is_newest(all, i))
			r = bring(&all->list[i], again);
	return r;
}

/* lock held. After a failure: files may be anything, the records are right. */
static int bring_again(bool again)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ struct records *all = malloc(sizeof(*all));
	int r = all ? buf_read_file(&b, store_fd(), NAME, SIZE) : -ENOMEM;

	if (!r)
		r = scan(&b, journal.number, all) && all->n == journal.number ? bring_all(all, again) : -EIO;
	return r;
}

/* ---- settling ---- */

#define EACH_DIR(d, list) (const char *d = buf_str(list); d < buf_str(list) + (list)->len; d += strlen(d) + 1)

/* lock held */
static bool speaks_of(const char *dir)
{
	for EACH_DIR(d, &journal.dirs)
		if (!strcmp(d, dir))
			return true;
	return false;
}

static int put_in_place(const char *dir)
{
	_cleanup_close_ int fd = open_dir(dir);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return renameat(fd, TMP_NAME, fd, FILE_NAME) < 0 && errno != ENOENT ? -errno : 0;
}

static int sync_dir(const char *dir)
{
	_cleanup_close_ int fd = open_dir(dir), f = -1;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	f = openat(fd, FILE_NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (f < 0)
		return errno == ENOENT ? 0 : -errno;
	return fsync(f) < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int each_dir(const struct buf *dirs, int (*f)(const char *dir))
{
	int r = buf_error(dirs);

	for EACH_DIR(d, dirs)
		if (!r)
			r = f(d);
	return r;
}

/* lock held; all that the records say is on disk. A mark that is half on disk ends the records as a whole one does. */
static int begin_epoch(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t epoch;
	int r = getrandom(&epoch, sizeof(epoch), 0) == sizeof(epoch) ? print(&b, epoch, 0, "-", "", 0) : -EIO;

	if (!r)
		r = store_write_at(journal.fd, b.data, b.len, 0);
	if (!r && fdatasync(journal.fd) < 0)
		r = -errno;
	/* No room, until it is known which epoch is on disk. */
	journal.end = r ? SIZE : BLOCK;
	if (r)
		return r;
	journal.epoch = epoch;
	journal.number = 0;
	buf_reset(&journal.dirs);
	return 0;
}

/* lock held */
static int prepare(void)
{
	int r = journal.behind ? bring_again(true) : 0;

	if (!r)
		r = each_dir(&journal.dirs, put_in_place);
	journal.behind = r < 0;
	return r;
}

static int settle_error(int r, struct err *e)
{
	return r < 0 ? err_sys(e, -r, "cannot bring files of the store up to date with its journal") : 0;
}

/* lock held */
static int settle(struct err *e)
{
	int r = prepare();

	if (!r) {
		r = each_dir(&journal.dirs, sync_dir);
		journal.behind = r < 0;
	}
	if (!r)
		r = begin_epoch();
	return settle_error(r, e);
}

int journal_settle(const char *dir, struct err *e)
{
	HOLD_LOCK(&journal.lock);

	return journal.fd >= 0 && speaks_of(dir) ? settle(e) : 0;
}

int journal_settle_all(struct err *e)
{
	_cleanup_buf_ struct buf dirs = BUF_INIT;
	uint64_t epoch;
	unsigned number;
	int r = 0;

	{
		HOLD_LOCK(&journal.lock);
		if (journal.fd < 0 || !journal.dirs.len)
			return 0;
		r = prepare();
		buf_add(&dirs, journal.dirs.data, journal.dirs.len);
		epoch = journal.epoch;
		number = journal.number;
	}
	if (!r)
		r = each_dir(&dirs, sync_dir);
	HOLD_LOCK(&journal.lock);
	if (journal.fd < 0 || journal.epoch != epoch)
		return 0;
	journal.behind |= r < 0;
	if (!r && journal.number == number)
		r = begin_epoch();
	return settle_error(r, e);
}

static void arm(unsigned ms);

static void *follow(void *arg)
{
	int r = journal_settle_all(NULL);

	HOLD_LOCK(&journal.lock);
	journal.armed = false;
	if (journal.dirs.len)
		arm(r < 0 ? SETTLE_AGAIN : SETTLE_AFTER);
	return arg;
}

static void due(void *arg)
{
	if (!watch_thread(follow, arg))
		return;
	HOLD_LOCK(&journal.lock);
	journal.armed = false;
	arm(SETTLE_AGAIN);
}

/* lock held */
static void arm(unsigned ms)
{
	if (!journal.armed)
		journal.armed = watch_timer(ms, due, NULL) > 0;
}

void journal_wake(void)
{
	HOLD_LOCK(&journal.lock);

	if (journal.dirs.len)
		arm(SETTLE_AFTER);
}

/* ---- saving ---- */

/* lock held */
static int append(const char *dir, const char *text, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = print(&b, journal.epoch, journal.number + 1, dir, text, len);

	/* From here on it may be found on disk, even when that fails. */
	if (!r && !speaks_of(dir))
		buf_add(&journal.dirs, dir, strlen(dir) + 1);
	if (!r)
		r = buf_error(&journal.dirs);
	if (!r)
		r = store_write_at(journal.fd, b.data, b.len, journal.end);
	if (!r && fdatasync(journal.fd) < 0)
		r = -errno;
	if (r)
		return r;
	journal.number++;
	journal.end += b.len;
	return 0;
}

/* lock held. object.json.tmp has what was refused; if the journal speaks of the object it must have what was accepted before. */
static void take_back(int dirfd, bool spoken)
{
	if (!spoken)
		unlinkat(dirfd, TMP_NAME, 0);
	else if (bring_again(false) < 0)
		journal.behind = true;
}

int journal_save(const char *dir, const void *text, size_t len, struct err *e)
{
	const size_t size = blocks(HEAD_MAX + len);
	_cleanup_close_ int fd = open_dir(dir);
	bool spoken;
	int r = 0;

	if (fd < 0 || strlen(dir) >= DIR_MAX)
		return err_sys(e, fd < 0 ? -fd : ENAMETOOLONG, "cannot open the directory %s in the store", dir);
	HOLD_LOCK(&journal.lock);
	if (journal.fd >= 0 && journal.end + size > SIZE)
		r = settle(e);
	if (r)
		return r;
	if (journal.fd < 0 || journal.end + size > SIZE)
		return store_write(fd, FILE_NAME, text, len, e);
	spoken = speaks_of(dir);
	r = fill_tmp(fd, text, len);
	if (!r)
		r = append(dir, text, len);
	arm(SETTLE_AFTER);
	if (!r)
		return 0;
	take_back(fd, spoken);
	return err_sys(e, -r, "cannot write " FILE_NAME " in the store");
}

/* ---- opening ---- */

static int read_journal(struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_free_ struct records *all = malloc(sizeof(*all));
	int r = all ? buf_read_file(&b, store_fd(), NAME, SIZE) : -ENOMEM;

	if (r < 0)
		return r == -ENOENT ? r : err_sys(e, -r, "cannot read the journal of the store");
	journal.fd = openat(store_fd(), NAME, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (journal.fd < 0)
		return err_sys(e, errno, "cannot open the journal of the store");
	if (!scan(&b, SIZE / BLOCK, all))
		return settle_error(begin_epoch(), e);
	journal.epoch = all->epoch;
	journal.number = (unsigned)all->n;
	journal.end = all->end;
	for (size_t i = 0; i < all->n; i++)
		if (is_newest(all, i))
			buf_add(&journal.dirs, all->list[i].dir, strlen(all->list[i].dir) + 1);
	r = buf_error(&journal.dirs);
	return settle_error(r ? r : bring_all(all, false), e);
}

/* Written once as a whole: its blocks are never allocated again. */
static void make_journal(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_resize(&b, SIZE);
	if (buf_error(&b) || store_write(store_fd(), NAME, b.data, b.len, NULL) < 0)
		return;
	journal.fd = openat(store_fd(), NAME, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (journal.fd >= 0 && begin_epoch() < 0) {
		close(journal.fd);
		journal.fd = -1;
	}
}

int journal_open(bool is_new, struct err *e)
{
	int r = -ENOENT;

	HOLD_LOCK(&journal.lock);
	journal.behind = false;
	buf_reset(&journal.dirs);
	if (!is_new)
		r = read_journal(e);
	if (r == -ENOENT)
		make_journal();
	return r == -ENOENT ? 0 : r;
}

bool journal_is_used(void)
{
	HOLD_LOCK(&journal.lock);
	return journal.fd >= 0;
}

void journal_close(void)
{
	HOLD_LOCK(&journal.lock);

	if (journal.fd >= 0 && journal.dirs.len)
		settle(NULL);
	cleanup_close(&journal.fd);
	journal.fd = -1;
	buf_free(&journal.dirs);
}
