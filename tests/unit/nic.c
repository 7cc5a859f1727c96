// SPDX-License-Identifier: LGPL-2.1-or-later
/* Nics: what the text of a device says, and the lines for ip, tc and nft. */
#include <stdlib.h>

#include "backends/core/buf.h"
#include "backends/network/nic.h"
#include "tests/unit/unit.h"

static struct nic parse(const char *text)
{
	struct nic n;

	nic_parse(7, "eth0", text, strlen(text), &n);
	if (!n.hwaddr[0])
		strcpy(n.hwaddr, "00:16:3e:01:02:03");
	return n;
}

static bool has(struct buf *b, const char *line)
{
	bool r = strstr(buf_str(b), line) != NULL;

	if (!r)
		fprintf(stderr, "%s", buf_str(b));
	return r;
}

static void test_names(void)
{
	struct nic a = parse("type=nic\nnetwork=br0\n"), b = parse("type=nic\nnictype=p2p\nhost_name=p0\nlimits.max=1Mbit\n"), c;

	CHECK(a.kind == NIC_BRIDGED && !strcmp(a.parent, "br0") && !strncmp(a.host, "veth", 4) && !strncmp(a.peer, "inst", 4));
	CHECK(b.kind == NIC_P2P && !strcmp(b.host, "p0") && b.ingress == 1000000 && b.egress == 1000000 && !strcmp(a.peer, b.peer));
	nic_parse(8, "eth0", "type=nic\nnetwork=br0\n", 21, &c);
	CHECK(strcmp(a.host, c.host) != 0);
	c = parse("type=nic\nnictype=physical\nparent=e0\n");
	CHECK(!strcmp(c.peer, "e0") && !c.host[0] && c.vlan == -1 && c.connected);
}

static void test_links_and_routes(void)
{
	struct nic n = parse("type=nic\nnetwork=br0\nmtu=1400\nipv4.routes=10.8.0.0/16, 10.9.0.0/16\nsecurity.port_isolation=yes\n");
	struct nic m = parse("type=nic\nnetwork=br0\nipv4.routes=10.9.0.0/16\n");
	_cleanup_buf_ struct buf b = BUF_INIT;

	nic_print_links(&n, &b);
	nic_print_port(&n, &b);
	CHECK(has(&b, "type veth peer name inst") && has(&b, "mtu 1400\n") && has(&b, " master br0\n") && has(&b, " isolated on\n"));
	buf_reset(&b);
	nic_print_routes(&n, NULL, &b);
	CHECK(has(&b, "route replace 10.8.0.0/16 dev br0 proto static\nroute replace 10.9.0.0/16 dev br0 proto static\n"));
	buf_reset(&b);
	nic_print_routes(&m, &n, &b);
	CHECK(has(&b, "route del 10.8.0.0/16 dev br0") && !strstr(buf_str(&b), "del 10.9"));
	n = parse("type=nic\nnictype=routed\nparent=e0\nipv4.address=10.3.0.5\n");
	buf_reset(&b);
	nic_print_routes(&n, NULL, &b);
	CHECK(has(&b, "address replace 169.254.0.1/32 dev veth") && has(&b, "neigh replace proxy 10.3.0.5 dev e0\n"));
	CHECK(n.gateway4 && !n.gateway6);
	m = parse("type=nic\nnictype=routed\nparent=e0\nipv4.address=10.3.0.6\nconnected=no\n");
	buf_reset(&b);
	nic_print_routes(&m, &n, &b);
	nic_print_routes(&n, &m, &b);
	CHECK(!strstr(buf_str(&b), "route del") && !strstr(buf_str(&b), "route replace 10.3.0.6") && has(&b, "route replace 10.3.0.5"));
	n = parse("type=nic\nnictype=macvlan\nparent=e0\nmode=private\n");
	buf_reset(&b);
	nic_print_links(&n, &b);
	CHECK(has(&b, "link add link e0 name inst") && has(&b, " type macvlan mode private\n"));
}

static void test_rates(void)
{
	struct nic none = parse("type=nic\nnetwork=br0\n"), n = parse("type=nic\nnetwork=br0\nlimits.ingress=10Mbit\nlimits.egress=5Mbit\n");
	_cleanup_buf_ struct buf b = BUF_INIT;

	nic_print_rates(&none, NULL, &b);
	CHECK(!b.len);
	nic_print_rates(&n, NULL, &b);
	CHECK(has(&b, "qdisc add dev veth") && has(&b, "htb rate 10000000bit") && has(&b, "htb rate 5000000bit") && has(&b, "redirect dev ifb"));
	buf_reset(&b);
	nic_print_rates(&n, &n, &b);
	CHECK(has(&b, "class change") && !strstr(buf_str(&b), "qdisc"));
	buf_reset(&b);
	nic_print_rates(&none, &n, &b);
	CHECK(has(&b, " root\n") && has(&b, "qdisc del dev") && !strstr(buf_str(&b), "class"));
}

static void test_filters(void)
{
	struct nic n = parse("type=nic\nnetwork=br0\nsecurity.ipv4_filtering=true\nipv4.address=10.0.0.5\n");
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *drop, *accept;

	CHECK(n.mac_filter && nic_has_filter(&n));
	nic_print_filter(&n, &b);
	CHECK(has(&b, "ether saddr != 00:16:3e:01:02:03 drop") && has(&b, "ip saddr != { 10.0.0.5 } drop"));
	CHECK(has(&b, "arp saddr ip != { 10.0.0.5 } drop") && has(&b, "@th,208,48 != 0x00163e010203 drop"));
	/* nothing is accepted before all of ARP was looked at */
	drop = strstr(buf_str(&b), "arp saddr ip");
	accept = strstr(strstr(buf_str(&b), "iifname != ") + 20, "dport 67 accept");
	CHECK(drop && accept && drop < accept);
	n = parse("type=nic\nnetwork=br0\nsecurity.ipv6_filtering=true\nipv6.address=fd42::5\nlimits.priority=65543\n");
	buf_reset(&b);
	nic_print_filter(&n, &b);
	CHECK(has(&b, "!= 0xfe8000000000000002163efffe010203 @th,64,128 != 0xfd420000000000000000000000000005 drop"));
	CHECK(has(&b, "ip6 saddr != { fd42::5, fe80::216:3eff:fe01:203 } drop") && has(&b, "meta priority set 1:7"));
	n = parse("type=nic\nnetwork=br0\n");
	buf_reset(&b);
	nic_print_filter(&n, &b);
	CHECK(!nic_has_filter(&n) && has(&b, "delete table bridge instfs-veth") && !strstr(buf_str(&b), "chain"));
}

int main(void)
{
	test_names();
	test_links_and_routes();
	test_rates();
	test_filters();
	return UNIT_END();
}
