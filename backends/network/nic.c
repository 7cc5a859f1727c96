// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the text of a nic says, and the names of its interfaces. */
#include "backends/network/nic.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/config.h"
#include "backends/core/hash.h"
#include "backends/core/value.h"

#define HOST4 "169.254.0.1"	/* as LXD's */
#define HOST6 "fe80::1"

struct text {
	const char *text;
	size_t len;
};

static bool get(const struct text *t, const char *key, char *buf, size_t size)
{
	if (device_get(t->text, t->len, key, buf, size) && buf[0])
		return true;
	buf[0] = '\0';
	return false;
}

static bool get_bool(const struct text *t, const char *key, bool def)
{
	char value[16];
	bool v;

	return get(t, key, value, sizeof(value)) && value_bool(value, &v, NULL) == 0 ? v : def;
}

static long get_number(const struct text *t, const char *key, long def)
{
	char value[32];

	return get(t, key, value, sizeof(value)) ? atol(value) : def;
}

static uint64_t get_rate(const struct text *t, const char *key)
{
	char value[64];
	uint64_t v;

	/* max is for both, and wins */
	if (!get(t, "limits.max", value, sizeof(value)) && !get(t, key, value, sizeof(value)))
		return 0;
	return net_parse_rate(value, &v, NULL) == 0 ? v : 0;
}

static enum nic_kind kind_of(const char *nictype)
{
	static const char *const kinds[] = {
		[NIC_BRIDGED] = "bridged", [NIC_MACVLAN] = "macvlan", [NIC_PHYSICAL] = "physical",
		[NIC_P2P] = "p2p", [NIC_ROUTED] = "routed",
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i], nictype))
			return (enum nic_kind)i;
	return NIC_BRIDGED;
}

/* From what makes it the only one of its kind on this host. */
uint32_t nic_number(uint32_t instance, const char *device)
{
	char all[256];
	uint64_t h;

	snprintf(all, sizeof(all), "%s %u %.64s", model_rundir(), instance, device);
	h = hash_bytes(HASH_INIT, all, strlen(all));
	return (uint32_t)(h ^ h >> 32);
}

static void name_ends(struct nic *n, const struct text *t, uint32_t number)
{
	bool pair = n->kind == NIC_BRIDGED || n->kind == NIC_P2P || n->kind == NIC_ROUTED;

	if (pair && !get(t, "host_name", n->host, sizeof(n->host)))
		snprintf(n->host, sizeof(n->host), "veth%08x", number);
	if (pair)
		snprintf(n->ifb, sizeof(n->ifb), "ifb%08x", number);
	if (n->kind != NIC_PHYSICAL)
		snprintf(n->peer, sizeof(n->peer), "inst%08x", number);
	else if (n->vlan > 0)
		snprintf(n->peer, sizeof(n->peer), "vlan%08x", number);
	else
		strcpy(n->peer, n->parent);
}

static void parse_limits(struct nic *n, const struct text *t)
{
	char value[32];

	n->ingress = get_rate(t, "limits.ingress");
	n->egress = get_rate(t, "limits.egress");
	n->has_priority = get(t, "limits.priority", value, sizeof(value));
	n->priority = n->has_priority ? (uint32_t)strtoul(value, NULL, 10) : 0;
	n->mac_filter = get_bool(t, "security.mac_filtering", false);
	n->ip4_filter = get_bool(t, "security.ipv4_filtering", false);
	n->ip6_filter = get_bool(t, "security.ipv6_filtering", false);
	n->isolated = get_bool(t, "security.port_isolation", false);
	/* an address is worth nothing when the guest may pose as another machine */
	n->mac_filter |= n->ip4_filter || n->ip6_filter;
}

static void parse_addresses(struct nic *n, const struct text *t)
{
	char value[16];

	get(t, "ipv4.address", n->ip4, sizeof(n->ip4));
	get(t, "ipv6.address", n->ip6, sizeof(n->ip6));
	get(t, "ipv4.routes", n->routes4, sizeof(n->routes4));
	get(t, "ipv6.routes", n->routes6, sizeof(n->routes6));
	if (n->kind != NIC_ROUTED)
		return;
	n->gateway4 = n->ip4[0] && (!get(t, "ipv4.gateway", value, sizeof(value)) || strcmp(value, "none") != 0);
	n->gateway6 = n->ip6[0] && (!get(t, "ipv6.gateway", value, sizeof(value)) || strcmp(value, "none") != 0);
	if (!get(t, "ipv4.host_address", n->host4, sizeof(n->host4)))
		strcpy(n->host4, HOST4);
	if (!get(t, "ipv6.host_address", n->host6, sizeof(n->host6)))
		strcpy(n->host6, HOST6);
}

void nic_parse(uint32_t instance, const char *device, const char *text, size_t len, struct nic *ret)
{
	struct nic n = { .kind = NIC_BRIDGED };
	const struct text t = { text, len };
	char value[64];

	if (!get(&t, "network", n.parent, sizeof(n.parent))) {
		get(&t, "nictype", value, sizeof(value));
		n.kind = kind_of(value);
		get(&t, "parent", n.parent, sizeof(n.parent));
	}
	n.vlan = get(&t, "vlan", value, sizeof(value)) && strcmp(value, "none") != 0 ? atoi(value) : -1;
	name_ends(&n, &t, nic_number(instance, device));
	get(&t, "hwaddr", n.hwaddr, sizeof(n.hwaddr));
	if (!get(&t, "mode", n.mode, sizeof(n.mode)))
		strcpy(n.mode, "bridge");
	n.mtu = (unsigned)get_number(&t, "mtu", 0);
	n.txqueue = (unsigned)get_number(&t, "queue.tx.length", 0);
	n.connected = get_bool(&t, "connected", true);
	parse_limits(&n, &t);
	parse_addresses(&n, &t);
	*ret = n;
}
