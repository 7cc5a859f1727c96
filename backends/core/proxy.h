/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the text of a device of type proxy says: for its checks, for the backend, and for the forwarder itself. Pure functions. */
#pragma once

#include <stdbool.h>
#include <sys/socket.h>

#include "backends/core/value_net.h"

#define PROXY_PORTS_MAX 1024
#define PROXY_PATH_MAX 107	/* what the kernel takes for the address of a socket */

enum proxy_protocol { PROXY_TCP, PROXY_UDP, PROXY_UNIX };

struct proxy_end {
	enum proxy_protocol protocol;
	char path[PROXY_PATH_MAX + 1];	/* unix; "@name" is an abstract one */
	struct net_address address;	/* tcp and udp */
	unsigned n;			/* ports; of unix 1 */
	uint16_t ports[PROXY_PORTS_MAX];
};

struct proxy {
	struct proxy_end listen, connect;
	bool inside;			/* it listens in the instance and connects on the host; else the other way round */
	bool nat, header;		/* header: the PROXY protocol, version 1 */
	uint32_t uid, gid, mode;	/* of the socket's file that it makes */
	uint32_t as_uid, as_gid;	/* who connects */
};

/* "tcp:10.0.0.1:80-89,95", "udp:[::]:53", "unix:/run/x", "unix:@abstract". EINVAL and a sentence. */
int proxy_parse_end(const char *value, struct proxy_end *ret, struct err *e);
/* The whole device; EINVAL where its parts do not fit together. */
int proxy_parse(const char *text, size_t len, struct proxy *ret, struct err *e);

/* Whether it is a file: a path, not abstract. */
bool proxy_is_file(const struct proxy_end *end);
/* The address for bind() or connect() with the i-th port. */
socklen_t proxy_address(const struct proxy_end *end, unsigned i, struct sockaddr_storage *ret);
/* The port that what comes to the i-th one of listen goes to: one for all, or each to its own. */
unsigned proxy_target(const struct proxy *p, unsigned i);
