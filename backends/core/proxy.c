// SPDX-License-Identifier: LGPL-2.1-or-later
/* See proxy.h. */
#include "backends/core/proxy.h"

#include <errno.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "backends/core/device.h"
#include "backends/core/value.h"

static const char *const names[] = { [PROXY_TCP] = "tcp", [PROXY_UDP] = "udp", [PROXY_UNIX] = "unix" };

/* ---- one end ---- */

static int parse_path(const char *path, struct proxy_end *ret, struct err *e)
{
	size_t n = strlen(path);

	if ((*path != '/' && *path != '@') || n < 2 || path[n - 1] == '/')
		return err_set(e, EINVAL, "\"unix:%.100s\" is neither unix:/PATH nor unix:@NAME", path);
	if (n > PROXY_PATH_MAX)
		return err_set(e, EINVAL, "\"unix:%.32s...\" is longer than the %d bytes that a socket's path can have", path, PROXY_PATH_MAX);
	memcpy(ret->path, path, n + 1);
	ret->n = 1;
	return 0;
}

static int add_ports(const char *word, void *arg, struct err *e)
{
	struct proxy_end *end = arg;
	unsigned first, last;
	int used = 0;

	if (sscanf(word, "%5u%n", &first, &used) != 1)
		first = 0;
	last = first;
	if (word[used] == '-' && sscanf(word + used + 1, "%5u", &last) == 1)
		used += 1 + (int)strspn(word + used + 1, "0123456789");
	if (strspn(word, "0123456789-") != strlen(word) || word[used] || !first || last > 65535 || first > last)
		return err_set(e, EINVAL, "\"%.32s\" is neither a port (1 to 65535) nor a range like 8000-8009", word);
	for (unsigned port = first; port <= last; port++) {
		for (unsigned i = 0; i < end->n; i++)
			if (end->ports[i] == port)
				return err_set(e, EINVAL, "port %u stands twice", port);
		if (end->n == PROXY_PORTS_MAX)
			return err_set(e, EINVAL, "more than %d ports", PROXY_PORTS_MAX);
		end->ports[end->n++] = (uint16_t)port;
	}
	return 0;
}

struct port_walk {
	struct proxy_end *end;
	struct err *e;
};

static int one_word(const char *word, void *arg)
{
	const struct port_walk *w = arg;

	return add_ports(word, w->end, w->e);
}

static int parse_address(const char *rest, struct proxy_end *ret, struct err *e)
{
	struct port_walk walk = { ret, e };
	const char *colon = strrchr(rest, ':');
	char address[64];
	int family = AF_INET;
	size_t n;

	if (!colon || !colon[1])
		return err_set(e, EINVAL, "\"%s:%.100s\" has no port; it is %s:ADDRESS:PORT", names[ret->protocol], rest, names[ret->protocol]);
	n = (size_t)(colon - rest);
	if (n >= 2 && *rest == '[' && rest[n - 1] == ']') {
		family = AF_INET6;
		rest++;
		n -= 2;
	}
	if (!n)
		return err_set(e, EINVAL, "the address is missing; all are 0.0.0.0 or [::]");
	if (n >= sizeof(address))
		return err_set(e, EINVAL, "\"%.64s\" is not an address", rest);
	memcpy(address, rest, n);
	address[n] = '\0';
	if (family == AF_INET && strchr(address, ':'))
		return err_set(e, EINVAL, "an IPv6 address stands in brackets: [%.64s]", address);
	if (net_parse_host(address, family, &ret->address, e) < 0)
		return -EINVAL;
	return net_each_word(colon + 1, one_word, &walk, e);
}

int proxy_parse_end(const char *value, struct proxy_end *ret, struct err *e)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);

		if (strncmp(value, names[i], n) != 0 || value[n] != ':')
			continue;
		*ret = (struct proxy_end) { .protocol = (enum proxy_protocol)i };
		return i == PROXY_UNIX ? parse_path(value + n + 1, ret, e) : parse_address(value + n + 1, ret, e);
	}
	return err_set(e, EINVAL, "\"%.100s\" does not begin with tcp:, udp: or unix:", value);
}

bool proxy_is_file(const struct proxy_end *end)
{
	return end->protocol == PROXY_UNIX && end->path[0] == '/';
}

/* ---- the whole ---- */

static bool is_true(const char *text, size_t len, const char *key)
{
	return device_bool(text, len, key, false);
}

static uint32_t number(const char *text, size_t len, const char *key, int base, uint32_t def)
{
	char value[32];

	return device_get(text, len, key, value, sizeof(value)) ? (uint32_t)strtoul(value, NULL, base) : def;
}

static bool all_bytes(const struct net_address *a, size_t n, uint8_t byte)
{
	for (size_t i = 0; i < n; i++)
		if (a->bytes[i] != byte)
			return false;
	return true;
}

static bool is_loopback(const struct net_address *a)
{
	return a->family == AF_INET ? a->bytes[0] == 127 : all_bytes(a, 15, 0) && a->bytes[15] == 1;
}

static int check_nat(const struct proxy *p, struct err *e)
{
	const struct proxy_end *l = &p->listen, *c = &p->connect;

	if (l->protocol == PROXY_UNIX || l->protocol != c->protocol)
		return err_set(e, EINVAL, "nat=true is for tcp to tcp and udp to udp");
	if (p->inside)
		return err_set(e, EINVAL, "nat=true is for bind=host");
	if (l->address.family != c->address.family)
		return err_set(e, EINVAL, "nat=true cannot change between IPv4 and IPv6");
	if (all_bytes(&l->address, 16, 0) || is_loopback(&l->address))
		return err_set(e, EINVAL, "nat=true needs one address of the host to listen on, not all and none of the loopback interface");
	if (is_loopback(&c->address))
		return err_set(e, EINVAL, "nat=true reaches static addresses of the instance's nics (0.0.0.0 or [::] is the first), no loopback");
	if (p->header)
		return err_set(e, EINVAL, "proxy_protocol= is for connections that are forwarded; with nat=true the instance sees the addresses");
	return 0;
}

static int check_parts(const char *text, size_t len, const struct proxy *p, struct err *e)
{
	static const char *const of_file[] = { "uid", "gid", "mode" }, *const of_process[] = { "security.uid", "security.gid" };

	if ((p->listen.protocol == PROXY_UDP) != (p->connect.protocol == PROXY_UDP))
		return err_set(e, EINVAL, "datagrams (udp) and streams (tcp, unix) cannot be forwarded to each other");
	if (p->connect.n != 1 && p->connect.n != p->listen.n)
		return err_set(e, EINVAL, "listen= has %u ports and connect= %u; connect= has one for all, or as many", p->listen.n, p->connect.n);
	for (size_t i = 0; i < 3 && !proxy_is_file(&p->listen); i++)
		if (device_has(text, len, of_file[i]))
			return err_set(e, EINVAL, "%s= is for the file that listen=unix:/PATH makes", of_file[i]);
	for (size_t i = 0; i < 2 && p->nat; i++)
		if (device_has(text, len, of_process[i]))
			return err_set(e, EINVAL, "%s= has no meaning with nat=true", of_process[i]);
	if (p->header && p->connect.protocol != PROXY_TCP)
		return err_set(e, EINVAL, "proxy_protocol= is for connect=tcp:");
	return p->nat ? check_nat(p, e) : 0;
}

static int parse_ends(const char *text, size_t len, struct proxy *p, struct err *e)
{
	char value[DEVICE_VALUE_MAX + 1];
	int r;

	if (!device_get(text, len, "listen", value, sizeof(value)))
		return err_set(e, EINVAL, "listen= is missing, where connections come in");
	r = proxy_parse_end(value, &p->listen, e);
	if (r < 0)
		return r;
	if (!device_get(text, len, "connect", value, sizeof(value)))
		return err_set(e, EINVAL, "connect= is missing, where connections go to");
	return proxy_parse_end(value, &p->connect, e);
}

int proxy_parse(const char *text, size_t len, struct proxy *ret, struct err *e)
{
	char bind[32] = "host";
	int r = parse_ends(text, len, ret, e);

	if (r < 0)
		return r;
	device_get(text, len, "bind", bind, sizeof(bind));
	ret->inside = strcmp(bind, "host") != 0;
	ret->nat = is_true(text, len, "nat");
	ret->header = is_true(text, len, "proxy_protocol");
	ret->uid = number(text, len, "uid", 10, 0);
	ret->gid = number(text, len, "gid", 10, 0);
	ret->mode = number(text, len, "mode", 8, 0644);
	ret->as_uid = number(text, len, "security.uid", 10, 0);
	ret->as_gid = number(text, len, "security.gid", 10, 0);
	return check_parts(text, len, ret, e);
}

/* ---- for sockets ---- */

socklen_t proxy_address(const struct proxy_end *end, unsigned i, struct sockaddr_storage *ret)
{
	struct sockaddr_in *in = (struct sockaddr_in *)ret;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)ret;
	struct sockaddr_un *un = (struct sockaddr_un *)ret;
	size_t n = strlen(end->path);

	memset(ret, 0, sizeof(*ret));
	if (end->protocol == PROXY_UNIX) {
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, end->path, n);
		if (*end->path == '@')
			un->sun_path[0] = '\0';
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n);
	}
	if (end->address.family == AF_INET6) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons(end->ports[i]);
		memcpy(&in6->sin6_addr, end->address.bytes, 16);
		return sizeof(*in6);
	}
	in->sin_family = AF_INET;
	in->sin_port = htons(end->ports[i]);
	memcpy(&in->sin_addr, end->address.bytes, 4);
	return sizeof(*in);
}

unsigned proxy_target(const struct proxy *p, unsigned i)
{
	return p->connect.n == 1 ? 0 : i;
}
