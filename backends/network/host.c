// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/network/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_bridge.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"

#define PORTS_MAX 1024
#define TRIES 256
#define ROUTES_MAX (8u << 20)

/* ---- interfaces ---- */

static bool ask(const char *interface, unsigned long request, struct ifreq *ifr)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(interface) >= IFNAMSIZ)
		return false;
	strcpy(ifr->ifr_name, interface);
	return ioctl(fd, request, ifr) == 0;
}

bool host_has(const char *interface)
{
	return if_nametoindex(interface) != 0;
}

bool host_mac(const char *interface, char buf[NET_MAC_SIZE])
{
	struct ifreq ifr = { 0 };
	const unsigned char *m = (const unsigned char *)ifr.ifr_hwaddr.sa_data;

	if (!ask(interface, SIOCGIFHWADDR, &ifr))
		return false;
	snprintf(buf, NET_MAC_SIZE, "%02x:%02x:%02x:%02x:%02x:%02x", m[0], m[1], m[2], m[3], m[4], m[5]);
	return true;
}

bool host_mtu(const char *interface, unsigned *ret)
{
	struct ifreq ifr = { 0 };

	if (!ask(interface, SIOCGIFMTU, &ifr))
		return false;
	*ret = (unsigned)ifr.ifr_mtu;
	return true;
}

bool host_is_up(const char *interface)
{
	struct ifreq ifr = { 0 };

	return ask(interface, SIOCGIFFLAGS, &ifr) && ifr.ifr_flags & IFF_UP;
}

static int port_indexes(const char *bridge, int *list)
{
	unsigned long args[3] = { BRCTL_GET_PORT_LIST, (unsigned long)list, PORTS_MAX };
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = { 0 };

	if (fd < 0 || strlen(bridge) >= IFNAMSIZ)
		return -1;
	strcpy(ifr.ifr_name, bridge);
	ifr.ifr_data = (void *)args;
	return ioctl(fd, SIOCDEVPRIVATE, &ifr);
}

bool host_is_bridge(const char *interface)
{
	int list[PORTS_MAX] = { 0 };

	return port_indexes(interface, list) >= 0;
}

int host_each_port(const char *bridge, int (*f)(const char *port, void *arg), void *arg)
{
	int list[PORTS_MAX] = { 0 }, r = 0;
	char name[IF_NAMESIZE];

	/* the list is by port numbers, with holes */
	if (port_indexes(bridge, list) < 0)
		return 0;
	for (int i = 0; i < PORTS_MAX && !r; i++)
		if (list[i] && if_indextoname((unsigned)list[i], name))
			r = f(name, arg);
	return r;
}

/* ---- addresses ---- */

static unsigned mask_bits(const uint8_t *mask, size_t n)
{
	unsigned bits = 0;

	for (size_t i = 0; i < n; i++)
		bits += (unsigned)__builtin_popcount(mask[i]);
	return bits;
}

static bool take_address(const struct ifaddrs *i, struct net_address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!i->ifa_addr || !i->ifa_netmask)
		return false;
	ret->family = i->ifa_addr->sa_family;
	if (ret->family == AF_INET) {
		memcpy(ret->bytes, &((const struct sockaddr_in *)(const void *)i->ifa_addr)->sin_addr, 4);
		ret->prefix = mask_bits((const uint8_t *)&((const struct sockaddr_in *)(const void *)i->ifa_netmask)->sin_addr, 4);
		return true;
	}
	if (ret->family != AF_INET6)
		return false;
	memcpy(ret->bytes, &((const struct sockaddr_in6 *)(const void *)i->ifa_addr)->sin6_addr, 16);
	ret->prefix = mask_bits((const uint8_t *)&((const struct sockaddr_in6 *)(const void *)i->ifa_netmask)->sin6_addr, 16);
	return ret->bytes[0] != 0xfe || (ret->bytes[1] & 0xc0) != 0x80;
}

int host_each_address(const char *interface, int (*f)(const char *interface, const struct net_address *a, void *arg), void *arg)
{
	struct ifaddrs *list = NULL;
	struct net_address a;
	int r = 0;

	if (getifaddrs(&list) < 0)
		return -errno;
	for (const struct ifaddrs *i = list; i && !r; i = i->ifa_next)
		if ((!interface || !strcmp(i->ifa_name, interface)) && take_address(i, &a))
			r = f(i->ifa_name, &a, arg);
	freeifaddrs(list);
	return r;
}

/* ---- what is free ---- */

struct free_check {
	const struct net_address *subnet;
	const char *except;
	struct err *e;
};

static int collides(const struct free_check *x, const char *interface, const struct net_address *a, const char *what)
{
	char wanted[NET_ADDRESS_SIZE], text[NET_ADDRESS_SIZE];

	if ((x->except && !strcmp(interface, x->except)) || !net_overlaps(x->subnet, a))
		return 0;
	return err_set(x->e, EEXIST, "%s overlaps %s, %s of the host's interface %s", net_print(x->subnet, true, wanted),
		       net_print(a, true, text), what, interface);
}

static int check_address(const char *interface, const struct net_address *a, void *arg)
{
	return collides(arg, interface, a, "an address");
}

/* "eth0 0000A8C0 ... 00FFFFFF": words in the byte order of the machine. */
static bool parse_route4(char *line, char *interface, struct net_address *ret)
{
	unsigned dest, mask;

	*ret = (struct net_address){ .family = AF_INET };
	if (sscanf(line, "%15s %8x %*x %*x %*d %*d %*d %8x", interface, &dest, &mask) != 3)
		return false;
	memcpy(ret->bytes, &dest, 4);
	ret->prefix = (unsigned)__builtin_popcount(mask);
	return ret->prefix > 0;
}

static bool parse_route6(char *line, char *interface, struct net_address *ret)
{
	char hex[33];
	unsigned prefix, byte;

	*ret = (struct net_address){ .family = AF_INET6 };
	if (sscanf(line, "%32s %2x %*s %*s %*s %*s %*s %*s %*s %15s", hex, &prefix, interface) != 3 || strlen(hex) != 32)
		return false;
	for (int i = 0; i < 16 && sscanf(hex + (size_t)2 * (size_t)i, "%2x", &byte) == 1; i++)
		ret->bytes[i] = (uint8_t)byte;
	ret->prefix = prefix;
	/* all of it, multicast, and what every interface has */
	return prefix > 0 && ret->bytes[0] < 0xfe && strcmp(interface, "lo") != 0;
}

static int check_routes(const struct free_check *x)
{
	bool v4 = x->subnet->family == AF_INET;
	_cleanup_buf_ struct buf b = BUF_INIT;
	char interface[IFNAMSIZ];
	struct net_address a;
	int r = buf_read_file(&b, AT_FDCWD, v4 ? "/proc/self/net/route" : "/proc/self/net/ipv6_route", ROUTES_MAX);

	if (r < 0)
		return 0;	/* a kernel without that family has no routes of it */
	for (char *line = b.data, *next; line && *line && !r; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (v4 ? parse_route4(line, interface, &a) : parse_route6(line, interface, &a))
			r = collides(x, interface, &a, "a route");
	}
	return r;
}

int host_check_free(const struct net_address *subnet, const char *except, struct err *e)
{
	struct free_check x = { subnet, except, e };
	int r = host_each_address(NULL, check_address, &x);

	return r ? r : check_routes(&x);
}

int host_pick(int family, struct net_address *ret, struct err *e)
{
	for (int i = 0; i < TRIES; i++) {
		struct net_address a = { .family = family, .prefix = family == AF_INET ? 24 : 64 };

		if (getrandom(a.bytes, 8, 0) != 8)
			return err_sys(e, errno, "no random subnet");
		if (family == AF_INET) {
			a.bytes[0] = 10;
			a.bytes[3] = 1;
			memset(a.bytes + 4, 0, 4);
		} else {
			a.bytes[0] = 0xfd;
			a.bytes[1] = 0x42;
			a.bytes[15] = 1;
		}
		if (host_check_free(&a, NULL, NULL) == 0) {
			*ret = a;
			return 0;
		}
	}
	return err_set(e, ENOSPC, "no free subnet was found in %d tries; give one", TRIES);
}

int host_sysctl(const char *path, const char *value, struct err *e)
{
	_cleanup_close_ int fd = -1;
	char full[128];

	snprintf(full, sizeof(full), "/proc/sys/net/%s", path);
	fd = open(full, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		return err_sys(e, errno, "%s", full);
	return 0;
}
