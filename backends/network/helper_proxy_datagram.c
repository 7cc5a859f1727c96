// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-proxy: datagrams. Each sender has a socket of its own towards the target, so that answers find back; a session that was
 * silent for a minute is forgotten, and there are at most as many as the table holds. A timer runs only while there are sessions.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "backends/network/helper_proxy.h"

#define SESSIONS 1024
#define SILENT_S 60
#define LOOK_S 10
#define DATAGRAM (64 << 10)
#define ROUNDS 64

struct session {
	struct source source;
	int fd;				/* 0: free */
	const struct listener *listener;
	struct sockaddr_storage peer;
	socklen_t peer_len;
	time_t heard;
};

static struct session sessions[SESSIONS];
static unsigned used;
static struct source timer;
static int timer_fd;
static char buf[DATAGRAM];

static time_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec;
}

static void set_timer(int seconds)
{
	struct itimerspec t = { .it_value.tv_sec = seconds, .it_interval.tv_sec = seconds };

	timerfd_settime(timer_fd, 0, &t, NULL);
}

static void end_session(struct session *s)
{
	close(s->fd);
	s->fd = 0;
	if (!--used)
		set_timer(0);
}

static void on_timer(struct source *s, uint32_t events)
{
	uint64_t times;

	if (read(timer_fd, &times, sizeof(times)) < 0)
		return;
	for (size_t i = 0; i < SESSIONS; i++)
		if (sessions[i].fd && now() - sessions[i].heard >= SILENT_S)
			end_session(&sessions[i]);
}

bool helper_datagrams_init(void)
{
	timer.ready = on_timer;
	timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	return timer_fd >= 0 && helper_watch(timer_fd, &timer, EPOLLIN);
}

/* From the target. */
static void answer(struct source *source, uint32_t events)
{
	struct session *s = (struct session *)source;

	for (int i = 0; i < ROUNDS && s->fd; i++) {
		ssize_t n = recv(s->fd, buf, sizeof(buf), 0);

		if (n < 0)
			return;
		s->heard = now();
		sendto(s->listener->fd, buf, (size_t)n, 0, (struct sockaddr *)&s->peer, s->peer_len);
	}
}

/* The session of a sender, made when there is none; the one that was silent for longest makes room. */
static struct session *find(const struct listener *l, const struct sockaddr_storage *peer, socklen_t len)
{
	struct session *place = &sessions[0];

	for (size_t i = 0; i < SESSIONS; i++) {
		struct session *s = &sessions[i];

		if (s->fd && s->listener == l && s->peer_len == len && !memcmp(&s->peer, peer, len))
			return s;
		if (place->fd && (!s->fd || s->heard < place->heard))
			place = s;
	}
	if (place->fd)
		end_session(place);
	*place = (struct session) { .source = { answer }, .listener = l, .peer = *peer, .peer_len = len };
	place->fd = helper_connect(proxy_target(&forward.proxy, l->index));
	if (place->fd < 0)
		return place->fd = 0, NULL;
	if (!used++)
		set_timer(LOOK_S);
	if (!helper_watch(place->fd, &place->source, EPOLLIN))
		return end_session(place), NULL;
	return place;
}

void helper_datagram(struct source *source, uint32_t events)
{
	const struct listener *l = (struct listener *)source;

	for (int i = 0; i < ROUNDS; i++) {
		struct sockaddr_storage peer = { 0 };
		socklen_t len = sizeof(peer);
		ssize_t n = recvfrom(l->fd, buf, sizeof(buf), 0, (struct sockaddr *)&peer, &len);
		struct session *s = n < 0 ? NULL : find(l, &peer, len);

		if (n < 0)
			return;
		if (!s)
			continue;
		s->heard = now();
		send(s->fd, buf, (size_t)n, 0);
	}
}
