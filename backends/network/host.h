/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the host's network looks like: interfaces, addresses, routes. Asked of the kernel each time, in the network namespace of
 * the daemon: /sys may be that of another one, so it is not looked at.
 */
#pragma once

#include "backends/core/value_net.h"

bool host_has(const char *interface);
/* Its MAC address; false: there is no such interface. */
bool host_mac(const char *interface, char buf[NET_MAC_SIZE]);
bool host_mtu(const char *interface, unsigned *ret);
bool host_is_up(const char *interface);
bool host_is_bridge(const char *interface);

/* Calls f for each address of an interface (NULL: of all), link-local ones left out; stops at the first non-zero. */
int host_each_address(const char *interface, int (*f)(const char *interface, const struct net_address *a, void *arg), void *arg);
/* The same with each port of a bridge. */
int host_each_port(const char *bridge, int (*f)(const char *port, void *arg), void *arg);

/* EEXIST and a sentence when a route or an interface other than except has a part of the subnet already. */
int host_check_free(const struct net_address *subnet, const char *except, struct err *e);
/* A subnet that is free. ENOSPC: none was found. */
int host_pick(int family, struct net_address *ret, struct err *e);

/* Writes to /proc/sys/net/PATH. */
int host_sysctl(const char *path, const char *value, struct err *e);
