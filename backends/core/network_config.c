// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a network's keys say together, and what must fit. No state; the object's lock is held for the length of a copy only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/network.h"
#include "backends/core/value.h"

#define DOMAIN_DEFAULT "instfs"
#define MTU_DEFAULT 1500
#define LEASE_DEFAULT 3600

struct source {
	struct object *o;
	const struct entry_change *changes;
	size_t n;
};

void network_config_free(struct network_config *c)
{
	free(c->raw);
	c->raw = NULL;
}

/* A copy without final newline, or NULL: unset (or no memory, for which unset is as good a reason to refuse). */
static char *get(const struct source *s, enum entry_kind kind, const char *name)
{
	const char *value = NULL;
	size_t len = 0;
	const struct entry *ent;

	HOLD_LOCK(&s->o->lock);
	ent = object_entry(s->o, kind, name);
	if (ent) {
		value = ent->value;
		len = ent->len;
	}
	for (size_t i = 0; i < s->n; i++) {
		if (s->changes[i].kind == kind && !strcmp(s->changes[i].name, name)) {
			value = s->changes[i].value;
			len = s->changes[i].len;
		}
	}
	if (len && value[len - 1] == '\n')
		len--;
	return value && len ? strndup(value, len) : NULL;
}

static bool get_bool(const struct source *s, const char *name, bool def)
{
	_cleanup_free_ char *text = get(s, ENT_CONFIG, name);
	bool v;

	return text && value_bool(text, &v, NULL) == 0 ? v : def;
}

static void get_text(const struct source *s, const char *name, const char *def, char *buf, size_t size)
{
	_cleanup_free_ char *text = get(s, ENT_CONFIG, name);

	snprintf(buf, size, "%s", text ? text : def);
}

/* prefix is "ipv4" or "ipv6". */
static int load_family(const struct source *s, const char *prefix, int family, struct network_family *f, struct err *e)
{
	_cleanup_free_ char *address = NULL, *chosen = NULL, *expiry = NULL;
	char key[32];
	bool automatic;

	snprintf(key, sizeof(key), "%s.address", prefix);
	address = get(s, ENT_CONFIG, key);
	chosen = get(s, ENT_VOLATILE, key);
	automatic = address && !strcmp(address, "auto");
	if (automatic && chosen)
		address = (free(address), steal_pointer(&chosen));
	if (address && strcmp(address, "none") != 0 && strcmp(address, "auto") != 0) {
		int r = net_parse_subnet(address, family, &f->address, e);

		if (r < 0)
			return err_wrap(e, "%s", key), r;
	}
	snprintf(key, sizeof(key), "%s.dhcp", prefix);
	f->dhcp = get_bool(s, key, true);
	snprintf(key, sizeof(key), "%s.dhcp.stateful", prefix);
	f->stateful = family == AF_INET || get_bool(s, key, false);
	snprintf(key, sizeof(key), "%s.nat", prefix);
	f->nat = get_bool(s, key, automatic);
	snprintf(key, sizeof(key), "%s.firewall", prefix);
	f->firewall = get_bool(s, key, true);
	snprintf(key, sizeof(key), "%s.dhcp.expiry", prefix);
	expiry = get(s, ENT_CONFIG, key);
	f->expiry = LEASE_DEFAULT;
	if (expiry)
		value_duration(expiry, &f->expiry, NULL);
	return 0;
}

static enum network_dns dns_mode(const char *s)
{
	return !strcmp(s, "none") ? NETWORK_DNS_NONE : !strcmp(s, "dynamic") ? NETWORK_DNS_DYNAMIC : NETWORK_DNS_MANAGED;
}

int network_config_load(struct object *o, const struct entry_change *changes, size_t n, struct network_config *ret, struct err *e)
{
	const struct source s = { o, changes, n };
	_cleanup_network_config_ struct network_config c = { .id = o->id };
	_cleanup_free_ char *hwaddr = get(&s, ENT_CONFIG, "bridge.hwaddr");
	char text[32];
	int r;

	pthread_mutex_lock(&o->lock);
	snprintf(c.name, sizeof(c.name), "%.15s", o->name);
	pthread_mutex_unlock(&o->lock);
	r = load_family(&s, "ipv4", AF_INET, &c.ip4, e);
	if (r == 0)
		r = load_family(&s, "ipv6", AF_INET6, &c.ip6, e);
	if (r < 0)
		return r;
	if (!hwaddr)
		hwaddr = get(&s, ENT_VOLATILE, "bridge.hwaddr");
	snprintf(c.hwaddr, sizeof(c.hwaddr), "%s", hwaddr ? hwaddr : "");
	get_text(&s, "ipv4.dhcp.ranges", "", c.ranges, sizeof(c.ranges));
	get_text(&s, "bridge.mtu", "", text, sizeof(text));
	c.mtu = *text ? (unsigned)atoi(text) : MTU_DEFAULT;
	get_text(&s, "dns.domain", DOMAIN_DEFAULT, c.domain, sizeof(c.domain));
	get_text(&s, "dns.mode", "", text, sizeof(text));
	c.dns = dns_mode(text);
	get_text(&s, "bridge.external_interfaces", "", c.external, sizeof(c.external));
	c.raw = get(&s, ENT_CONFIG, "raw.dnsmasq");
	*ret = c;
	c.raw = NULL;
	return 0;
}

/* ---- what must fit ---- */

struct range_check {
	const struct net_address *subnet;
	struct err *e;
};

static int check_range(const struct net_address *first, const struct net_address *last, void *arg)
{
	const struct range_check *x = arg;
	char a[NET_ADDRESS_SIZE], b[NET_ADDRESS_SIZE], net[NET_ADDRESS_SIZE];

	if (net_contains(x->subnet, first) && net_contains(x->subnet, last))
		return 0;
	return err_set(x->e, EINVAL, "ipv4.dhcp.ranges: %s-%s is not within ipv4.address, %s", net_print(first, false, a),
		       net_print(last, false, b), net_print(x->subnet, true, net));
}

struct other {
	const struct network_config *c;
	struct err *e;
};

static int check_pair(const struct net_address *a, const struct net_address *b, const char *name, struct err *e)
{
	char text[NET_ADDRESS_SIZE], theirs[NET_ADDRESS_SIZE];

	if (!a->family || !b->family || !net_overlaps(a, b))
		return 0;
	return err_set(e, EEXIST, "%s overlaps %s, which network %s has", net_print(a, true, text), net_print(b, true, theirs), name);
}

static int check_other(uint32_t id, const char *name, void *arg)
{
	const struct other *x = arg;
	_cleanup_object_ struct object *o = id == x->c->id ? NULL : object_get(id);
	_cleanup_network_config_ struct network_config theirs = { .id = 0 };
	int r;

	if (!o || network_config_load(o, NULL, 0, &theirs, NULL) < 0)
		return 0;
	r = check_pair(&x->c->ip4.address, &theirs.ip4.address, name, x->e);
	return r ? r : check_pair(&x->c->ip6.address, &theirs.ip6.address, name, x->e);
}

static int check_ip6(const struct network_family *f, struct err *e)
{
	if (!f->address.family || f->address.prefix == 64)
		return 0;
	if (f->address.prefix < 64 || !f->stateful || !f->dhcp)
		return err_set(e, EINVAL, "ipv6.address: with a prefix of %u bits instances cannot make up addresses; it must be 64%s",
			       f->address.prefix, f->address.prefix > 64 ? ", or ipv6.dhcp.stateful=true" : "");
	return 0;
}

int network_config_check(const struct network_config *c, struct err *e)
{
	struct range_check x = { &c->ip4.address, e };
	struct other other = { c, e };
	int r = 0;

	if (c->ranges[0] && c->ip4.address.family)
		r = net_each_range(c->ranges, AF_INET, check_range, &x, e);
	if (!r)
		r = check_ip6(&c->ip6, e);
	if (!r && c->ip6.address.family && c->mtu < 1280)
		r = err_set(e, EINVAL, "bridge.mtu: IPv6 needs at least 1280");
	return r ? r : object_each(SPACE_NETWORKS, 0, check_other, &other);
}
