// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Descriptors on loan to the holder, both sides of it.
 *
 * Messages go over a socket pair of which the holder keeps both ends, so that what a server sent before it was killed arrives. Storing
 * and dropping is told, not asked; fetching waits for the answer, which carries a number: an answer meant for a killed server is
 * dropped. The holder's table lies in the shared memory and is valid over its exec; the server's is a copy with descriptors of its own.
 *
 * Locking: `lock` guards the server's copy and the order of its messages; a leaf.
 */
#include "fs/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "fs/log.h"
#include "fs/shm.h"

enum { MSG_STORE = 1, MSG_DROP, MSG_FETCH };
#define FETCH_TIMEOUT_MS 5000

struct message {
	uint32_t what;
	uint32_t number;
	uint64_t key;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct shm_stored_fd *copies;	/* server */
static uint32_t n_copies, number;

/* ---- table: open addressing, SHM_FDS_MAX places, at most half of them used ---- */

static uint32_t place_of(const struct shm_stored_fd *t, uint64_t key)
{
	uint32_t i = (uint32_t)((key * 0x9e3779b97f4a7c15ULL) >> 32) % SHM_FDS_MAX;

	while (t[i].fd && t[i].key != key)
		i = (i + 1) % SHM_FDS_MAX;
	return i;
}

static int table_get(const struct shm_stored_fd *t, uint64_t key)
{
	return t[place_of(t, key)].fd - 1;
}

/* Returns what stood there before, or -1. */
static int table_put(struct shm_stored_fd *t, uint64_t key, int fd)
{
	struct shm_stored_fd *p = &t[place_of(t, key)];
	int old = p->fd - 1;

	p->key = key;
	p->fd = fd + 1;
	return old;
}

static int table_del(struct shm_stored_fd *t, uint64_t key)
{
	uint32_t i = place_of(t, key), mask = SHM_FDS_MAX - 1;
	int old = t[i].fd - 1;

	if (old < 0)
		return -1;
	for (uint32_t j = (i + 1) & mask; t[j].fd; j = (j + 1) & mask) {
		uint32_t home = (uint32_t)((t[j].key * 0x9e3779b97f4a7c15ULL) >> 32) % SHM_FDS_MAX;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			t[i] = t[j];
			i = j;
		}
	}
	t[i].fd = 0;
	return old;
}

/* ---- messages ---- */

static int send_message(int sock, const struct message *m, int fd)
{
	union { struct cmsghdr h; char space[CMSG_SPACE(sizeof(int))]; } c = { .space = "" };
	struct iovec iov = { (void *)(uintptr_t)m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (fd >= 0) {
		h.msg_control = &c;
		h.msg_controllen = sizeof(c);
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	}
	do
		n = sendmsg(sock, &h, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* 1 with a message, 0 without one, -errno. */
static int receive_message(int sock, struct message *m, int *fd)
{
	union { struct cmsghdr h; char space[CMSG_SPACE(sizeof(int))]; } c;
	struct iovec iov = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	struct cmsghdr *p;
	ssize_t n = recvmsg(sock, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	*fd = -1;
	if (n <= 0)
		return n < 0 && errno != EAGAIN && errno != EINTR ? -errno : 0;
	p = CMSG_FIRSTHDR(&h);
	if (p && p->cmsg_level == SOL_SOCKET && p->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(p), sizeof(*fd));
	return n == sizeof(*m);
}

/* ---- holder ---- */

static void take(uint64_t key, int fd)
{
	int old = fd >= 0 ? table_put(shm->fds, key, fd) : -1;

	if (old >= 0)
		close(old);
}

void holder_fds_serve(void)
{
	struct message m = { .what = 0 };
	int fd, old, err;

	while (receive_message(FD_STORE_PEER, &m, &fd) > 0) {
		switch (m.what) {
		case MSG_STORE:
			take(m.key, fd);
			break;
		case MSG_DROP:
			old = table_del(shm->fds, m.key);
			if (old >= 0)
				close(old);
			break;
		case MSG_FETCH:
			err = send_message(FD_STORE_PEER, &m, table_get(shm->fds, m.key));
			if (err)
				log_warning("a descriptor cannot be handed over: %s", strerror(-err));
			break;
		}
	}
}

void holder_fds_forget_all(void)
{
	memset(shm->fds, 0, sizeof(shm->fds));
}

void holder_fds_close_on_exec(bool on)
{
	for (uint32_t i = 0; i < SHM_FDS_MAX; i++)
		if (shm->fds[i].fd)
			fcntl(shm->fds[i].fd - 1, F_SETFD, on ? FD_CLOEXEC : 0);
}

/* ---- server ---- */

static bool connected(void)
{
	void *p;

	if (!shm)
		return false;
	if (copies)
		return true;
	p = mmap(NULL, SHM_FDS_MAX * sizeof(*copies), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	copies = p == MAP_FAILED ? NULL : p;
	return copies;
}

static int copy_put(uint64_t key, int fd)
{
	int copy, old;

	if (n_copies >= SHM_FDS_MAX / 2)
		return -EMFILE;
	copy = fcntl(fd, F_DUPFD_CLOEXEC, FD_END);
	if (copy < 0)
		return -errno;
	old = table_put(copies, key, copy);
	if (old >= 0)
		close(old);
	else
		n_copies++;
	return 0;
}

int holder_store_fd(uint64_t key, int fd)
{
	const struct message m = { .what = MSG_STORE, .key = key };
	int err;

	HOLD_LOCK(&lock);
	if (!connected())
		return -ENOTCONN;
	err = copy_put(key, fd);
	/* A holder that is dead gets no message; its successor gets the copy. */
	if (!err)
		send_message(FD_STORE, &m, fd);
	return err;
}

int holder_drop_fd(uint64_t key)
{
	const struct message m = { .what = MSG_DROP, .key = key };
	int old;

	HOLD_LOCK(&lock);
	if (!connected())
		return -ENOTCONN;
	old = table_del(copies, key);
	if (old >= 0) {
		close(old);
		n_copies--;
	}
	send_message(FD_STORE, &m, -1);
	return 0;
}

/* Waits for the answer with our number. */
static int await(uint32_t expected, int *fd)
{
	struct pollfd p = { .fd = FD_STORE, .events = POLLIN };
	uint64_t end = shm_clock() + FETCH_TIMEOUT_MS * 1000000ULL;
	struct message m = { .what = 0 };
	int r;

	while (shm_clock() < end) {
		r = receive_message(FD_STORE, &m, fd);
		if (r < 0)
			return r;
		if (r && m.number == expected)
			return *fd < 0 ? -ENOENT : 0;
		if (*fd >= 0)
			close(*fd);
		if (!r && poll(&p, 1, 100) > 0 && p.revents & (POLLHUP | POLLERR) && !(p.revents & POLLIN))
			return -ENOENT;
	}
	return -ENOENT;
}

static int fetch(uint64_t key)
{
	struct message m = { .what = MSG_FETCH, .key = key };
	int fd = -1, r;

	number = (number + 1) & 0xfffff;
	m.number = shm->generation << 20 | number;
	r = send_message(FD_STORE, &m, -1);
	if (!r)
		r = await(m.number, &fd);
	return r ? -ENOENT : fd;
}

int holder_fetch_fd(uint64_t key)
{
	int fd;

	HOLD_LOCK(&lock);
	if (!connected())
		return -ENOTCONN;
	fd = table_get(copies, key);
	if (fd >= 0) {
		fd = fcntl(fd, F_DUPFD_CLOEXEC, FD_END);
		return fd < 0 ? -errno : fd;
	}
	fd = fetch(key);
	if (fd >= 0)
		copy_put(key, fd);
	return fd;
}

void holder_fds_copy_all(void)
{
	for (uint32_t i = 0; i < SHM_FDS_MAX; i++) {
		int fd = shm->fds[i].fd ? holder_fetch_fd(shm->fds[i].key) : -1;

		if (fd >= 0)
			close(fd);
	}
}

int holder_fds_reconnect(void)
{
	int pair[2];

	HOLD_LOCK(&lock);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	if (shm_take_fd(pair[0], FD_STORE) < 0) {
		close(pair[1]);
		return -EMFILE;
	}
	return pair[1];
}

void holder_fds_store_again(void)
{
	struct message m = { .what = MSG_STORE };

	HOLD_LOCK(&lock);
	for (uint32_t i = 0; connected() && i < SHM_FDS_MAX; i++) {
		if (!copies[i].fd)
			continue;
		m.key = copies[i].key;
		send_message(FD_STORE, &m, copies[i].fd - 1);
	}
}
