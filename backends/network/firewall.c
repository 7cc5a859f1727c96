// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/network/firewall.h"

#include <string.h>

static bool active(const struct network_family *f)
{
	return f->address.family && (f->nat || f->firewall);
}

bool firewall_wanted(const struct network_config *c)
{
	return active(&c->ip4) || active(&c->ip6);
}

void firewall_print_removal(const char *network, struct buf *out)
{
	/* to delete what is not there would be an error: it is made first */
	buf_addf(out, "table inet instfs-%s\ndelete table inet instfs-%s\n", network, network);
}

/* What the network's own DHCP and DNS are asked. Others reach the host's address in it too, and get no answer. */
static void print_input(const struct network_config *c, const struct network_family *f, struct buf *out)
{
	bool v4 = f->address.family == AF_INET;
	const char *proto = v4 ? "ip" : "ip6", *ports = v4 ? "53, 67" : "53, 547";
	char text[NET_ADDRESS_SIZE];

	if (!f->address.family || !f->firewall)
		return;
	net_print(&f->address, false, text);
	buf_addf(out, "\t\tiifname \"%s\" meta nfproto %s udp dport { %s } accept\n", c->name, v4 ? "ipv4" : "ipv6", ports);
	buf_addf(out, "\t\tiifname \"%s\" meta nfproto %s tcp dport 53 accept\n", c->name, v4 ? "ipv4" : "ipv6");
	buf_addf(out, "\t\tiifname != { \"%s\", \"lo\" } %s daddr %s udp dport { %s } drop\n", c->name, proto, text, ports);
	buf_addf(out, "\t\tiifname != { \"%s\", \"lo\" } %s daddr %s tcp dport 53 drop\n", c->name, proto, text);
}

static void print_forward(const struct network_config *c, const struct network_family *f, struct buf *out)
{
	const char *family = f->address.family == AF_INET ? "ipv4" : "ipv6";

	if (!f->address.family || !f->firewall)
		return;
	buf_addf(out, "\t\tiifname \"%s\" meta nfproto %s accept\n", c->name, family);
	buf_addf(out, "\t\toifname \"%s\" meta nfproto %s accept\n", c->name, family);
}

static void print_nat(const struct network_family *f, struct buf *out)
{
	const char *proto = f->address.family == AF_INET ? "ip" : "ip6";
	struct net_address base = net_base(&f->address);
	char text[NET_ADDRESS_SIZE];

	if (!f->address.family || !f->nat)
		return;
	net_print(&base, true, text);
	buf_addf(out, "\t\t%s saddr %s %s daddr != %s masquerade\n", proto, text, proto, text);
}

void firewall_print(const struct network_config *c, struct buf *out)
{
	const struct network_family *const families[] = { &c->ip4, &c->ip6 };

	firewall_print_removal(c->name, out);
	if (!firewall_wanted(c))
		return;
	buf_addf(out, "table inet instfs-%s {\n\tchain input {\n\t\ttype filter hook input priority filter; policy accept;\n", c->name);
	for (int i = 0; i < 2; i++)
		print_input(c, families[i], out);
	buf_addstr(out, "\t}\n\tchain forward {\n\t\ttype filter hook forward priority filter; policy accept;\n");
	for (int i = 0; i < 2; i++)
		print_forward(c, families[i], out);
	buf_addstr(out, "\t}\n\tchain nat {\n\t\ttype nat hook postrouting priority srcnat; policy accept;\n");
	for (int i = 0; i < 2; i++)
		print_nat(families[i], out);
	buf_addstr(out, "\t}\n}\n");
}
