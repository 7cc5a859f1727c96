// SPDX-License-Identifier: LGPL-2.1-or-later
/* What ip, tc and nft are told for a nic. Pure text; every value in it was checked. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <arpa/inet.h>

#include "backends/core/buf.h"
#include "backends/network/nic.h"

/* ---- interfaces ---- */

static void print_settings(const struct nic *n, const char *interface, struct buf *ip)
{
	if (n->mtu)
		buf_addf(ip, "link set dev %s mtu %u\n", interface, n->mtu);
	if (n->txqueue)
		buf_addf(ip, "link set dev %s txqueuelen %u\n", interface, n->txqueue);
}

void nic_print_links(const struct nic *n, struct buf *ip)
{
	switch (n->kind) {
	case NIC_BRIDGED:
	case NIC_P2P:
	case NIC_ROUTED:
		buf_addf(ip, "link add name %s type veth peer name %s address %s\n", n->host, n->peer, n->hwaddr);
		print_settings(n, n->host, ip);
		break;
	case NIC_MACVLAN:
		buf_addf(ip, "link add link %s", n->parent);
		if (n->vlan > 0)
			buf_addf(ip, ".%d", n->vlan);
		buf_addf(ip, " name %s address %s type macvlan mode %s\n", n->peer, n->hwaddr, n->mode);
		break;
	case NIC_PHYSICAL:
		if (n->vlan > 0)
			buf_addf(ip, "link add link %s name %s type vlan id %d\n", n->parent, n->peer, n->vlan);
		if (n->hwaddr[0])
			buf_addf(ip, "link set dev %s down\nlink set dev %s address %s\n", n->peer, n->peer, n->hwaddr);
		break;
	}
	print_settings(n, n->peer, ip);
}

void nic_print_port(const struct nic *n, struct buf *ip)
{
	if (!n->host[0])
		return;
	if (n->kind == NIC_BRIDGED)
		buf_addf(ip, "link set dev %s master %s\nlink set dev %s type bridge_slave isolated %s\n", n->host, n->parent, n->host,
			 n->isolated ? "on" : "off");
	buf_addf(ip, "link set dev %s %s\n", n->host, n->connected ? "up" : "down");
}

/* ---- routes ---- */

struct route_print {
	const struct nic *n;
	struct buf *ip;
	const char *verb;	/* "replace", "del" */
	const char *keep;	/* a list: what stands in it is left alone */
	bool none;		/* there are no routes: see holds_routes() */
};

static int is_word(const char *word, void *arg)
{
	return !strcmp(word, arg);
}

static bool lists(const char *list, const char *word)
{
	char copy[128];

	snprintf(copy, sizeof(copy), "%s", word);
	return list && *list && net_each_word(list, is_word, copy, NULL) == 1;
}

static int print_route(const char *word, void *arg)
{
	const struct route_print *p = arg;
	const char *dev = p->n->kind == NIC_BRIDGED ? p->n->parent : p->n->host;

	if (!p->none && !lists(p->keep, word))
		buf_addf(p->ip, "route %s %s dev %s proto static\n", p->verb, word, dev);
	return 0;
}

static int print_proxy(const char *word, void *arg)
{
	const struct route_print *p = arg;

	if (!lists(p->keep, word))
		buf_addf(p->ip, "neigh %s proxy %s dev %s\n", p->verb, word, p->n->parent);
	return 0;
}

static void print_each(const char *list, int (*f)(const char *, void *), struct route_print *p)
{
	if (list[0])
		net_each_word(list, f, p, NULL);
}

static void print_family(const struct nic *n, const char *ip, const char *routes, struct route_print *p)
{
	print_each(routes, print_route, p);
	if (n->kind != NIC_ROUTED)
		return;
	print_each(ip, print_route, p);
	if (n->parent[0])
		print_each(ip, print_proxy, p);
}

/* An interface that is down has lost its routes, and takes none. */
static bool holds_routes(const struct nic *n)
{
	return n->kind == NIC_BRIDGED || n->connected;
}

void nic_print_routes(const struct nic *n, const struct nic *before, struct buf *ip)
{
	struct route_print p = { .n = before, .ip = ip, .verb = "del", .keep = n ? n->routes4 : NULL };

	if (before) {
		p.none = !holds_routes(before) || (n && !holds_routes(n));
		print_each(before->routes4, print_route, &p);
		p.keep = n ? n->routes6 : NULL;
		print_each(before->routes6, print_route, &p);
		p.keep = n ? n->ip4 : NULL;
		print_family(before, before->ip4, "", &p);
		p.keep = n ? n->ip6 : NULL;
		print_family(before, before->ip6, "", &p);
	}
	if (!n)
		return;
	p = (struct route_print){ .n = n, .ip = ip, .verb = "replace", .none = !holds_routes(n) };
	if (n->kind == NIC_ROUTED && n->ip4[0])
		buf_addf(ip, "address replace %s/32 dev %s\n", n->host4, n->host);
	if (n->kind == NIC_ROUTED && n->ip6[0])
		buf_addf(ip, "address replace %s/128 dev %s nodad\n", n->host6, n->host);
	print_family(n, n->ip4, n->routes4, &p);
	print_family(n, n->ip6, n->routes6, &p);
}

/* ---- rates ---- */

static void print_shaper(const char *interface, uint64_t rate, bool fresh, struct buf *tc)
{
	if (fresh)
		buf_addf(tc, "qdisc add dev %s root handle 1: htb default 10\n", interface);
	buf_addf(tc, "class %s dev %s parent 1: classid 1:10 htb rate %" PRIu64 "bit ceil %" PRIu64 "bit\n", fresh ? "add" : "change",
		 interface, rate, rate);
}

void nic_print_rates(const struct nic *n, const struct nic *before, struct buf *tc)
{
	uint64_t in = before ? before->ingress : 0, out = before ? before->egress : 0;

	if (!n->host[0])
		return;
	if (n->ingress)
		print_shaper(n->host, n->ingress, !in, tc);
	else if (in)
		buf_addf(tc, "qdisc del dev %s root\n", n->host);
	if (n->egress)
		print_shaper(n->ifb, n->egress, !out, tc);
	if (n->egress && !out) {
		buf_addf(tc, "qdisc add dev %s handle ffff: ingress\n", n->host);
		buf_addf(tc, "filter add dev %s parent ffff: protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev %s\n",
			 n->host, n->ifb);
	} else if (out && !n->egress) {
		buf_addf(tc, "qdisc del dev %s handle ffff: ingress\n", n->host);
	}
}

/* ---- filters ---- */

bool nic_has_filter(const struct nic *n)
{
	return n->host[0] && ((n->kind == NIC_BRIDGED && n->mac_filter) || n->has_priority);
}

/* 0x00163e010203, as raw payload is compared. */
static void mac_number(const char *mac, char buf[15])
{
	unsigned b[6] = { 0 };

	sscanf(mac, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]);
	snprintf(buf, 15, "0x%02x%02x%02x%02x%02x%02x", b[0] & 255, b[1] & 255, b[2] & 255, b[3] & 255, b[4] & 255, b[5] & 255);
}

/* The link-local address that a kernel makes of a MAC address. */
static void link_local(const char *mac, char buf[INET6_ADDRSTRLEN])
{
	unsigned b[6] = { 0 };

	sscanf(mac, "%2x:%2x:%2x:%2x:%2x:%2x", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5]);
	snprintf(buf, INET6_ADDRSTRLEN, "fe80::%x:%x:%x:%x", (b[0] ^ 2) << 8 | b[1], b[2] << 8 | 0xff, 0xfe00u | b[3], b[4] << 8 | b[5]);
}

static void print_mac_filter(const struct nic *n, struct buf *nft)
{
	char number[15];

	mac_number(n->hwaddr, number);
	buf_addf(nft, "\t\tether saddr != %s drop\n\t\tarp saddr ether != %s drop\n", n->hwaddr, n->hwaddr);
	/* In neighbour discovery the address stands once more, in the first option, 24 bytes behind the beginning; more than one
	 * option, and headers before it, are what no neighbour needs. A solicitation from :: has a nonce there. */
	buf_addf(nft, "\t\ticmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } ip6 length > 32 drop\n");
	buf_addf(nft, "\t\ticmpv6 type nd-neighbor-advert ip6 length > 24 @th,192,8 != 2 drop\n");
	buf_addf(nft, "\t\ticmpv6 type nd-neighbor-advert ip6 length > 24 @th,208,48 != %s drop\n", number);
	buf_addf(nft, "\t\tip6 saddr != :: icmpv6 type nd-neighbor-solicit ip6 length > 24 @th,192,8 != 1 drop\n");
	buf_addf(nft, "\t\tip6 saddr != :: icmpv6 type nd-neighbor-solicit ip6 length > 24 @th,208,48 != %s drop\n", number);
}

/* As a number, because raw payload has no type. */
static int not_target(const char *word, void *arg)
{
	struct net_address a;

	if (net_parse_host(word, AF_INET6, &a, NULL) < 0)
		return 0;
	buf_addstr(arg, " @th,64,128 != 0x");
	for (int i = 0; i < 16; i++)
		buf_addf(arg, "%02x", a.bytes[i]);
	return 0;
}

/* What is accepted ends the walk, so that everything about ARP and NDP stands before. */
static void print_ip4_filter(const struct nic *n, struct buf *nft)
{
	buf_addf(nft, "\t\tarp saddr ip != { %s } drop\n", n->ip4);
	buf_addstr(nft, "\t\tip saddr 0.0.0.0 ip daddr 255.255.255.255 udp dport 67 accept\n");
	buf_addf(nft, "\t\tip saddr != { %s } drop\n", n->ip4);
}

static void print_ip6_filter(const struct nic *n, struct buf *nft)
{
	char own[INET6_ADDRSTRLEN];

	link_local(n->hwaddr, own);
	buf_addstr(nft, "\t\ticmpv6 type { nd-router-advert, nd-redirect } drop\n");
	/* the target of an advertisement stands behind its 8 bytes; only own addresses may be told */
	buf_addstr(nft, "\t\ticmpv6 type nd-neighbor-advert");
	not_target(own, nft);
	net_each_word(n->ip6, not_target, nft, NULL);
	buf_addstr(nft, " drop\n");
	buf_addstr(nft, "\t\tip6 saddr :: icmpv6 type { nd-neighbor-solicit, mld2-listener-report, nd-router-solicit } accept\n");
	buf_addf(nft, "\t\tip6 saddr != { %s, %s } drop\n", n->ip6, own);
}

static void print_bridge_table(const struct nic *n, struct buf *nft)
{
	buf_addf(nft, "table bridge instfs-%s {\n\tchain from {\n\t\ttype filter hook prerouting priority -300; policy accept;\n", n->host);
	buf_addf(nft, "\t\tiifname != \"%s\" accept\n", n->host);
	print_mac_filter(n, nft);
	if (n->ip4_filter || n->ip6_filter)
		/* what hides in tags and tunnels is not looked into */
		buf_addstr(nft, "\t\tether type != { arp, ip, ip6 } drop\n");
	if (n->ip6_filter)
		print_ip6_filter(n, nft);
	if (n->ip4_filter)
		print_ip4_filter(n, nft);
	buf_addstr(nft, "\t}\n}\n");
}

void nic_print_filter(const struct nic *n, struct buf *nft)
{
	buf_addf(nft, "table bridge instfs-%s\ndelete table bridge instfs-%s\n", n->host, n->host);
	buf_addf(nft, "table netdev instfs-%s\ndelete table netdev instfs-%s\n", n->host, n->host);
	if (n->kind == NIC_BRIDGED && n->mac_filter)
		print_bridge_table(n, nft);
	if (n->has_priority)
		buf_addf(nft, "table netdev instfs-%s {\n\tchain from {\n\t\ttype filter hook ingress device \"%s\" priority 0;\n"
			      "\t\tmeta priority set %x:%x\n\t}\n}\n",
			 n->host, n->host, n->priority >> 16, n->priority & 0xffff);
}
