// SPDX-License-Identifier: LGPL-2.1-or-later
/* Networks: addresses and rates, what keys say together, and the texts for nft and dnsmasq. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/core/keep.h"
#include "backends/core/network.h"
#include "backends/core/object.h"
#include "backends/mock/mock.h"
#include "backends/network/dnsmasq.h"
#include "backends/network/firewall.h"
#include "tests/unit/unit.h"

static struct err last;
static const struct meta plain = { .mode = 0755 };

static bool subnet(const char *s, int family)
{
	struct net_address a;

	return net_parse_subnet(s, family, &a, NULL) == 0;
}

static void test_addresses(void)
{
	struct net_address a, b;
	char text[NET_ADDRESS_SIZE];

	CHECK(net_parse_subnet("10.0.0.1/24", AF_INET, &a, NULL) == 0 && a.prefix == 24);
	CHECK_STR(net_print(&a, true, text), "10.0.0.1/24");
	CHECK(net_parse_host("10.0.0.77", AF_INET, &b, NULL) == 0 && net_contains(&a, &b) && !net_same(&a, &b));
	CHECK(net_parse_host("10.0.1.77", AF_INET, &b, NULL) == 0 && !net_contains(&a, &b));
	CHECK(net_parse_route("10.0.0.0/8", AF_INET, &b, NULL) == 0 && net_overlaps(&a, &b) && net_overlaps(&b, &a));
	CHECK(net_parse_route("10.0.0.1/8", AF_INET, &b, NULL) == -EINVAL && net_parse_route("fd00::/8", AF_INET6, &b, NULL) == 0);
	CHECK(!net_overlaps(&a, &b));
	CHECK(!subnet("10.0.0.1", AF_INET) && !subnet("10.0.0.0/24", AF_INET) && !subnet("10.0.0.255/24", AF_INET));
	CHECK(!subnet("10.0.0.1/33", AF_INET) && !subnet("10.0.0.1/31", AF_INET) && !subnet("10.0.0.1/7", AF_INET));
	CHECK(!subnet("10.0.0.1/", AF_INET) && !subnet("10.0.0.1/x", AF_INET) && !subnet("10.0.0.1/0024", AF_INET));
	CHECK(!subnet("127.0.0.1/8", AF_INET) && !subnet("224.0.0.1/24", AF_INET) && !subnet("10.0.0.1/24", AF_INET6));
	CHECK(subnet("fd42:1::1/64", AF_INET6) && !subnet("fd42:1::/64", AF_INET6) && !subnet("ff02::1/64", AF_INET6));
}

static void test_names_and_rates(void)
{
	uint64_t v = 0;

	CHECK(!net_check_interface("br0", NULL) && !net_check_interface("en-p0_s.1", NULL) && net_check_interface("b", NULL));
	CHECK(net_check_interface("all", NULL) && net_check_interface("..", NULL) && net_check_interface("a/b", NULL));
	CHECK(net_check_interface("sixteen-letters-", NULL) && net_check_interface("a b", NULL));
	CHECK(!name_check_network("lxdbr0", NULL) && name_check_network("lo", NULL) && name_check_network(".br", NULL));
	CHECK(!net_parse_rate("10Mbit", &v, NULL) && v == 10000000 && !net_parse_rate("1Gibit", &v, NULL) && v == 1u << 30);
	CHECK(!net_parse_rate("100kbit", &v, NULL) && v == 100000 && !net_parse_rate("9000", &v, NULL) && v == 9000);
	CHECK(net_parse_rate("10M", &v, NULL) && net_parse_rate("10mbit", &v, NULL) && net_parse_rate("", &v, NULL));
	CHECK(net_parse_rate("10MB", &v, NULL) && net_parse_rate("-1Mbit", &v, NULL) && net_parse_rate("1kbit", &v, NULL) == -ERANGE);
	CHECK(net_parse_rate("99999999999Ebit", &v, NULL) == -ERANGE);
}

static int set(struct object *o, const char *key, const char *value)
{
	const struct entry_change c = { .kind = ENT_CONFIG, .name = key, .value = value, .len = value ? strlen(value) : 0 };

	err_clear(&last);
	return config_set(o, &c, NULL, &last);
}

static struct object *make(const char *name)
{
	struct object *o = NULL;

	err_clear(&last);
	return network_create(name, &plain, &o, &last) ? NULL : o;
}

static void test_keys(void)
{
	struct object *o = make("br0"), *other = make("br1");
	struct network_config c;
	char text[64];

	CHECK(o && other && !make("br0") && last.code == EEXIST && !make("bad/name") && !make("a-name-too-long-for-it"));
	CHECK(object_value(o, ENT_VOLATILE, "bridge.hwaddr", text, sizeof(text)) && !net_check_mac(text, NULL));
	CHECK(!network_config_load(o, NULL, 0, &c, NULL) && !c.ip4.address.family && !c.ip6.address.family && c.mtu == 1500);
	network_config_free(&c);
	CHECK(set(o, "ipv4.address", "auto\n") == 0 && object_value(o, ENT_VOLATILE, "ipv4.address", text, sizeof(text)));
	CHECK_STR(text, "10.99.0.1/24");
	CHECK(!network_config_load(o, NULL, 0, &c, NULL) && c.ip4.address.family && c.ip4.nat && c.ip4.dhcp);
	network_config_free(&c);
	CHECK(set(o, "ipv4.address", "10.1.0.1/24") == 0 && !object_value(o, ENT_VOLATILE, "ipv4.address", text, sizeof(text)));
	CHECK(set(other, "ipv4.address", "10.1.0.2/16") == -EEXIST && strstr(last.text, "br0"));
	CHECK(set(o, "ipv4.dhcp.ranges", "10.1.0.10-10.1.0.20,10.1.0.30-10.1.0.40") == 0);
	CHECK(set(o, "ipv4.dhcp.ranges", "10.2.0.10-10.2.0.20") == -EINVAL && set(o, "ipv4.address", "10.3.0.1/24") == -EINVAL);
	CHECK(set(o, "ipv6.address", "fd42:7::1/80") == -EINVAL && set(o, "ipv6.dhcp.stateful", "true") == 0);
	CHECK(set(o, "ipv6.address", "fd42:7::1/80") == 0 && set(o, "ipv6.dhcp.stateful", "false") == -EINVAL);
	CHECK(set(o, "limits.memory", "1G") == -EINVAL && set(o, "user.any", "thing") == 0 && set(o, "bridge.driver", "x") == -EOPNOTSUPP);
	CHECK(set(o, "bridge.mtu", "100") == -ERANGE && set(o, "dns.domain", "-x") == -EINVAL && set(o, "dns.mode", "y") == -EINVAL);
	CHECK(set(o, "ipv4.dhcp.expiry", "1s") == -ERANGE && set(o, "bridge.hwaddr", "01:00:00:00:00:00") == -EINVAL);
	CHECK(network_rename(o, "br1", &last) == -EEXIST && network_rename(o, "br2", &last) == 0 && !strcmp(o->name, "br2"));
	CHECK(network_remove(o, &last) == 0 && network_remove(other, &last) == 0 && !object_count(SPACE_NETWORKS));
	object_put(o);
	object_put(other);
}

static void test_texts(void)
{
	struct network_config c = { .name = "br0", .mtu = 1400, .domain = "test", .ranges = "10.0.0.50-10.0.0.60" };
	struct buf b = BUF_INIT;

	CHECK(!firewall_wanted(&c) && !dnsmasq_wanted(&c));
	net_parse_subnet("10.0.0.1/24", AF_INET, &c.ip4.address, NULL);
	c.ip4.nat = c.ip4.dhcp = c.ip4.firewall = c.ip4.stateful = true;
	c.ip4.expiry = 600;
	firewall_print(&c, &b);
	CHECK(strstr(buf_str(&b), "ip saddr 10.0.0.0/24 ip daddr != 10.0.0.0/24 masquerade") && !strstr(buf_str(&b), "ip6"));
	CHECK(strstr(buf_str(&b), "ip daddr 10.0.0.1 udp dport { 53, 67 } drop"));
	buf_reset(&b);
	dnsmasq_print(&c, "nobody", &b);
	CHECK(strstr(buf_str(&b), "\ndhcp-range=10.0.0.50,10.0.0.60,600\n") && strstr(buf_str(&b), "\ndhcp-option=option:mtu,1400\n"));
	CHECK(strstr(buf_str(&b), "\nuser=nobody\n") && strstr(buf_str(&b), "dhcp-ignore-names=tag:!known\n") &&
	      !strstr(buf_str(&b), "enable-ra"));
	net_parse_subnet("fd42::1/64", AF_INET6, &c.ip6.address, NULL);
	c.ip6.dhcp = true;
	c.raw = strdup("log-queries");
	buf_reset(&b);
	dnsmasq_print(&c, "nobody", &b);
	CHECK(strstr(buf_str(&b), "\nenable-ra\ndhcp-range=::,constructor:br0,ra-stateless") && strstr(buf_str(&b), "\nlog-queries\n"));
	network_config_free(&c);
	buf_free(&b);
}

static void test_nics(void)
{
	static const char text[] = "type=nic\nnetwork=br0\nipv4.address=10.0.0.5\nhwaddr=00:16:3e:00:00:01\n";
	struct network_nic n;

	CHECK(network_nic_parse(text, strlen(text), &n) && !strcmp(n.network, "br0") && n.ip4.family && !n.ip6.family && n.hwaddr[0]);
	CHECK(!network_nic_parse("type=disk\n", 10, &n));
	CHECK(network_nic_parse("type=nic\nnictype=p2p\n", 21, &n) && !n.network[0]);
}

int main(void)
{
	static const struct network_ops *const drivers[] = { &mock_network, NULL };
	char dir[] = "/tmp/instfs-unit-network.XXXXXX", command[64];
	struct buf version = BUF_INIT;

	test_addresses();
	test_names_and_rates();
	CHECK(mkdtemp(dir) && !keep_attach_private() && !model_open(dir, &last) && !network_init(drivers, NULL, &version, &last));
	test_keys();
	test_texts();
	test_nics();
	model_close();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	CHECK(!system(command));
	buf_free(&version);
	return UNIT_END();
}
