/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values about networks: addresses, ranges, MAC addresses, names of interfaces. Pure functions over text, as in value.h. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "backends/core/err.h"

#define NET_NAME_MAX 15		/* bytes of an interface's name */
#define NET_MAC_SIZE 18
#define NET_ADDRESS_SIZE 64	/* of an address and its prefix as text */

struct net_address {
	int family;		/* AF_INET, AF_INET6; 0: none */
	unsigned prefix;
	uint8_t bytes[16];	/* the first four for AF_INET */
};

/* "10.0.0.1/24" of that family; EINVAL. A host's address that is the network's own or the broadcast address is refused. */
int net_parse_subnet(const char *s, int family, struct net_address *ret, struct err *e);
/* "10.0.0.1" alone; the prefix is that of a host (32 or 128). */
int net_parse_host(const char *s, int family, struct net_address *ret, struct err *e);
/* "10.0.0.0/8" or a host: what is routed. Bits behind the prefix must be 0. */
int net_parse_route(const char *s, int family, struct net_address *ret, struct err *e);
/* The text of one, with "/PREFIX" or without. */
const char *net_print(const struct net_address *a, bool prefix, char buf[NET_ADDRESS_SIZE]);
/* The address that a subnet begins with. */
struct net_address net_base(const struct net_address *a);

bool net_contains(const struct net_address *subnet, const struct net_address *a);
bool net_overlaps(const struct net_address *a, const struct net_address *b);
bool net_same(const struct net_address *a, const struct net_address *b);	/* the prefix does not count */

/* Calls f for each part of "10.0.0.2-10.0.0.9,10.0.0.20-10.0.0.30"; stops at its first non-zero. EINVAL: not of that form. */
int net_each_range(const char *s, int family, int (*f)(const struct net_address *first, const struct net_address *last, void *arg),
		   void *arg, struct err *e);

/* Calls f with each part of a list of words between commas, blanks around them left out; EINVAL for an empty or too long one. */
int net_each_word(const char *s, int (*f)(const char *word, void *arg), void *arg, struct err *e);

/* 2 to 15 letters, digits and - _ . that the kernel and sysctl take for a name. */
int net_check_interface(const char *s, struct err *e);
int net_check_mac(const char *s, struct err *e);
/* A random one in LXD's range, in lower case. */
int net_random_mac(char buf[NET_MAC_SIZE], struct err *e);
/* limits.ingress and the like: bits per second from "10Mbit", "1Gibit", "5000". */
int net_parse_rate(const char *s, uint64_t *ret, struct err *e);
