// SPDX-License-Identifier: LGPL-2.1-or-later
/* The keys of networks: rows and the checks of their values. What must fit together is checked in network_config.c. */
#include "backends/core/keys.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "backends/core/keys_check.h"
#include "backends/core/value.h"
#include "backends/core/value_net.h"

#define LEASE_MIN 120u		/* seconds; the shortest lease that dnsmasq gives */

static int check_subnet(const char *value, int family, struct err *e)
{
	struct net_address a;

	if (!strcmp(value, "none") || !strcmp(value, "auto"))
		return 0;
	if (!strchr(value, '/'))
		return err_set(e, EINVAL, "\"%.64s\" is not an address with its prefix (%s), auto or none", value,
			       family == AF_INET ? "10.0.0.1/24" : "fd42:1:2:3::1/64");
	return net_parse_subnet(value, family, &a, e);
}

static KEY_CHECK(subnet4)
{
	return check_subnet(value, AF_INET, e);
}

static KEY_CHECK(subnet6)
{
	return check_subnet(value, AF_INET6, e);
}

static int any_range(const struct net_address *first, const struct net_address *last, void *arg)
{
	return 0;
}

static KEY_CHECK(ranges4)
{
	return net_each_range(value, AF_INET, any_range, NULL, e);
}

static KEY_CHECK(lease)
{
	uint64_t s;
	int r = value_duration(value, &s, e);

	if (r == 0 && (s < LEASE_MIN || s > INT32_MAX))
		return err_set(e, ERANGE, "a lease lasts at least %u seconds and at most %d", LEASE_MIN, INT32_MAX);
	return r;
}

static KEY_CHECK(mtu)
{
	int64_t v;

	return value_int(value, 1280, 16384, &v, e);
}

static KEY_CHECK(mac)
{
	return net_check_mac(value, e);
}

static int one_interface(const char *word, void *arg)
{
	return net_check_interface(word, arg);
}

static KEY_CHECK(interfaces)
{
	return net_each_word(value, one_interface, e, e);
}

static bool is_label(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return false;
	return n && n <= 63 && s[0] != '-' && s[n - 1] != '-';
}

static KEY_CHECK(domain)
{
	const char *s = value;
	size_t n;

	for (; (n = strcspn(s, ".")), is_label(s, n) && s[n]; s += n + 1)
		;
	if (is_label(s, n) && strlen(value) <= 200)
		return 0;
	return err_set(e, EINVAL, "\"%.64s\" is not a domain: words of letters, digits and - with dots between them", value);
}

static KEY_CHECK(dns_mode)
{
	if (!strcmp(value, "managed") || !strcmp(value, "dynamic") || !strcmp(value, "none"))
		return 0;
	return err_set(e, EINVAL, "\"%.32s\" is not one of managed, dynamic, none", value);
}

static KEY_SAME(case_blind)
{
	return !strcasecmp(a, b);
}

#define NETWORK .live = KEY_LIVE, .flags = KEY_NETWORK
#define BOOL .type = "bool", .check = key_check_bool, .same = key_same_bool
#define LEASE .type = "time span", .check = key_check_lease, .same = key_same_seconds

const struct key key_network_table[] = {
	{ .name = "bridge.external_interfaces", .type = "interfaces", .def = "none", .live = KEY_LIVE, .flags = KEY_NETWORK | KEY_ROOT,
	  .check = key_check_interfaces,
	  .doc = "interfaces of the host, with commas between them, that become ports of the bridge" },
	{ .name = "bridge.hwaddr", .type = "MAC address", .def = "a random one, in volatile/", NETWORK, .check = key_check_mac,
	  .same = key_same_case_blind, .doc = "address of the bridge" },
	{ .name = "bridge.mtu", .type = "1280 to 16384", .def = "1500", NETWORK, .check = key_check_mtu, .same = key_same_integer,
	  .doc = "largest packet, of the bridge and of instances that do not say otherwise" },
	{ .name = "dns.domain", .type = "domain", .def = "instfs", NETWORK, .check = key_check_domain, .same = key_same_case_blind,
	  .doc = "what follows the names of instances" },
	{ .name = "dns.mode", .type = "managed, dynamic or none", .def = "managed", NETWORK, .check = key_check_dns_mode,
	  .doc = "names in DNS: of the instances; as clients ask for; none" },
	{ .name = "ipv4.address", .type = "address, auto or none", .def = "none", NETWORK, .check = key_check_subnet4,
	  .doc = "10.0.0.1/24: address of the host and by it the subnet; auto: a free one, shown in volatile/" },
	{ .name = "ipv4.dhcp", BOOL, .def = "true", NETWORK, .doc = "whether addresses are given by DHCP" },
	{ .name = "ipv4.dhcp.expiry", LEASE, .def = "1h", NETWORK, .doc = "how long a lease lasts" },
	{ .name = "ipv4.dhcp.ranges", .type = "ranges", .def = "the whole subnet", NETWORK, .check = key_check_ranges4,
	  .doc = "FIRST-LAST, with commas between several: addresses that are given to whoever asks" },
	{ .name = "ipv4.firewall", BOOL, .def = "true", NETWORK,
	  .doc = "nft lets DHCP, DNS and forwarded packets through, and keeps others than the network from its DHCP and DNS" },
	{ .name = "ipv4.nat", BOOL, .def = "true with auto, else false", NETWORK, .doc = "what leaves the network has the host's address" },
	{ .name = "ipv6.address", .type = "address, auto or none", .def = "none", NETWORK, .check = key_check_subnet6,
	  .doc = "fd42:1:2:3::1/64: as ipv4.address" },
	{ .name = "ipv6.dhcp", BOOL, .def = "true", NETWORK, .doc = "whether DHCPv6 answers; without it router advertisements alone" },
	{ .name = "ipv6.dhcp.expiry", LEASE, .def = "1h", NETWORK, .doc = "how long a lease lasts" },
	{ .name = "ipv6.dhcp.stateful", BOOL, .def = "false", NETWORK,
	  .doc = "addresses by DHCPv6 instead of those that instances make up" },
	{ .name = "ipv6.firewall", BOOL, .def = "true", NETWORK, .doc = "as ipv4.firewall" },
	{ .name = "ipv6.nat", BOOL, .def = "true with auto, else false", NETWORK, .doc = "as ipv4.nat" },
	{ .name = "raw.dnsmasq", .type = "configuration", .def = "unset", .live = KEY_LIVE, .flags = KEY_NETWORK | KEY_ROOT | KEY_MULTILINE,
	  .check = key_check_text, .doc = "lines added to the configuration of dnsmasq" },
	{ .name = NULL },
};
