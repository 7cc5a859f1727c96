// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-proxy: connections. A link is two sockets and a buffer for each direction; what one side ends is ended towards the other
 * one when the buffer is empty, and the link goes when both directions have ended or one socket failed.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "backends/network/helper_proxy.h"

#define BUFFER (16 << 10)
#define ROUNDS 16		/* of reading and writing before others have their turn */

struct way {
	size_t begin, end;
	bool eof, shut;
	char buf[BUFFER];
};

struct link {
	struct source in, out;
	int in_fd, out_fd;
	bool connected, dead, queued;
	struct link *next;		/* in the queue */
	struct way there, back;
};

static struct link *queue;		/* those with something to do, or dead */
static bool stalled;			/* no descriptors: listeners are not heeded */

static void enqueue(struct link *l)
{
	if (l->queued)
		return;
	l->queued = true;
	l->next = queue;
	queue = l;
}

/* 1: there may be more to do; 0: waits for a socket, or has ended; -1: failed. */
static int move(struct way *w, int from, int to)
{
	for (int i = 0; i < ROUNDS; i++) {
		ssize_t n;

		if (w->begin == w->end && !w->eof) {
			n = read(from, w->buf, BUFFER);
			if (n < 0)
				return errno == EAGAIN ? 0 : -1;
			w->eof = n == 0;
			w->begin = 0;
			w->end = (size_t)n;
		}
		if (w->begin < w->end) {
			n = write(to, w->buf + w->begin, w->end - w->begin);
			if (n < 0)
				return errno == EAGAIN ? 0 : -1;
			w->begin += (size_t)n;
		} else if (w->eof) {
			if (!w->shut)
				shutdown(to, SHUT_WR);
			w->shut = true;
			return 0;
		}
	}
	return 1;
}

static void pump(struct link *l)
{
	int there = move(&l->there, l->in_fd, l->out_fd), back = move(&l->back, l->out_fd, l->in_fd);

	l->dead = there < 0 || back < 0 || (l->there.shut && l->back.shut);
	if (l->dead || there || back)
		enqueue(l);
}

static void link_ready(struct link *l, struct source *s)
{
	int failed = 0;
	socklen_t n = sizeof(failed);

	if (l->dead)
		return;
	if (s == &l->out && getsockopt(l->out_fd, SOL_SOCKET, SO_ERROR, &failed, &n) == 0 && failed) {
		l->dead = true;
		enqueue(l);
		return;
	}
	/* to end the writing side of a socket before that would undo it */
	l->connected |= s == &l->out;
	if (l->connected)
		pump(l);
}

static void in_ready(struct source *s, uint32_t events)
{
	link_ready((struct link *)((char *)s - offsetof(struct link, in)), s);
}

static void out_ready(struct source *s, uint32_t events)
{
	link_ready((struct link *)((char *)s - offsetof(struct link, out)), s);
}

static void heed_listeners(bool heed)
{
	stalled = !heed;
	for (struct listener *l = forward.listeners; l; l = l->next) {
		struct epoll_event ev = { .events = heed ? EPOLLIN : 0, .data.ptr = &l->source };

		epoll_ctl(forward.epoll, EPOLL_CTL_MOD, l->fd, &ev);
	}
}

static void end_link(struct link *l)
{
	close(l->in_fd);
	close(l->out_fd);
	free(l);
	if (stalled)
		heed_listeners(true);
}

/* Freed here, when no event that names it is waiting any more. */
bool helper_streams_continue(void)
{
	struct link *l = queue, *next;

	queue = NULL;
	for (; l; l = next) {
		next = l->next;
		l->queued = false;
		if (!l->dead)
			pump(l);
		else
			end_link(l);
	}
	return queue;
}

/* The first line that the target gets, in the direction's buffer. */
static void put_header(struct link *l)
{
	struct sockaddr_storage from, to;
	struct sockaddr_in *f4 = (struct sockaddr_in *)&from, *t4 = (struct sockaddr_in *)&to;
	struct sockaddr_in6 *f6 = (struct sockaddr_in6 *)&from, *t6 = (struct sockaddr_in6 *)&to;
	char a[INET6_ADDRSTRLEN], b[INET6_ADDRSTRLEN];
	socklen_t n = sizeof(from), m = sizeof(to);
	bool v6;

	if (getpeername(l->in_fd, (struct sockaddr *)&from, &n) < 0 || getsockname(l->in_fd, (struct sockaddr *)&to, &m) < 0 ||
	    (from.ss_family != AF_INET && from.ss_family != AF_INET6)) {
		l->there.end = (size_t)snprintf(l->there.buf, BUFFER, "PROXY UNKNOWN\r\n");
		return;
	}
	v6 = from.ss_family == AF_INET6;
	inet_ntop(from.ss_family, v6 ? (void *)&f6->sin6_addr : (void *)&f4->sin_addr, a, sizeof(a));
	inet_ntop(from.ss_family, v6 ? (void *)&t6->sin6_addr : (void *)&t4->sin_addr, b, sizeof(b));
	l->there.end = (size_t)snprintf(l->there.buf, BUFFER, "PROXY TCP%d %s %s %u %u\r\n", v6 ? 6 : 4, a, b,
					ntohs(v6 ? f6->sin6_port : f4->sin_port), ntohs(v6 ? t6->sin6_port : t4->sin_port));
}

static void start_link(int fd, unsigned index)
{
	struct link *l = malloc(sizeof(*l));
	const uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
	int out = l ? helper_connect(proxy_target(&forward.proxy, index)) : -1;

	if (out < 0) {
		free(l);
		close(fd);
		return;
	}
	l->in = (struct source) { in_ready };
	l->out = (struct source) { out_ready };
	l->in_fd = fd;
	l->out_fd = out;
	l->connected = l->dead = l->queued = false;
	l->there.begin = l->there.end = l->back.begin = l->back.end = 0;
	l->there.eof = l->there.shut = l->back.eof = l->back.shut = false;
	if (forward.proxy.header)
		put_header(l);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
	setsockopt(out, IPPROTO_TCP, TCP_NODELAY, &(int) { 1 }, sizeof(int));
	if (!helper_watch(fd, &l->in, events) || !helper_watch(out, &l->out, events)) {
		l->dead = true;
		enqueue(l);
	}
}

void helper_accept(struct source *s, uint32_t events)
{
	struct listener *l = (struct listener *)s;

	for (int i = 0; i < ROUNDS; i++) {
		int fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0 && (errno == EMFILE || errno == ENFILE))
			heed_listeners(false);
		if (fd < 0)
			return;
		start_link(fd, l->index);
	}
}
