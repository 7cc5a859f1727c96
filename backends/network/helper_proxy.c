// SPDX-License-Identifier: LGPL-2.1-or-later
/* instfs-proxy: see helper_proxy.h. Here: the beginning, and the loop. */
#include "backends/network/helper_proxy.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#define EVENTS 64

struct forward forward;

int helper_fail(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(code));
	return code;
}

bool helper_watch(int fd, struct source *s, uint32_t events)
{
	struct epoll_event ev = { .events = events, .data.ptr = s };

	return epoll_ctl(forward.epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

static void init_ended(struct source *s, uint32_t events)
{
	_exit(0);
}

static int watch_all(void)
{
	static struct source init = { init_ended };
	bool datagrams = forward.proxy.listen.protocol == PROXY_UDP;

	forward.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (forward.epoll < 0 || !helper_watch(INIT_FD, &init, EPOLLIN) || (datagrams && !helper_datagrams_init()))
		return helper_fail(errno, "epoll");
	for (struct listener *l = forward.listeners; l; l = l->next) {
		l->source.ready = datagrams ? helper_datagram : helper_accept;
		if (!helper_watch(l->fd, &l->source, EPOLLIN))
			return helper_fail(errno, "epoll");
	}
	return 0;
}

static void loop(void)
{
	struct epoll_event events[EVENTS];
	bool more = false;

	for (;;) {
		int n = epoll_wait(forward.epoll, events, EVENTS, more ? 0 : -1);

		for (int i = 0; i < n; i++) {
			struct source *s = events[i].data.ptr;

			s->ready(s, events[i].events);
		}
		more = helper_streams_continue();
	}
}

static void many_files(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) == 0) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

int main(int argc, char **argv)
{
	struct err e = ERR_INIT;
	bool mapped;
	int r;

	if (argc != 4) {
		fputs("usage: instfs-proxy NAME mapped|unmapped TEXT\n", stderr);
		return EINVAL;
	}
	mapped = !strcmp(argv[2], "mapped");
	if (proxy_parse(argv[3], strlen(argv[3]), &forward.proxy, &e) < 0)
		return helper_fail(EINVAL, "%s", e.text);
	if (!strcmp(argv[1], "-r"))
		return helper_remove_file(mapped);
	signal(SIGPIPE, SIG_IGN);
	many_files();
	r = helper_listen(mapped);
	if (r == 0)
		r = helper_become_connector(mapped);
	if (r == 0)
		r = watch_all();
	if (r)
		return r;
	/* the server waits for this end of its pipe */
	dup2(0, 2);
	loop();
	return 0;
}
