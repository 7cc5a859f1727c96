/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * instfs-proxy: forwards what one device of type proxy says. It is started by the server, outlives it, and ends with the instance's
 * init or by SIGTERM. One thread, everything by epoll, edge-triggered but for the sockets that listen; idle it never wakes.
 *
 *   instfs-proxy NAME mapped|unmapped TEXT   forwards; descriptor 3 is a pidfd of the instance's init. 2 is closed once it listens;
 *                                           before, a sentence there and an errno as exit status tell why it cannot
 *   instfs-proxy -r mapped|unmapped TEXT     removes the socket's file that one left behind
 */
#pragma once

#include <stdint.h>

#include "backends/core/proxy.h"

#define INIT_FD 3

/* What epoll knows of a descriptor. */
struct source {
	void (*ready)(struct source *s, uint32_t events);
};

struct listener {
	struct source source;
	int fd;
	unsigned index;			/* of the port */
	struct listener *next;
};

struct forward {
	struct proxy proxy;
	int epoll;
	struct listener *listeners;
};

extern struct forward forward;

int helper_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Watches it; false: no memory. */
bool helper_watch(int fd, struct source *s, uint32_t events);

/* helper_proxy_enter.c: both return an errno, which they have explained. */
int helper_listen(bool mapped);
int helper_become_connector(bool mapped);
int helper_remove_file(bool mapped);
/* A socket on its way to the target, or -1. */
int helper_connect(unsigned port);

/* helper_proxy_stream.c, helper_proxy_datagram.c */
void helper_accept(struct source *s, uint32_t events);
/* Goes on with connections that had more to do than was good for others; true: there are some. Frees those that ended. */
bool helper_streams_continue(void);
bool helper_datagrams_init(void);
void helper_datagram(struct source *s, uint32_t events);
