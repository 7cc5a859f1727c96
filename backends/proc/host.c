// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/proc/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/proc/cpus.h"

static char root[2048] = "";

static struct {
	const char *path;
	bool many;
	pthread_mutex_t lock;
	int fd;			/* -1: not opened yet */
	unsigned lines;		/* how many at its beginning never change: only these are of use, and are read once; 0: read each time */
	struct buf kept;
} files[HOST_MAX] = {
	[HOST_MEMINFO] = { "proc/meminfo", false, PTHREAD_MUTEX_INITIALIZER, -1 },
	[HOST_STAT] = { "proc/stat", false, PTHREAD_MUTEX_INITIALIZER, -1 },
	[HOST_CPUINFO] = { "proc/cpuinfo", true, PTHREAD_MUTEX_INITIALIZER, -1 },
	[HOST_SWAPS] = { "proc/swaps", true, PTHREAD_MUTEX_INITIALIZER, -1 },
	[HOST_DISKSTATS] = { "proc/diskstats", true, PTHREAD_MUTEX_INITIALIZER, -1 },
	[HOST_SLABINFO] = { "proc/slabinfo", true, PTHREAD_MUTEX_INITIALIZER, -1, 2, BUF_INIT },
	[HOST_ONLINE] = { "sys/devices/system/cpu/online", false, PTHREAD_MUTEX_INITIALIZER, -1 },
	[HOST_KERNEL_MAX] = { "sys/devices/system/cpu/kernel_max", false, PTHREAD_MUTEX_INITIALIZER, -1, 1, BUF_INIT },
	[HOST_POSSIBLE] = { "sys/devices/system/cpu/possible", false, PTHREAD_MUTEX_INITIALIZER, -1, 1, BUF_INIT },
};

int host_init(const char *r)
{
	if (strlen(r) >= sizeof(root))
		return -ENAMETOOLONG;
	strcpy(root, r);
	for (int i = 0; i < HOST_MAX; i++) {
		cleanup_close(&files[i].fd);
		files[i].fd = -1;
		buf_reset(&files[i].kept);
	}
	return 0;
}

const char *host_root(void)
{
	return root;
}

static int open_below(const char *path)
{
	char full[4096];
	int fd;

	snprintf(full, sizeof(full), "%s/%s", root, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int host_pread(int fd, bool many, struct buf *out)
{
	size_t room = 8192;
	off_t off = 0;

	for (;;) {
		size_t had = out->len;
		ssize_t n;

		buf_resize(out, had + room);
		if (buf_error(out))
			return -ENOMEM;
		n = pread(fd, out->data + had, room, off);
		buf_resize(out, had + (n > 0 ? (size_t)n : 0));
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 || (n > 0 && !many && (size_t)n < room))
			return 0;
		off += n > 0 ? n : 0;
		room *= 2;
	}
}

static int read_now(enum host_file f, struct buf *out)
{
	if (files[f].fd < 0)
		files[f].fd = open_below(files[f].path);
	return files[f].fd < 0 ? files[f].fd : host_pread(files[f].fd, files[f].many, out);
}

static int keep_lines(enum host_file f)
{
	_cleanup_buf_ struct buf all = BUF_INIT;
	int r = read_now(f, &all);
	const char *end = buf_str(&all);

	cleanup_close(&files[f].fd);
	files[f].fd = -1;
	for (unsigned i = 0; i < files[f].lines && end && *end; i++) {
		end += strcspn(end, "\n");
		end += *end == '\n';
	}
	if (!r && end)
		buf_add(&files[f].kept, all.data, (size_t)(end - all.data));
	return r;
}

int host_read(enum host_file f, struct buf *out)
{
	HOLD_LOCK(&files[f].lock);
	if (!files[f].lines)
		return read_now(f, out);
	if (!files[f].kept.len) {
		int r = keep_lines(f);

		if (r)
			return r;
	}
	buf_add(out, files[f].kept.data, files[f].kept.len);
	return buf_error(out);
}

int host_read_path(const char *path, struct buf *out)
{
	_cleanup_close_ int fd = open_below(path);

	return fd < 0 ? fd : host_pread(fd, true, out);
}

bool host_exists(const char *path)
{
	char full[4096];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	return access(full, F_OK) == 0;
}

/* A recorded tree has the time at which it was recorded. */
int64_t host_boottime(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct timespec t;

	if (*root && host_read_path("proc/uptime", &b) == 0)
		return (int64_t)(strtod(buf_str(&b), NULL) * 1e9 + 0.5);
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

unsigned host_possible_cpus(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_cpus_ struct cpus c = CPUS_INIT;

	if (host_read(HOST_POSSIBLE, &b) == 0 && cpus_parse(buf_str(&b), &c) == 0 && c.n)
		return c.list[c.n - 1] + 1;
	return (unsigned)sysconf(_SC_NPROCESSORS_CONF);
}

unsigned host_ticks(void)
{
	return (unsigned)sysconf(_SC_CLK_TCK);
}
