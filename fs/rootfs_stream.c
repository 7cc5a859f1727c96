// SPDX-License-Identifier: LGPL-2.1-or-later
/* See rootfs_stream.h. `streams.lock` guards the list of those that wait; nothing is called under it but the timer. */
#include "fs/rootfs_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/watch.h"

#define READ_SIZE 32768
#define WAITING_MAX 64
#define IDLE_SECONDS 4

static struct {
	pthread_mutex_t lock;
	struct rootfs_stream *waiting;	/* the one that was used last comes first */
	unsigned count;
	bool timer;
} streams = { .lock = PTHREAD_MUTEX_INITIALIZER };

void rootfs_stream_close(struct rootfs_stream *s)
{
	if (!s)
		return;
	close(s->fd);
	rootfs_dir_put(s->dir);
	free(s->entries);
	free(s);
}

/* Takes the last ones of the list, from the one on that p leads to. */
static struct rootfs_stream *cut(struct rootfs_stream **p)
{
	struct rootfs_stream *old = *p;

	*p = NULL;
	for (struct rootfs_stream *s = old; s; s = s->next)
		streams.count--;
	return old;
}

static void close_all(struct rootfs_stream *old)
{
	struct rootfs_stream *s;

	while ((s = old)) {
		old = s->next;
		rootfs_stream_close(s);
	}
}

static void idle(void *arg)
{
	struct rootfs_stream **p = &streams.waiting, *old;
	long now = rootfs_now();

	(void)arg;
	pthread_mutex_lock(&streams.lock);
	while (*p && now - (*p)->used < IDLE_SECONDS)
		p = &(*p)->next;
	old = cut(p);
	streams.timer = streams.waiting && watch_timer(IDLE_SECONDS * 1000, idle, NULL) > 0;
	pthread_mutex_unlock(&streams.lock);
	close_all(old);
}

static struct rootfs_stream *find(uint64_t ino, int64_t cookie)
{
	struct rootfs_stream **p = &streams.waiting, *s;
	HOLD_LOCK(&streams.lock);

	while ((s = *p) && (s->dir->ino != ino || s->cookie != cookie))
		p = &s->next;
	if (s) {
		*p = s->next;
		streams.count--;
	}
	return s;
}

static int open_stream(struct rootfs_dir *d, int64_t cookie, struct rootfs_stream **ret)
{
	_cleanup_close_ int fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct rootfs_stream *s;

	if (fd < 0 || (cookie && lseek(fd, cookie, SEEK_SET) < 0))
		return -errno;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->entries = malloc(READ_SIZE);
	if (!s->entries) {
		free(s);
		return -ENOMEM;
	}
	s->dir = d;
	s->cookie = cookie;
	s->fd = steal_fd(&fd);
	*ret = s;
	return 0;
}

int rootfs_stream_take(uint64_t ino, int64_t cookie, struct rootfs_stream **ret)
{
	struct rootfs_stream *s = NULL;
	struct rootfs_dir *d;
	int r = rootfs_dir_get(ino, &d);

	if (r < 0)
		return r;
	if (cookie)
		s = find(d->ino, cookie);
	if (s && s->dir->v->mount_id != d->v->mount_id) {
		rootfs_stream_close(s);	/* of what was mounted there before a restore */
		s = NULL;
	}
	if (!s)
		r = open_stream(d, cookie, &s);
	if (r < 0 || s->dir != d)
		rootfs_dir_put(d);
	if (r == 0)
		*ret = s;
	return r;
}

int rootfs_stream_next(struct rootfs_stream *s, const struct rootfs_dirent **ret)
{
	long n;

	if (s->pos >= s->len) {
		n = syscall(SYS_getdents64, s->fd, s->entries, READ_SIZE);
		s->pos = 0;
		s->len = n > 0 ? (size_t)n : 0;
		if (n <= 0)
			return n < 0 ? -errno : 0;
	}
	*ret = (const void *)(s->entries + s->pos);
	return 1;
}

void rootfs_stream_pass(struct rootfs_stream *s)
{
	const struct rootfs_dirent *en = (const void *)(s->entries + s->pos);

	s->cookie = en->cookie;
	s->pos += en->len;
}

void rootfs_stream_give(struct rootfs_stream *s)
{
	struct rootfs_stream *old = NULL, **p;
	unsigned n = 0;

	s->used = rootfs_now();
	pthread_mutex_lock(&streams.lock);
	s->next = streams.waiting;
	streams.waiting = s;
	streams.count++;
	if (streams.count > WAITING_MAX) {
		for (p = &streams.waiting; n < WAITING_MAX; n++)
			p = &(*p)->next;
		old = cut(p);
	}
	if (!streams.timer)
		streams.timer = watch_timer(IDLE_SECONDS * 1000, idle, NULL) > 0;
	pthread_mutex_unlock(&streams.lock);
	close_all(old);
}
