// SPDX-License-Identifier: LGPL-2.1-or-later
/* See proxy_nat.h. */
#include "backends/network/proxy_nat.h"

#include <stdio.h>

#include "backends/network/host.h"
#include "backends/network/nic.h"
#include "backends/network/program.h"

static void print_removal(const char *table, struct buf *out)
{
	buf_addf(out, "table inet %s\ndelete table inet %s\n", table, table);
}

static void table_name(uint32_t instance, const char *device, char buf[32])
{
	snprintf(buf, 32, "instfs-proxy%08x", nic_number(instance, device));
}

static void print_targets(const struct proxy *p, struct buf *out)
{
	bool v4 = p->listen.address.family == AF_INET;
	const char *ip = v4 ? "ip" : "ip6", *proto = p->listen.protocol == PROXY_TCP ? "tcp" : "udp";
	char from[NET_ADDRESS_SIZE], to[NET_ADDRESS_SIZE];

	net_print(&p->listen.address, false, from);
	net_print(&p->connect.address, false, to);
	for (unsigned i = 0; i < p->listen.n; i++)
		buf_addf(out, v4 ? "\t\t%s daddr %s %s dport %u dnat %s to %s:%u\n" : "\t\t%s daddr %s %s dport %u dnat %s to [%s]:%u\n", ip, from,
			 proto, p->listen.ports[i], ip, to, p->connect.ports[proxy_target(p, i)]);
}

/* From outside, from the host itself, and from the instance to itself by the host's address (which must come back this way). */
static void print_table(const char *table, const struct proxy *p, struct buf *out)
{
	const char *ip = p->listen.address.family == AF_INET ? "ip" : "ip6";
	char to[NET_ADDRESS_SIZE];

	net_print(&p->connect.address, false, to);
	buf_addf(out, "table inet %s {\n\tchain from {\n\t\ttype nat hook prerouting priority dstnat; policy accept;\n", table);
	print_targets(p, out);
	buf_addstr(out, "\t}\n\tchain host {\n\t\ttype nat hook output priority -100; policy accept;\n");
	print_targets(p, out);
	buf_addf(out, "\t}\n\tchain back {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n"
		      "\t\t%s saddr %s %s daddr %s masquerade\n\t}\n}\n", ip, to, ip, to);
}

int proxy_nat_make(uint32_t instance, const char *device, const struct proxy *p, struct err *e)
{
	_cleanup_buf_ struct buf nft = BUF_INIT;
	bool v4 = p->listen.address.family == AF_INET;
	char table[32];
	int r = host_sysctl(v4 ? "ipv4/ip_forward" : "ipv6/conf/all/forwarding", "1", e);

	if (r < 0)
		return r;
	table_name(instance, device, table);
	print_removal(table, &nft);
	print_table(table, p, &nft);
	return program_batch(PROGRAM_NFT, &nft, e);
}

int proxy_nat_remove(uint32_t instance, const char *device, struct err *e)
{
	_cleanup_buf_ struct buf nft = BUF_INIT;
	char table[32];

	table_name(instance, device, table);
	print_removal(table, &nft);
	return program_batch(PROGRAM_NFT, &nft, e);
}
