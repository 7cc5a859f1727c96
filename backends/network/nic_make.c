// SPDX-License-Identifier: LGPL-2.1-or-later
/* Making nics and taking them away: the texts of nic_text.c, in an order in which nothing passes before it is limited and filtered. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/network/host.h"
#include "backends/network/nic.h"
#include "backends/network/program.h"

static const char *kernel_lacks(const struct nic *n)
{
	return n->kind == NIC_MACVLAN ? "macvlan interfaces" : n->kind == NIC_PHYSICAL ? "VLAN interfaces" : "veth interfaces";
}

/* The kernel's words for a missing driver say little. */
static int explain(const struct nic *n, int r, struct err *e)
{
	if (r == -EOPNOTSUPP && n->vlan > 0 && n->kind != NIC_BRIDGED)
		return err_set(e, EOPNOTSUPP, "vlan=%d: this kernel cannot make VLAN interfaces, or not there", n->vlan);
	if (r == -EOPNOTSUPP)
		return err_set(e, EOPNOTSUPP, "this kernel has no %s", kernel_lacks(n));
	return r;
}

static int check_parent(const struct nic *n, struct err *e)
{
	if (!n->parent[0])
		return 0;
	if (!host_has(n->parent))
		return err_set(e, ENOENT, "the host has no network interface %s", n->parent);
	if (n->kind == NIC_BRIDGED && !host_is_bridge(n->parent))
		return err_set(e, EINVAL, "parent=%s is not a bridge", n->parent);
	return 0;
}

static int check_host_name(const struct nic *n, struct err *e)
{
	if (!n->host[0] || strncmp(n->host, "veth", 4) == 0 || !host_has(n->host))
		return 0;
	return err_set(e, EEXIST, "host_name=%s: the host has an interface of that name", n->host);
}

/* What an earlier try left. */
static void sweep(const struct nic *n)
{
	const char *const names[] = { n->host, n->kind == NIC_PHYSICAL && n->vlan <= 0 ? "" : n->peer, n->ifb };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *const argv[] = { "ip", "link", "del", "dev", names[i], NULL };

		if (names[i][0] && host_has(names[i]))
			program_run(PROGRAM_IP, argv, NULL);
	}
}

/* A macvlan is on an interface of its VLAN, which all that are on it share; it stays. */
static void print_vlan(const struct nic *n, struct buf *ip)
{
	char name[32];

	snprintf(name, sizeof(name), "%.15s.%d", n->parent, n->vlan);
	if (n->kind == NIC_MACVLAN && n->vlan > 0 && !host_has(name))
		buf_addf(ip, "link add link %s name %s type vlan id %d\nlink set dev %s up\n", n->parent, name, n->vlan, name);
}

static int make_links(const struct nic *n, struct err *e)
{
	_cleanup_buf_ struct buf ip = BUF_INIT;
	int r;

	print_vlan(n, &ip);
	nic_print_links(n, &ip);
	if (n->egress && n->ifb[0])
		buf_addf(&ip, "link add name %s type ifb\nlink set dev %s up\n", n->ifb, n->ifb);
	r = program_batch(PROGRAM_IP, &ip, e);
	return explain(n, r, e);
}

static int set_rates(const struct nic *n, const struct nic *before, struct err *e)
{
	_cleanup_buf_ struct buf tc = BUF_INIT;
	int r;

	nic_print_rates(n, before, &tc);
	r = program_batch(PROGRAM_TC, &tc, e);
	return r;
}

static int set_filter(const struct nic *n, const struct nic *before, struct err *e)
{
	_cleanup_buf_ struct buf nft = BUF_INIT;
	int r;

	if (!n->host[0] || (!nic_has_filter(n) && !(before && nic_has_filter(before))))
		return 0;
	nic_print_filter(n, &nft);
	r = program_batch(PROGRAM_NFT, &nft, e);
	return r;
}

static int set_vlan(const struct nic *n, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r;

	if (n->kind != NIC_BRIDGED || n->vlan <= 0)
		return 0;
	buf_addf(&text, "vlan del dev %s vid 1\nvlan add dev %s vid %d pvid untagged\n", n->host, n->host, n->vlan);
	r = program_batch(PROGRAM_BRIDGE, &text, e);
	return r == -EOPNOTSUPP ? err_set(e, EOPNOTSUPP, "vlan=%d: the bridge %s does not filter VLANs, or this kernel cannot", n->vlan, n->parent)
				: r;
}

static int set_port(const struct nic *n, struct err *e)
{
	_cleanup_buf_ struct buf ip = BUF_INIT;
	int r;

	nic_print_port(n, &ip);
	nic_print_routes(n, NULL, &ip);
	r = program_batch(PROGRAM_IP, &ip, e);
	return r;
}

static int set_forwarding(const struct nic *n, struct err *e)
{
	int r = 0;

	if (n->kind != NIC_ROUTED)
		return 0;
	if (n->ip4[0])
		r = host_sysctl("ipv4/ip_forward", "1", e);
	if (r == 0 && n->ip6[0])
		r = host_sysctl("ipv6/conf/all/forwarding", "1", e);
	return r;
}

int nic_make(const struct nic *n, struct err *e)
{
	int r = check_parent(n, e);

	if (r == 0)
		r = check_host_name(n, e);
	if (r < 0)
		return r;
	sweep(n);
	r = make_links(n, e);
	if (r == 0)
		r = set_rates(n, NULL, e);
	if (r == 0)
		r = set_filter(n, NULL, e);
	if (r == 0)
		r = set_forwarding(n, e);
	if (r == 0)
		r = set_port(n, e);
	if (r == 0)
		r = set_vlan(n, e);
	if (r < 0)
		nic_remove(n, NULL);
	return r;
}

static int set_port_again(const struct nic *n, const struct nic *before, struct err *e)
{
	_cleanup_buf_ struct buf ip = BUF_INIT;
	int r;

	if (n->kind == NIC_BRIDGED && n->isolated != before->isolated)
		buf_addf(&ip, "link set dev %s type bridge_slave isolated %s\n", n->host, n->isolated ? "on" : "off");
	if (n->connected != before->connected)
		buf_addf(&ip, "link set dev %s %s\n", n->host, n->connected ? "up" : "down");
	nic_print_routes(n, before, &ip);
	r = program_batch(PROGRAM_IP, &ip, e);
	return r;
}

/* The ifb is made before rates need it, and goes when none does. */
static int set_ifb(const struct nic *n, bool wanted, struct err *e)
{
	_cleanup_buf_ struct buf ip = BUF_INIT;
	int r;

	if (n->ifb[0] && wanted && !host_has(n->ifb))
		buf_addf(&ip, "link add name %s type ifb\nlink set dev %s up\n", n->ifb, n->ifb);
	else if (n->ifb[0] && !wanted && host_has(n->ifb))
		buf_addf(&ip, "link del dev %s\n", n->ifb);
	r = program_batch(PROGRAM_IP, &ip, e);
	return r;
}

static int change(const struct nic *n, const struct nic *before, struct err *e)
{
	int r = n->egress ? set_ifb(n, true, e) : 0;

	if (r == 0)
		r = set_rates(n, before, e);
	if (r == 0 && !n->egress)
		r = set_ifb(n, false, e);
	if (r == 0)
		r = set_filter(n, before, e);
	return r < 0 ? r : set_port_again(n, before, e);
}

int nic_change(const struct nic *n, const struct nic *before, struct err *e)
{
	int r;

	if (!n->host[0])
		return 0;
	r = change(n, before, e);
	if (r < 0)
		change(before, n, NULL);
	return r;
}

static void remove_routes(const struct nic *n)
{
	_cleanup_buf_ struct buf ip = BUF_INIT;

	/* others go with the interface */
	if (n->kind == NIC_BRIDGED && host_has(n->parent))
		nic_print_routes(NULL, n, &ip);
	program_batch(PROGRAM_IP, &ip, NULL);
}

int nic_remove(const struct nic *n, struct err *e)
{
	struct nic bare = *n;
	int r;

	remove_routes(n);
	sweep(n);
	bare.mac_filter = bare.ip4_filter = bare.ip6_filter = bare.has_priority = false;
	r = set_filter(&bare, n, e);
	if (r == 0 && n->host[0] && host_has(n->host))
		r = err_set(e, EBUSY, "the host's interface %s could not be removed", n->host);
	return r;
}

int nic_hold(const struct nic *n, struct err *e)
{
	_cleanup_buf_ struct buf ip = BUF_INIT;

	/* names of ours have eight digits behind four letters */
	if (n->kind != NIC_PHYSICAL && !host_has(n->peer))
		buf_addf(&ip, "link add name %s type veth peer name hold%s\n", n->peer, n->peer + 4);
	return program_batch(PROGRAM_IP, &ip, e);
}

void nic_original(const struct nic *n, char hwaddr[NET_MAC_SIZE], unsigned *mtu)
{
	hwaddr[0] = '\0';
	*mtu = 0;
	if (n->kind == NIC_PHYSICAL && n->vlan <= 0 && host_mac(n->peer, hwaddr))
		host_mtu(n->peer, mtu);
}

int nic_restore(const struct nic *n, const char *hwaddr, unsigned mtu, struct err *e)
{
	_cleanup_buf_ struct buf ip = BUF_INIT;

	if (n->kind != NIC_PHYSICAL || !hwaddr[0] || !mtu || !host_has(n->peer))
		return 0;
	buf_addf(&ip, "link set dev %s down\nlink set dev %s address %s mtu %u\n", n->peer, n->peer, hwaddr, mtu);
	return program_batch(PROGRAM_IP, &ip, e);
}

/* ---- into the instance and out of it ---- */

struct address_print {
	struct buf *ip;
	const char *name;
	unsigned prefix;
	const char *verb;
};

static int print_address(const char *word, void *arg)
{
	const struct address_print *p = arg;

	buf_addf(p->ip, "address %s %s/%u dev %s\n", p->verb, word, p->prefix, p->name);
	return 0;
}

static void print_inside(const struct nic *n, const char *name, struct buf *ip)
{
	struct address_print p = { ip, name, 32, "replace" };

	if (n->kind != NIC_ROUTED)
		return;
	if (n->ip4[0])
		net_each_word(n->ip4, print_address, &p, NULL);
	if (n->gateway4)
		buf_addf(ip, "route replace %s dev %s scope link\nroute replace default via %s dev %s\n", n->host4, name, n->host4, name);
	p.prefix = 128;
	if (n->ip6[0])
		net_each_word(n->ip6, print_address, &p, NULL);
	if (n->gateway6)
		buf_addf(ip, "route replace %s dev %s\nroute replace default via %s dev %s\n", n->host6, name, n->host6, name);
}

int nic_address_inside(const struct nic *n, pid_t init, const char *name, struct err *e)
{
	_cleanup_buf_ struct buf inside = BUF_INIT;

	print_inside(n, name, &inside);
	return program_ip_in(init, &inside, e);
}

int nic_hand_over(const struct nic *n, pid_t init, const char *name, struct err *e)
{
	_cleanup_buf_ struct buf ip = BUF_INIT;
	int r;

	buf_addf(&ip, "link set dev %s name %s netns %d up\n", n->peer, name, (int)init);
	r = program_batch(PROGRAM_IP, &ip, e);
	if (r == -EEXIST)
		err_set(e, EEXIST, "the instance has an interface %s already", name);
	return r < 0 ? r : nic_address_inside(n, init, name, e);
}

int nic_change_inside(const struct nic *n, const struct nic *before, pid_t init, const char *name, struct err *e)
{
	_cleanup_buf_ struct buf ip = BUF_INIT;
	struct address_print p = { &ip, name, 32, "del" };

	if (n->kind != NIC_ROUTED || (!strcmp(n->ip4, before->ip4) && !strcmp(n->ip6, before->ip6)))
		return 0;
	if (before->ip4[0])
		net_each_word(before->ip4, print_address, &p, NULL);
	p.prefix = 128;
	if (before->ip6[0])
		net_each_word(before->ip6, print_address, &p, NULL);
	print_inside(n, name, &ip);
	return program_ip_in(init, &ip, e);
}

int nic_take_out(const struct nic *n, pid_t init, const char *name, struct err *e)
{
	_cleanup_buf_ struct buf ip = BUF_INIT;
	int r;

	if (n->host[0])
		return 0;	/* a pair goes with the host's end */
	if (n->kind == NIC_PHYSICAL)
		buf_addf(&ip, "link set dev %s down\nlink set dev %s name %s netns %d\n", name, name, n->peer, (int)getpid());
	else
		buf_addf(&ip, "link del dev %s\n", name);
	r = program_ip_in(init, &ip, e);
	if (r == -ENODEV)
		return err_set(e, EBUSY, "the instance has no interface %s any more; it may have renamed it", name);
	return r;
}
