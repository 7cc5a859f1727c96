// SPDX-License-Identifier: LGPL-2.1-or-later
/* The row of devices of type nic: properties, and which of them the kinds of nics have. Constant data and checks of values. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/device.h"
#include "backends/core/device_check.h"
#include "backends/core/value.h"
#include "backends/core/value_net.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

enum { BRIDGED = 1 << 0, MACVLAN = 1 << 1, PHYSICAL = 1 << 2, P2P = 1 << 3, ROUTED = 1 << 4, ANY = 31, PAIR = BRIDGED | P2P | ROUTED };

static const struct {
	const char *name;
	unsigned bit;
} kinds[] = { { "bridged", BRIDGED }, { "macvlan", MACVLAN }, { "p2p", P2P }, { "physical", PHYSICAL }, { "routed", ROUTED } };

/* ---- values ---- */

static int check_mtu(const char *value, struct err *e)
{
	int64_t v;

	return value_int(value, 1280, 16384, &v, e);
}

static int check_nictype(const char *value, struct err *e)
{
	static const char *const others[] = { "ipvlan", "ovn", "sriov" };

	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (!strcmp(value, kinds[i].name))
			return 0;
	}
	for (size_t i = 0; i < COUNT(others); i++) {
		if (!strcmp(value, others[i]))
			return err_set(e, EOPNOTSUPP, "nictype=%s is not supported; macvlan and routed come nearest", value);
	}
	return err_set(e, EINVAL, "nictype \"%.32s\" is not one of bridged, macvlan, p2p, physical, routed", value);
}

static int check_vlan(const char *value, struct err *e)
{
	int64_t v;

	return !strcmp(value, "none") ? 0 : value_int(value, 1, 4094, &v, e);
}

static int check_rate(const char *value, struct err *e)
{
	uint64_t v;

	return net_parse_rate(value, &v, e);
}

static int check_queue(const char *value, struct err *e)
{
	int64_t v;

	return value_int(value, 1, 1000000, &v, e);
}

static int check_mode(const char *value, struct err *e)
{
	static const char *const modes[] = { "bridge", "passthru", "private", "vepa", NULL };

	return device_check_word(value, modes, e);
}

static int check_gateway(const char *value, struct err *e)
{
	static const char *const words[] = { "auto", "none", NULL };

	return device_check_word(value, words, e);
}

struct list_check {
	int family;
	struct err *e;
};

static int one_host(const char *word, void *arg)
{
	const struct list_check *c = arg;
	struct net_address a;

	return net_parse_host(word, c->family, &a, c->e);
}

static int one_route(const char *word, void *arg)
{
	const struct list_check *c = arg;
	struct net_address a;

	return net_parse_route(word, c->family, &a, c->e);
}

static int check_list(const char *value, int family, int (*f)(const char *, void *), struct err *e)
{
	struct list_check c = { family, e };

	if (strlen(value) > 1000)
		return err_set(e, EINVAL, "the list is longer than 1000 bytes");
	return net_each_word(value, f, &c, e);
}

static int check_hosts4(const char *value, struct err *e)
{
	return check_list(value, AF_INET, one_host, e);
}

static int check_hosts6(const char *value, struct err *e)
{
	return check_list(value, AF_INET6, one_host, e);
}

static int check_routes4(const char *value, struct err *e)
{
	return check_list(value, AF_INET, one_route, e);
}

static int check_routes6(const char *value, struct err *e)
{
	return check_list(value, AF_INET6, one_route, e);
}

static int check_host4(const char *value, struct err *e)
{
	struct net_address a;

	return net_parse_host(value, AF_INET, &a, e);
}

static int check_host6(const char *value, struct err *e)
{
	struct net_address a;

	return net_parse_host(value, AF_INET6, &a, e);
}

/* ---- the whole ---- */

static const struct {
	const char *name;
	unsigned kinds;
} allowed[] = {
	{ "parent", ANY & ~P2P }, { "host_name", PAIR }, { "vlan", BRIDGED | MACVLAN | PHYSICAL }, { "mode", MACVLAN },
	{ "limits.ingress", PAIR }, { "limits.egress", PAIR }, { "limits.max", PAIR }, { "limits.priority", PAIR },
	{ "ipv4.address", BRIDGED | ROUTED }, { "ipv6.address", BRIDGED | ROUTED }, { "ipv4.routes", PAIR }, { "ipv6.routes", PAIR },
	{ "ipv4.gateway", ROUTED }, { "ipv6.gateway", ROUTED }, { "ipv4.host_address", ROUTED }, { "ipv6.host_address", ROUTED },
	{ "security.mac_filtering", BRIDGED }, { "security.ipv4_filtering", BRIDGED }, { "security.ipv6_filtering", BRIDGED },
	{ "security.port_isolation", BRIDGED }, { "connected", PAIR }, { "queue.tx.length", ANY & ~PHYSICAL },
};

static int check_kind(const char *text, size_t len, const char **name, unsigned *bit, struct err *e)
{
	char type[32] = "bridged";

	if (device_has(text, len, "network")) {
		if (device_has(text, len, "nictype") || device_has(text, len, "parent"))
			return err_set(e, EINVAL, "network= says all that nictype= and parent= would; they cannot stand beside it");
	} else if (!device_get(text, len, "nictype", type, sizeof(type))) {
		return err_set(e, EINVAL, "a nic needs network=, or nictype=, one of bridged, macvlan, p2p, physical, routed");
	}
	for (size_t i = 0; i < COUNT(kinds); i++) {
		if (!strcmp(kinds[i].name, type)) {
			*name = kinds[i].name;
			*bit = kinds[i].bit;
		}
	}
	if (*bit & (BRIDGED | MACVLAN | PHYSICAL) && !device_has(text, len, "parent") && !device_has(text, len, "network"))
		return err_set(e, EINVAL, "nictype=%s needs parent=, an interface of the host", *name);
	return 0;
}

static int check_filter(const char *text, size_t len, const char *filter, const char *address, struct err *e)
{
	if (!device_bool(text, len, filter, false) || device_has(text, len, address))
		return 0;
	return err_set(e, EINVAL, "%s= needs %s=, the address that is let through", filter, address);
}

static int check_nic(const char *text, size_t len, struct err *e)
{
	const char *name = "bridged";
	char value[1024];
	unsigned bit = BRIDGED;
	int r = check_kind(text, len, &name, &bit, e);

	for (size_t i = 0; i < COUNT(allowed) && r == 0; i++) {
		if (!(allowed[i].kinds & bit) && device_has(text, len, allowed[i].name))
			r = err_set(e, EINVAL, "nictype=%s has no %s=", name, allowed[i].name);
	}
	for (int v6 = 0; v6 < 2 && r == 0 && bit == BRIDGED; v6++) {
		if (device_get(text, len, v6 ? "ipv6.address" : "ipv4.address", value, sizeof(value)) && strchr(value, ','))
			r = err_set(e, EINVAL, "%s=%.64s: a nic on a bridge has one static address", v6 ? "ipv6.address" : "ipv4.address", value);
	}
	if (r == 0)
		r = check_filter(text, len, "security.ipv4_filtering", "ipv4.address", e);
	return r < 0 ? r : check_filter(text, len, "security.ipv6_filtering", "ipv6.address", e);
}

static bool is_hot(const char *text, size_t len)
{
	return true;
}

/* A managed network is there to be used; what else the host has is root's (parent= is, by its row). */
static bool needs_root(const char *text, size_t len)
{
	char type[32];

	return device_get(text, len, "nictype", type, sizeof(type)) && !strcmp(type, "routed");
}

#define BOOL .type = "true or false", .def = "false", .check = device_check_bool
#define RATE .type = "rate", .def = "no limit", .effect = DEVICE_LIVE, .check = check_rate

static const struct device_property properties[] = {
	{ .name = "network", .type = "network", .def = "none", .effect = DEVICE_AGAIN, .check = net_check_interface,
	  .doc = "the managed network that it is on, instead of nictype= and parent=" },
	{ .name = "nictype", .type = "bridged, macvlan, p2p, physical, routed", .def = "required without network=", .effect = DEVICE_AGAIN,
	  .check = check_nictype, .doc = "how it is connected" },
	{ .name = "parent", .type = "interface", .def = "required but for p2p, routed", .effect = DEVICE_AGAIN, .flags = DEVICE_ROOT,
	  .check = device_check_interface, .doc = "the bridge or interface of the host" },
	{ .name = "name", .type = "interface", .def = "the first free ethN", .effect = DEVICE_AGAIN, .check = device_check_interface,
	  .doc = "its name inside" },
	{ .name = "hwaddr", .type = "MAC address", .def = "made once, kept in volatile/", .effect = DEVICE_AGAIN, .check = net_check_mac,
	  .doc = "its address inside" },
	{ .name = "mtu", .type = "1280 to 16384", .def = "the parent's", .effect = DEVICE_AGAIN, .check = check_mtu,
	  .doc = "largest packet" },
	{ .name = "host_name", .type = "interface", .def = "computed", .effect = DEVICE_AGAIN, .flags = DEVICE_ROOT,
	  .check = device_check_interface, .doc = "name of the host's end (bridged, p2p, routed)" },
	{ .name = "vlan", .type = "1 to 4094, or none", .def = "none", .effect = DEVICE_AGAIN, .flags = DEVICE_ROOT, .check = check_vlan,
	  .doc = "VLAN that it is in, untagged (bridged, macvlan, physical)" },
	{ .name = "mode", .type = "bridge, passthru, private, vepa", .def = "bridge", .effect = DEVICE_AGAIN, .check = check_mode,
	  .doc = "of macvlan" },
	{ .name = "queue.tx.length", .type = "count", .def = "the kernel's", .effect = DEVICE_AGAIN, .check = check_queue,
	  .doc = "packets that wait to be sent" },
	{ .name = "attached", .type = "true or false", .def = "true", .effect = DEVICE_AGAIN, .check = device_check_bool,
	  .doc = "false: the instance does not have it" },
	{ .name = "connected", .type = "true or false", .def = "true", .effect = DEVICE_LIVE, .check = device_check_bool,
	  .doc = "false: as with the cable pulled out" },
	{ .name = "limits.ingress", RATE, .doc = "into the instance: 10Mbit, 1Gibit, bits per second" },
	{ .name = "limits.egress", RATE, .doc = "out of the instance" },
	{ .name = "limits.max", RATE, .doc = "both, instead of the two" },
	{ .name = "limits.priority", .type = "number", .def = "0", .effect = DEVICE_LIVE, .flags = DEVICE_ROOT, .check = device_check_number,
	  .doc = "priority of what it sends, for the queues of the host" },
	{ .name = "ipv4.address", .type = "address", .def = "as DHCP gives", .effect = DEVICE_LIVE, .check = check_hosts4,
	  .doc = "static address, given by the managed network's DHCP; of routed a list, set inside" },
	{ .name = "ipv6.address", .type = "address", .def = "as the network gives", .effect = DEVICE_LIVE, .check = check_hosts6,
	  .doc = "as ipv4.address" },
	{ .name = "ipv4.routes", .type = "subnets", .def = "none", .effect = DEVICE_LIVE, .flags = DEVICE_ROOT, .check = check_routes4,
	  .doc = "what the host routes to it, with commas between several" },
	{ .name = "ipv6.routes", .type = "subnets", .def = "none", .effect = DEVICE_LIVE, .flags = DEVICE_ROOT, .check = check_routes6,
	  .doc = "as ipv4.routes" },
	{ .name = "ipv4.gateway", .type = "auto or none", .def = "auto", .effect = DEVICE_AGAIN, .check = check_gateway,
	  .doc = "whether a routed nic has the default route" },
	{ .name = "ipv6.gateway", .type = "auto or none", .def = "auto", .effect = DEVICE_AGAIN, .check = check_gateway,
	  .doc = "as ipv4.gateway" },
	{ .name = "ipv4.host_address", .type = "address", .def = "169.254.0.1", .effect = DEVICE_AGAIN, .check = check_host4,
	  .doc = "the host's address for a routed nic" },
	{ .name = "ipv6.host_address", .type = "address", .def = "fe80::1", .effect = DEVICE_AGAIN, .check = check_host6,
	  .doc = "as ipv4.host_address" },
	{ .name = "security.mac_filtering", BOOL, .effect = DEVICE_LIVE, .doc = "drop what it sends from another MAC address" },
	{ .name = "security.ipv4_filtering", BOOL, .effect = DEVICE_LIVE, .doc = "drop what it sends from another IPv4 address" },
	{ .name = "security.ipv6_filtering", BOOL, .effect = DEVICE_LIVE, .doc = "drop what it sends from another IPv6 address" },
	{ .name = "security.port_isolation", BOOL, .effect = DEVICE_LIVE, .doc = "it reaches the host, but no other isolated port" },
	{ .name = "boot.priority", .type = "number", .def = "0", .effect = DEVICE_LIVE, .check = device_check_number,
	  .doc = "the order in which virtual machines try nics; kept, without meaning for containers" },
	{ .name = NULL },
};

static const char *const later[] = {
	"acceleration", "gvrp", "ipv4.host_table", "ipv4.host_tables", "ipv4.neighbor_probe", "ipv4.routes.external",
	"ipv6.host_table", "ipv6.host_tables", "ipv6.neighbor_probe", "ipv6.routes.external", "maas.*", "security.acls*",
	"security.promiscuous", "vlan.tagged", NULL,
};

const struct device_type device_nic = {
	.name = "nic", .doc = "a network interface", .properties = properties, .later = later, .check = check_nic, .hot = is_hot,
	.needs_root = needs_root,
};
