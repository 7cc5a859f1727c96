// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Nics of instances, as networks see them: which network, which static addresses, whether these can be, and what DHCP and DNS are told.
 * Found by looking through the instances: there is no second list that could be wrong.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "backends/core/cleanup.h"
#include "backends/core/network.h"
#include "backends/core/value.h"

/* ---- texts of devices ---- */

static void get_address(const char *text, size_t len, const char *key, int family, struct net_address *ret)
{
	char value[NET_ADDRESS_SIZE];

	if (device_get(text, len, key, value, sizeof(value)) && net_parse_host(value, family, ret, NULL) < 0)
		ret->family = 0;
}

static bool get_bool(const char *text, size_t len, const char *key)
{
	char value[16];
	bool v = false;

	return device_get(text, len, key, value, sizeof(value)) && value_bool(value, &v, NULL) == 0 && v;
}

static bool is_network(const char *name)
{
	_cleanup_object_ struct object *o = object_find(SPACE_NETWORKS, name);

	return o != NULL;
}

bool network_nic_parse(const char *text, size_t len, struct network_nic *ret)
{
	char type[32];

	memset(ret, 0, sizeof(*ret));
	if (!device_get(text, len, "type", type, sizeof(type)) || strcmp(type, "nic") != 0)
		return false;
	if (!device_get(text, len, "network", ret->network, sizeof(ret->network)) &&
	    (!device_get(text, len, "nictype", type, sizeof(type)) || strcmp(type, "bridged") != 0 ||
	     !device_get(text, len, "parent", ret->network, sizeof(ret->network)) || !is_network(ret->network)))
		ret->network[0] = '\0';
	device_get(text, len, "hwaddr", ret->hwaddr, sizeof(ret->hwaddr));
	get_address(text, len, "ipv4.address", AF_INET, &ret->ip4);
	get_address(text, len, "ipv6.address", AF_INET6, &ret->ip6);
	ret->filter4 = get_bool(text, len, "security.ipv4_filtering");
	ret->filter6 = get_bool(text, len, "security.ipv6_filtering");
	return true;
}

int network_nic_hwaddr(struct object *inst, const char *device, char buf[NET_MAC_SIZE], struct err *e)
{
	char key[128], line[NET_MAC_SIZE + 1];
	int r;

	snprintf(key, sizeof(key), "%.100s.hwaddr", device);
	if (object_value(inst, ENT_VOLATILE, key, buf, NET_MAC_SIZE) && strlen(buf) == NET_MAC_SIZE - 1)
		return 0;
	r = net_random_mac(buf, e);
	if (r < 0)
		return err_wrap(e, "device %s", device), r;
	snprintf(line, sizeof(line), "%s\n", buf);
	return object_set(inst, ENT_VOLATILE, key, line, strlen(line), e);
}

/* ---- what can be ---- */

static int check_static(const struct network_config *c, const struct network_family *f, const struct net_address *a, bool filtered,
			const char *key, struct err *e)
{
	char text[NET_ADDRESS_SIZE], net[NET_ADDRESS_SIZE];

	if (!a->family)
		return 0;
	if (!f->address.family)
		return err_set(e, EINVAL, "%s: network %s has no %s", key, c->name, key);
	if (!net_contains(&f->address, a))
		return err_set(e, EINVAL, "%s: %s is not in network %s, %s", key, net_print(a, false, text), c->name,
			       net_print(&f->address, true, net));
	if (net_same(&f->address, a))
		return err_set(e, EEXIST, "%s: %s is the host's own address in network %s", key, net_print(a, false, text), c->name);
	if ((!f->dhcp || !f->stateful) && !filtered)
		return err_set(e, EINVAL, "%s: network %s has %s, so that nobody would tell the instance its address", key, c->name,
			       f->dhcp ? "ipv6.dhcp.stateful=false" : a->family == AF_INET ? "ipv4.dhcp=false" : "ipv6.dhcp=false");
	return 0;
}

static int check_nic(const struct network_config *c, const struct network_nic *n, struct err *e)
{
	int r = check_static(c, &c->ip4, &n->ip4, n->filter4, "ipv4.address", e);

	return r < 0 ? r : check_static(c, &c->ip6, &n->ip6, n->filter6, "ipv6.address", e);
}

static bool clashes(const struct network_nic *a, const struct network_nic *b, char *what, size_t size)
{
	char text[NET_ADDRESS_SIZE];

	if (strcmp(a->network, b->network) != 0)
		return false;
	if (a->hwaddr[0] && !strcasecmp(a->hwaddr, b->hwaddr))
		return snprintf(what, size, "the address %s", a->hwaddr), true;
	if (a->ip4.family && net_same(&a->ip4, &b->ip4))
		return snprintf(what, size, "the address %s", net_print(&a->ip4, false, text)), true;
	if (a->ip6.family && net_same(&a->ip6, &b->ip6))
		return snprintf(what, size, "the address %s", net_print(&a->ip6, false, text)), true;
	return false;
}

struct twin {
	const struct object *inst;
	const struct network_nic *nic;
	const char *device;
	struct err *e;
};

static int find_clash(const struct expanded *x, const char *name, const struct twin *t)
{
	for (size_t i = 0; i < x->n; i++) {
		struct network_nic other;
		char what[96];

		if (x->items[i].kind != ENT_DEVICE || (!name && !strcmp(x->items[i].name, t->device)) ||
		    !network_nic_parse(x->items[i].value, x->items[i].len, &other) || !clashes(t->nic, &other, what, sizeof(what)))
			continue;
		return name ? err_set(t->e, EEXIST, "device %s: %s is that of instance %s on network %s", t->device, what, name,
				      t->nic->network)
			    : err_set(t->e, EEXIST, "device %s: device %s has %s already", t->device, x->items[i].name, what);
	}
	return 0;
}

static int look_for_twin(uint32_t id, const char *name, void *arg)
{
	const struct twin *t = arg;
	_cleanup_object_ struct object *o = id == t->inst->id ? NULL : object_get(id);
	_cleanup_expanded_ struct expanded x = { 0 };

	return o && config_expand(o, &x, NULL) == 0 ? find_clash(&x, name, t) : 0;
}

/* On a bridge that is not ours nobody gives the address; it can only be enforced. */
static int check_unmanaged(const struct expanded_item *it, const struct network_nic *n, struct err *e)
{
	bool ip4 = n->ip4.family && !n->filter4, ip6 = n->ip6.family && !n->filter6;
	char type[32];

	if ((!ip4 && !ip6) || !device_get(it->value, it->len, "nictype", type, sizeof(type)) || strcmp(type, "bridged") != 0)
		return 0;
	return err_set(e, EINVAL, "device %s: %s.address= on a bridge that is not a managed network needs security.%s_filtering=true",
		       it->name, ip4 ? "ipv4" : "ipv6", ip4 ? "ipv4" : "ipv6");
}

static int check_device(struct object *inst, const struct expanded *x, const struct expanded_item *it, struct err *e)
{
	_cleanup_network_config_ struct network_config c = { .id = 0 };
	_cleanup_object_ struct object *net = NULL;
	struct network_nic nic;
	struct twin t = { inst, &nic, it->name, e };
	int r;

	if (!network_nic_parse(it->value, it->len, &nic))
		return 0;
	if (!nic.network[0])
		return check_unmanaged(it, &nic, e);
	net = object_find(SPACE_NETWORKS, nic.network);
	if (!net)
		return err_set(e, EINVAL, "device %s: there is no network %s; mkdir networks/%s makes one", it->name, nic.network,
			       nic.network);
	r = network_config_load(net, NULL, 0, &c, e);
	if (r == 0)
		r = check_nic(&c, &nic, e);
	if (r < 0)
		return err_wrap(e, "device %s", it->name), r;
	if (!nic.hwaddr[0] && !nic.ip4.family && !nic.ip6.family)
		return 0;
	r = find_clash(x, NULL, &t);
	return r ? r : object_each(SPACE_INSTANCES, 0, look_for_twin, &t);
}

int network_check_instance(struct object *inst, const struct expanded *x, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < x->n && r == 0; i++)
		if (x->items[i].kind == ENT_DEVICE)
			r = check_device(inst, x, &x->items[i], e);
	return r;
}

struct users {
	const struct network_config *c;
	struct err *e;
};

static int check_user(uint32_t id, const char *name, void *arg)
{
	const struct users *u = arg;
	_cleanup_object_ struct object *o = object_get(id);
	_cleanup_expanded_ struct expanded x = { 0 };
	struct network_nic nic;
	int r = 0;

	if (!o || config_expand(o, &x, NULL) < 0)
		return 0;
	for (size_t i = 0; i < x.n && r == 0; i++)
		if (x.items[i].kind == ENT_DEVICE && network_nic_parse(x.items[i].value, x.items[i].len, &nic) &&
		    !strcmp(nic.network, u->c->name))
			r = check_nic(u->c, &nic, u->e);
	return r < 0 ? err_wrap(u->e, "instance %s", name), r : 0;
}

int network_check_users(struct object *network, const struct network_config *c, struct err *e)
{
	struct users u = { c, e };

	return network_each_user(network, check_user, &u);
}

/* ---- what DHCP and DNS are told ---- */

struct note {
	struct object *inst;
	const struct expanded *x;	/* no items when it is not there any more */
	char hostname[sizeof(((struct object *)0)->name)];
};

/* Its own address, or the one that is kept; made only where an address depends on it. */
static bool know_hwaddr(struct object *inst, const char *device, struct network_nic *nic)
{
	char key[128];

	if (nic->hwaddr[0])
		return true;
	if (nic->ip4.family || nic->ip6.family)
		return network_nic_hwaddr(inst, device, nic->hwaddr, NULL) == 0;
	snprintf(key, sizeof(key), "%.100s.hwaddr", device);
	return object_value(inst, ENT_VOLATILE, key, nic->hwaddr, sizeof(nic->hwaddr));
}

static int note_network(uint32_t id, const char *name, void *arg)
{
	const struct note *n = arg;
	_cleanup_object_ struct object *net = object_get(id);
	_cleanup_network_config_ struct network_config c = { .id = 0 };
	struct network_nic nics[NETWORK_NICS_MAX];
	struct err e = ERR_INIT;
	size_t found = 0;

	if (!net || network_config_load(net, NULL, 0, &c, NULL) < 0)
		return 0;
	for (size_t i = 0; i < n->x->n && found < NETWORK_NICS_MAX; i++) {
		const struct expanded_item *it = &n->x->items[i];

		if (it->kind == ENT_DEVICE && network_nic_parse(it->value, it->len, &nics[found]) && !strcmp(nics[found].network, c.name) &&
		    know_hwaddr(n->inst, it->name, &nics[found]))
			found++;
	}
	if (network_driver()->hosts(&c, n->inst->id, n->hostname, nics, found, &e) < 0)
		object_error_set(net, &e);
	return 0;
}

void network_note_instance(struct object *inst)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	struct note n = { .inst = inst, .x = &x };
	bool there;

	if (!network_driver() || !object_count(SPACE_NETWORKS))
		return;
	pthread_mutex_lock(&inst->lock);
	there = inst->space == SPACE_INSTANCES && !inst->gone;
	snprintf(n.hostname, sizeof(n.hostname), "%s", inst->name);
	pthread_mutex_unlock(&inst->lock);
	if (there && config_expand(inst, &x, NULL) < 0)
		return;
	object_each(SPACE_NETWORKS, 0, note_network, &n);
}
