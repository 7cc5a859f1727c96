// SPDX-License-Identifier: LGPL-2.1-or-later
/* What dnsmasq reads: its configuration and the hosts of instances. Text only; every value was checked, none has a newline. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/object.h"
#include "backends/network/dnsmasq.h"

bool dnsmasq_wanted(const struct network_config *c)
{
	return c->ip4.address.family || c->ip6.address.family;
}

void dnsmasq_dir(const char *network, char *buf, size_t size)
{
	snprintf(buf, size, "%s/networks/%.15s", model_rundir(), network);
}

/* The n-th address of a subnet, or from its end. */
static struct net_address nth(const struct net_address *subnet, unsigned n, bool from_end)
{
	struct net_address a = net_base(subnet);
	unsigned bits = a.family == AF_INET ? 32 : 128, last = bits / 8 - 1;

	if (!from_end) {
		a.bytes[last] = (uint8_t)(a.bytes[last] | n);
		return a;
	}
	for (unsigned i = a.prefix; i < bits; i++)
		a.bytes[i / 8] |= (uint8_t)(0x80u >> i % 8);
	a.bytes[last] = (uint8_t)(a.bytes[last] - n);
	return a;
}

struct range_print {
	const struct network_config *c;
	struct buf *out;
};

static int print_range4(const struct net_address *first, const struct net_address *last, void *arg)
{
	const struct range_print *p = arg;
	char a[NET_ADDRESS_SIZE], b[NET_ADDRESS_SIZE];

	buf_addf(p->out, "dhcp-range=%s,%s,%" PRIu64 "\n", net_print(first, false, a), net_print(last, false, b), p->c->ip4.expiry);
	return 0;
}

static void print_ip4(const struct network_config *c, struct buf *out)
{
	struct range_print p = { c, out };
	struct net_address first = nth(&c->ip4.address, 1, false), last = nth(&c->ip4.address, 1, true);

	if (!c->ip4.address.family || !c->ip4.dhcp)
		return;
	if (c->ranges[0])
		net_each_range(c->ranges, AF_INET, print_range4, &p, NULL);
	else
		print_range4(&first, &last, &p);
	if (c->mtu != 1500)
		buf_addf(out, "dhcp-option=option:mtu,%u\n", c->mtu);
}

static void print_ip6(const struct network_config *c, struct buf *out)
{
	struct net_address first = nth(&c->ip6.address, 2, false), last = nth(&c->ip6.address, 0, true);
	char a[NET_ADDRESS_SIZE], b[NET_ADDRESS_SIZE];

	if (!c->ip6.address.family)
		return;
	buf_addstr(out, "enable-ra\n");
	if (!c->ip6.dhcp)
		buf_addf(out, "dhcp-range=::,constructor:%s,ra-only\n", c->name);
	else if (!c->ip6.stateful)
		buf_addf(out, "dhcp-range=::,constructor:%s,ra-stateless,ra-names,%" PRIu64 "\n", c->name, c->ip6.expiry);
	else
		buf_addf(out, "dhcp-range=%s,%s,%u,%" PRIu64 "\n", net_print(&first, false, a), net_print(&last, false, b),
			 c->ip6.address.prefix, c->ip6.expiry);
}

void dnsmasq_print(const struct network_config *c, const char *user, struct buf *out)
{
	char dir[192];

	dnsmasq_dir(c->name, dir, sizeof(dir));
	buf_addf(out, "# Made by instfs; changes are lost. Lines of your own go into config/raw.dnsmasq.\nuser=%s\npid-file=\n", user);
	buf_addf(out, "interface=%s\nexcept-interface=lo\nbind-dynamic\nlog-facility=%s/dnsmasq.log\n", c->name, dir);
	buf_addstr(out, "strict-order\nno-ping\ndhcp-authoritative\ndhcp-no-override\ndhcp-rapid-commit\nquiet-dhcp\nquiet-dhcp6\nquiet-ra\n");
	buf_addf(out, "dhcp-leasefile=%s/networks/%s/dnsmasq.leases\ndhcp-hostsdir=%s/hosts\n", model_dir(), c->name, dir);
	buf_addf(out, "domain=%s\nlocal=/%s/\n", c->domain, c->domain);
	/* whose name is not ours to give may not take one, perhaps that of another instance */
	if (c->dns == NETWORK_DNS_MANAGED)
		buf_addstr(out, "dhcp-ignore-names=tag:!known\n");
	else if (c->dns == NETWORK_DNS_NONE)
		buf_addstr(out, "dhcp-ignore-names\n");
	print_ip4(c, out);
	print_ip6(c, out);
	if (c->raw)
		buf_addf(out, "%s\n", c->raw);
}
