// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A managed network on the host. The bridge is known as ours by its MAC address, which is chosen and stored before the bridge is
 * made, so that a daemon killed at any moment finds it again and never takes over somebody else's. What was applied last
 * stands in RUNDIR/networks/NAME/applied: where that is not what is configured, the next start applies it again.
 */
#include "backends/network/bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/object.h"
#include "backends/core/tree.h"
#include "backends/network/dnsmasq.h"
#include "backends/network/firewall.h"
#include "backends/network/host.h"
#include "backends/network/program.h"

/* ---- what was applied ---- */

static void applied_path(const struct network_config *c, char *buf, size_t size)
{
	char dir[192];

	dnsmasq_dir(c->name, dir, sizeof(dir));
	snprintf(buf, size, "%s/applied", dir);
}

/* Everything of c that is applied, as text. */
static void print_applied(const struct network_config *c, struct buf *out)
{
	char text[NET_ADDRESS_SIZE];

	buf_addf(out, "id %u\nhwaddr %s\nmtu %u\nexternal %s\n", c->id, c->hwaddr, c->mtu, c->external);
	buf_addf(out, "ip4 %s %d%d\n", net_print(&c->ip4.address, true, text), c->ip4.nat, c->ip4.firewall);
	buf_addf(out, "ip6 %s %d%d\n", net_print(&c->ip6.address, true, text), c->ip6.nat, c->ip6.firewall);
	if (dnsmasq_wanted(c))
		dnsmasq_print(c, "", out);
}

static bool is_applied(const struct network_config *c)
{
	_cleanup_buf_ struct buf now = BUF_INIT, last = BUF_INIT;
	char path[256];

	applied_path(c, path, sizeof(path));
	print_applied(c, &now);
	return buf_read_file(&last, AT_FDCWD, path, 2 << 20) == 0 && last.len == now.len && !memcmp(buf_str(&last), buf_str(&now), now.len);
}

static int note_applied(const struct network_config *c, struct err *e)
{
	_cleanup_buf_ struct buf now = BUF_INIT;
	_cleanup_close_ int fd = -1;
	char path[256];

	applied_path(c, path, sizeof(path));
	print_applied(c, &now);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || write(fd, now.data, now.len) != (ssize_t)now.len)
		return err_sys(e, errno, "%s", path);
	return 0;
}

static void forget_applied(const struct network_config *c)
{
	char path[256];

	applied_path(c, path, sizeof(path));
	unlink(path);
}

/* ---- the bridge ---- */

static bool is_ours(const struct network_config *c, const struct network_config *before)
{
	char mac[NET_MAC_SIZE];

	return host_mac(c->name, mac) && host_is_bridge(c->name) &&
	       (!strcasecmp(mac, c->hwaddr) || (before && !strcasecmp(mac, before->hwaddr)));
}

struct lines {
	const struct network_config *c;
	struct buf *out;
	const char *list;	/* of external interfaces */
	bool enslave;
};

static int stale_address(const char *interface, const struct net_address *a, void *arg)
{
	const struct lines *l = arg;
	const struct net_address *wanted = a->family == AF_INET ? &l->c->ip4.address : &l->c->ip6.address;
	char text[NET_ADDRESS_SIZE];

	if (!wanted->family || !net_same(a, wanted) || a->prefix != wanted->prefix)
		buf_addf(l->out, "address del %s dev %s\n", net_print(a, true, text), interface);
	return 0;
}

static int is_word(const char *word, void *arg)
{
	return !strcmp(word, arg);
}

static bool lists(const char *list, const char *word)
{
	char copy[NET_NAME_MAX + 1];

	snprintf(copy, sizeof(copy), "%s", word);
	return *list && net_each_word(list, is_word, copy, NULL) == 1;
}

static int external_line(const char *word, void *arg)
{
	const struct lines *l = arg;

	if (l->enslave)
		buf_addf(l->out, "link set dev %s master %s up\n", word, l->c->name);
	else if (!lists(l->c->external, word) && host_has(word))
		buf_addf(l->out, "link set dev %s nomaster\n", word);
	return 0;
}

static void print_externals(const struct network_config *c, const struct network_config *before, struct buf *out)
{
	struct lines l = { .c = c, .out = out };

	if (before && before->external[0])
		net_each_word(before->external, external_line, &l, NULL);
	l.enslave = true;
	if (c->external[0])
		net_each_word(c->external, external_line, &l, NULL);
}

static int check_external(const char *word, void *arg)
{
	struct lines *l = arg;

	if (!host_has(word) || !strcmp(word, l->c->name)) {
		l->list = NULL;
		return -ENODEV;
	}
	return 0;
}

static int check_externals(const struct network_config *c, struct err *e)
{
	struct lines l = { .c = c, .list = c->external };

	if (c->external[0] && net_each_word(c->external, check_external, &l, e) == -ENODEV)
		return err_set(e, EINVAL, "bridge.external_interfaces: not all of %.100s are interfaces of the host", c->external);
	return 0;
}

static int set_bridge(const struct network_config *c, const struct network_config *before, bool made, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct lines l = { .c = c, .out = &text };
	char address[NET_ADDRESS_SIZE];

	if (made)
		buf_addf(&text, "link add name %s address %s type bridge\n", c->name, c->hwaddr);
	buf_addf(&text, "link set dev %s mtu %u\nlink set dev %s address %s\n", c->name, c->mtu, c->name, c->hwaddr);
	host_each_address(c->name, stale_address, &l);
	/* without a port there is no carrier, and an address that waits for one cannot be served */
	if (c->ip4.address.family)
		buf_addf(&text, "address replace %s dev %s\n", net_print(&c->ip4.address, true, address), c->name);
	if (c->ip6.address.family)
		buf_addf(&text, "address replace %s dev %s nodad\n", net_print(&c->ip6.address, true, address), c->name);
	buf_addf(&text, "link set dev %s up\n", c->name);
	print_externals(c, before, &text);
	return program_batch(PROGRAM_IP, &text, e);
}

/* ---- forwarding ---- */

static int set_forwarding(const struct network_config *c, struct err *e)
{
	char path[64];
	int r = 0;

	if (c->ip4.address.family)
		r = host_sysctl("ipv4/ip_forward", "1", e);
	if (r < 0 || !c->ip6.address.family)
		return r;
	/* the network is ours: nobody in it may tell us of routers */
	snprintf(path, sizeof(path), "ipv6/conf/%s/accept_ra", c->name);
	r = host_sysctl(path, "0", e);
	return r < 0 ? r : host_sysctl("ipv6/conf/all/forwarding", "1", e);
}

static int set_firewall(const struct network_config *c, const struct network_config *before, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (!firewall_wanted(c) && (!before || !firewall_wanted(before)))
		return 0;
	firewall_print(c, &text);
	return program_batch(PROGRAM_NFT, &text, e);
}

/* ---- the table ---- */

static int probe(struct buf *version, struct err *e)
{
	return 0;
}

static int apply(const struct network_config *c, const struct network_config *before, struct err *e)
{
	bool there = host_has(c->name);
	int r = check_externals(c, e);

	if (r < 0)
		return r;
	if (there && !is_ours(c, before))
		return err_set(e, EEXIST, "the host's interface %s was made by somebody else; it is left alone", c->name);
	forget_applied(c);
	r = set_bridge(c, before, !there, e);
	if (r == 0)
		r = set_forwarding(c, e);
	if (r == 0)
		r = set_firewall(c, before, e);
	if (r == 0)
		r = dnsmasq_apply(c, e);
	return r < 0 ? r : note_applied(c, e);
}

static int adopt(const struct network_config *c, struct err *e)
{
	int r;

	if (host_has(c->name) && is_ours(c, NULL) && is_applied(c))
		return dnsmasq_adopt(c, e);
	/* what an earlier daemon may have left of it */
	dnsmasq_end(c);
	r = apply(c, c, e);
	return r < 0 ? r : 1;
}

static void remove_files(const struct network_config *c)
{
	_cleanup_close_ int fd = -1;
	char dir[192];

	dnsmasq_dir(c->name, dir, sizeof(dir));
	*strrchr(dir, '/') = '\0';
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		tree_remove(fd, c->name, NULL);
}

static int drop(const struct network_config *c, struct err *e)
{
	_cleanup_buf_ struct buf ip = BUF_INIT, nft = BUF_INIT;
	struct network_config nothing = *c;
	int r;

	dnsmasq_end(c);
	nothing.external[0] = '\0';
	print_externals(&nothing, c, &ip);
	if (is_ours(c, NULL))
		buf_addf(&ip, "link del dev %s\n", c->name);
	r = program_batch(PROGRAM_IP, &ip, e);
	firewall_print_removal(c->name, &nft);
	if (r == 0 && firewall_wanted(c))
		r = program_batch(PROGRAM_NFT, &nft, e);
	if (r == 0)
		remove_files(c);
	return r;
}

static int conflict(const struct network_config *c, const struct net_address *a, struct err *e)
{
	return host_check_free(a, c->name, e);
}

/* ---- facts ---- */

static int print_address(const char *interface, const struct net_address *a, void *arg)
{
	char text[NET_ADDRESS_SIZE];

	buf_addf(arg, "%s %s\n", a->family == AF_INET ? "ipv4" : "ipv6", net_print(a, true, text));
	return 0;
}

static int print_port(const char *port, void *arg)
{
	buf_addf(arg, " %s", port);
	return 0;
}

static int print_state(const struct network_config *c, struct buf *out, struct err *e)
{
	char mac[NET_MAC_SIZE] = "";
	unsigned mtu = 0;
	pid_t pid = dnsmasq_pid(c);

	if (!host_mac(c->name, mac)) {
		buf_addstr(out, "status missing\n");
		return 0;
	}
	if (!is_ours(c, NULL)) {
		buf_addstr(out, "status foreign\n");
		return 0;
	}
	host_mtu(c->name, &mtu);
	buf_addf(out, "status %s\nhwaddr %s\nmtu %u\n", host_is_up(c->name) ? "up" : "down", mac, mtu);
	host_each_address(c->name, print_address, out);
	if (pid)
		buf_addf(out, "dnsmasq %d\n", (int)pid);
	else if (dnsmasq_wanted(c))
		buf_addstr(out, "dnsmasq not running\n");
	buf_addstr(out, "ports");
	host_each_port(c->name, print_port, out);
	buf_addch(out, '\n');
	return 0;
}

const struct network_ops bridge_network = {
	.name = "bridge", .probe = probe, .exists = host_has, .apply = apply, .adopt = adopt, .remove = drop, .pick = host_pick,
	.conflict = conflict, .hosts = dnsmasq_hosts, .leases = dnsmasq_leases, .state = print_state,
};
