// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Telling the kernel what changed.
 *
 * Forgetting attributes and waking pollers never waits for anybody, and is done at once by the thread that made the change, so that
 * its client's next look is true. Dropping a name takes the directory's lock, which a client that waits for our answer may hold: a
 * server killed there could not die, and no other could start. That is the holder's, through the ring; dropping pages likewise.
 */
#include "fs/notify.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "fs/request.h"
#include "fs/ring.h"
#include "fs/session.h"
#include "fs/shm.h"

struct poller {			/* also the record in the keep, under kh */
	uint64_t ino;
	uint64_t fh;
	uint64_t kh;
};

static struct {
	pthread_mutex_t lock;	/* a leaf, but for the keep's */
	struct poller *list;
	size_t n, cap;
} pollers = { .lock = PTHREAD_MUTEX_INITIALIZER };

int notify_send(int code, const void *body, size_t len, const char *name)
{
	struct fuse_out_header h = { .error = code };
	struct iovec v[] = {
		{ &h, sizeof(h) }, { (void *)(uintptr_t)body, len }, { (void *)(uintptr_t)name, name ? strlen(name) + 1 : 0 },
	};
	int n = name ? 3 : len ? 2 : 1;

	h.len = (uint32_t)(v[0].iov_len + v[1].iov_len + v[2].iov_len);
	return writev(FD_FUSE, v, n) < 0 ? -errno : 0;
}

static __thread uint64_t hushed;

void notify_hush(uint64_t ino)
{
	hushed = ino;
}

void notify_inode(uint64_t ino, bool data)
{
	const struct fuse_notify_inval_inode_out out = { .ino = ino, .off = -1 };

	if (!shm || ino == hushed)
		return;
	__atomic_add_fetch(&shm->count.notified, 1, __ATOMIC_RELAXED);
	/* Files below a root file system can have pages on their way to us, for which even this would wait. */
	if (data || request_is_rootfs(ino))
		ring_put(&shm->notify, RING_INODE, ino, data ? "d" : "");
	else
		notify_send(FUSE_NOTIFY_INVAL_INODE, &out, sizeof(out), NULL);
}

void notify_entry(uint64_t parent, const char *name)
{
	if (!shm)
		return;
	__atomic_add_fetch(&shm->count.notified, 1, __ATOMIC_RELAXED);
	ring_put(&shm->notify, RING_ENTRY, parent, name);
}

void notify_expire(uint64_t ino, uint64_t when_ns)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)when_ns);
	ring_put(&shm->notify, RING_EXPIRE, ino, text);
}

void notify_look(const char *path)
{
	ring_put(&shm->notify, RING_LOOK, 0, path);
}

void notify_touch(const char *path)
{
	if (shm)
		ring_put(&shm->touch, RING_TOUCH, 0, path);
}

bool session_is_poker(pid_t pid)
{
	return shm && pid && pid == __atomic_load_n(&shm->poker_pid, __ATOMIC_RELAXED);
}

/* ---- pollers ---- */

static void wake(uint64_t kh)
{
	const struct fuse_notify_poll_wakeup_out out = { .kh = kh };

	notify_send(FUSE_NOTIFY_POLL, &out, sizeof(out), NULL);
}

/*
 * A poller stays in the list until its file is released: dropped before its wakeup it could be lost in a crash, dropped after it a poll
 * that begins meanwhile would be lost. A wakeup for nothing costs the client one more POLL.
 */
void notify_poll(uint64_t ino)
{
	HOLD_LOCK(&pollers.lock);
	for (size_t i = 0; i < pollers.n; i++)
		if (pollers.list[i].ino == ino)
			wake(pollers.list[i].kh);
}

static int add(const struct poller *p)
{
	if (pollers.n == pollers.cap) {
		size_t cap = pollers.cap ? pollers.cap * 2 : 64;
		struct poller *list = realloc(pollers.list, cap * sizeof(*list));

		if (!list)
			return -ENOMEM;
		pollers.list = list;
		pollers.cap = cap;
	}
	pollers.list[pollers.n++] = *p;
	return 0;
}

static int load_one(uint64_t kh, const void *data, size_t len, void *arg)
{
	struct poller p;

	if (len != sizeof(p))
		return 0;
	memcpy(&p, data, sizeof(p));
	wake(kh);
	return add(&p);
}

int poll_load(void)
{
	HOLD_LOCK(&pollers.lock);
	pollers.n = 0;
	return keep_each(KEEP_POLL, load_one, NULL);
}

void poll_remember(fuse_req_t req, uint64_t ino, struct fuse_pollhandle *ph)
{
	const struct fuse_poll_in *in = request_body(sizeof(*in));
	struct poller p;

	fuse_pollhandle_destroy(ph);
	if (!in)
		return;
	p = (struct poller){ .ino = ino, .fh = in->fh, .kh = in->kh };
	HOLD_LOCK(&pollers.lock);
	for (size_t i = 0; i < pollers.n; i++)
		if (pollers.list[i].kh == p.kh)
			return;
	keep_put(KEEP_POLL, p.kh, &p, sizeof(p));
	add(&p);
}

void poll_forget(uint64_t ino, uint64_t fh)
{
	if (!__atomic_load_n(&pollers.n, __ATOMIC_RELAXED))
		return;
	HOLD_LOCK(&pollers.lock);
	for (size_t i = 0; i < pollers.n;) {
		struct poller *p = &pollers.list[i];

		if (p->ino != ino || p->fh != fh) {
			i++;
			continue;
		}
		keep_del(KEEP_POLL, p->kh);
		*p = pollers.list[--pollers.n];
	}
}
