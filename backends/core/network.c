// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Networks as objects: made, changed, renamed, removed. `driver` is set once before threads exist. Everything slow is the driver's;
 * its own locks are leaves.
 */
#include "backends/core/network.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/event.h"
#include "backends/core/name.h"

static const struct network_ops *driver;

const struct network_ops *network_driver(void)
{
	return driver;
}

int network_init(const struct network_ops *const *list, const char *name, struct buf *version, struct err *e)
{
	driver = list[0];
	for (size_t i = 0; name && list[i]; i++)
		if (!strcmp(list[i]->name, name))
			driver = list[i];
	return driver->probe(version, e);
}

static int apply(const struct network_config *c, const struct network_config *before, struct err *e)
{
	int r = driver->apply(c, before, e);

	return r < 0 ? err_wrap(e, "network %s", c->name), r : 0;
}

/* ---- at start ---- */

static int note(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = object_get(id);

	if (o)
		network_note_instance(o);
	return 0;
}

static int adopt(uint32_t id, const char *name, void *arg)
{
	bool *fresh = arg;
	_cleanup_object_ struct object *o = object_get(id);
	_cleanup_network_config_ struct network_config c = { .id = 0 };
	struct err e = ERR_INIT;
	int r = o ? network_config_load(o, NULL, 0, &c, &e) : 0;

	if (o && r == 0)
		r = driver->adopt(&c, &e);
	if (r < 0)
		object_error_set(o, &e);
	*fresh |= r > 0;
	return 0;
}

void network_adopt_all(void)
{
	bool fresh = false;

	object_each(SPACE_NETWORKS, 0, adopt, &fresh);
	if (fresh)
		object_each(SPACE_INSTANCES, 0, note, NULL);
}

/* ---- making ---- */

static int give_hwaddr(struct object *o, struct err *e)
{
	char mac[NET_MAC_SIZE + 1];
	int r = net_random_mac(mac, e);

	if (r < 0)
		return r;
	strcat(mac, "\n");
	return object_set(o, ENT_VOLATILE, "bridge.hwaddr", mac, strlen(mac), e);
}

static int bring_up(struct object *o, struct err *e)
{
	_cleanup_network_config_ struct network_config c = { .id = 0 };
	int r = network_config_load(o, NULL, 0, &c, e);

	if (r < 0)
		return r;
	r = apply(&c, NULL, e);
	if (r < 0)
		driver->remove(&c, NULL);
	return r;
}

int network_create(const char *name, const struct meta *m, struct object **ret, struct err *e)
{
	_cleanup_object_ struct object *o = NULL;
	int r = name_check_network(name, e);

	if (r == 0 && driver->exists(name))
		r = err_set(e, EEXIST, "the host has an interface %s already; a managed network makes one of its own", name);
	if (r == 0)
		r = object_create(SPACE_NETWORKS, name, m, &o, e);
	if (r < 0)
		return r;
	r = give_hwaddr(o, e);
	if (r == 0)
		r = bring_up(o, e);
	if (r < 0) {
		object_remove(o, NULL);
		return r;
	}
	*ret = steal_pointer(&o);
	return 0;
}

/* ---- who uses it ---- */

struct search {
	char network[NET_NAME_MAX + 1];
	int (*f)(uint32_t id, const char *name, void *arg);
	void *arg;
};

static bool device_uses(const char *text, size_t len, const char *network)
{
	struct network_nic nic;

	return network_nic_parse(text, len, &nic) && !strcmp(nic.network, network);
}

static int look_at(uint32_t id, const char *name, void *arg)
{
	const struct search *s = arg;
	_cleanup_object_ struct object *o = object_get(id);
	_cleanup_expanded_ struct expanded x = { 0 };

	if (!o || config_expand(o, &x, NULL) < 0)
		return 0;
	for (size_t i = 0; i < x.n; i++)
		if (x.items[i].kind == ENT_DEVICE && device_uses(x.items[i].value, x.items[i].len, s->network))
			return s->f(id, name, s->arg);
	return 0;
}

static void name_of(struct object *o, char buf[NET_NAME_MAX + 1])
{
	HOLD_LOCK(&o->lock);
	snprintf(buf, NET_NAME_MAX + 1, "%.15s", o->name);
}

int network_each_user(struct object *network, int (*f)(uint32_t id, const char *name, void *arg), void *arg)
{
	struct search s = { .f = f, .arg = arg };

	name_of(network, s.network);
	return object_each(SPACE_INSTANCES, 0, look_at, &s);
}

struct unused {
	char network[NET_NAME_MAX + 1];
	struct err *e;
};

static int used_by_instance(uint32_t id, const char *name, void *arg)
{
	const struct unused *u = arg;

	return err_set(u->e, EBUSY, "network %s is used by instance %s", u->network, name);
}

static int used_by_profile(uint32_t id, const char *name, void *arg)
{
	const struct unused *u = arg;
	_cleanup_object_ struct object *p = object_get(id);
	size_t i, end;

	if (!p)
		return 0;
	HOLD_LOCK(&p->lock);
	for (object_entries(p, ENT_DEVICE, &i, &end); i < end; i++)
		if (device_uses(p->entries[i]->value, p->entries[i]->len, u->network))
			return err_set(u->e, EBUSY, "network %s is used by profile %s", u->network, name);
	return 0;
}

static int check_unused(struct object *o, struct err *e)
{
	struct unused u = { .e = e };
	int r;

	name_of(o, u.network);
	r = network_each_user(o, used_by_instance, &u);
	return r ? r : object_each(SPACE_PROFILES, 0, used_by_profile, &u);
}

/* ---- removing, renaming ---- */

static int take_down(struct object *o, struct network_config *c, struct err *e)
{
	int r = check_unused(o, e);

	if (r == 0)
		r = network_config_load(o, NULL, 0, c, e);
	return r < 0 ? r : driver->remove(c, e);
}

int network_remove(struct object *o, struct err *e)
{
	_cleanup_network_config_ struct network_config c = { .id = 0 };
	int r;

	HOLD_LOCK(&o->change);
	r = take_down(o, &c, e);
	if (r < 0)
		return r;
	r = object_remove(o, e);
	if (r < 0)
		driver->apply(&c, NULL, NULL);
	return r;
}

int network_rename(struct object *o, const char *new_name, struct err *e)
{
	_cleanup_network_config_ struct network_config c = { .id = 0 };
	int r = name_check_network(new_name, e);

	if (r == 0 && driver->exists(new_name))
		r = err_set(e, EEXIST, "the host has an interface %s already", new_name);
	if (r < 0)
		return r;
	HOLD_LOCK(&o->change);
	r = take_down(o, &c, e);
	if (r < 0)
		return r;
	r = object_rename(o, new_name, e);
	if (bring_up(o, r < 0 ? NULL : e) < 0 && r == 0) {
		object_rename(o, c.name, NULL);
		bring_up(o, NULL);
		r = -EIO;
	}
	return r < 0 ? -e->code : 0;
}

/* ---- changing ---- */

/* The changes that were asked for, and the subnets that "auto" among them means. */
struct wanted {
	struct entry_change *c;
	size_t n;
	char chosen[2][NET_ADDRESS_SIZE + 1];
};

static void wanted_free(struct wanted *w)
{
	free(w->c);
}

/* "auto" means a subnet that is chosen now and kept; what was chosen goes with it. */
static int choose(struct object *o, const char *name, const char *value, int family, struct wanted *w, struct err *e)
{
	char *text = w->chosen[family == AF_INET6], old[NET_ADDRESS_SIZE];
	struct entry_change *extra = &w->c[w->n++];
	struct net_address a;
	int r;

	*extra = (struct entry_change){ .kind = ENT_VOLATILE, .name = name };
	if (!value || strncmp(value, "auto", 4) != 0)
		return 0;
	if (object_value(o, ENT_VOLATILE, name, old, sizeof(old))) {
		snprintf(text, NET_ADDRESS_SIZE + 1, "%s\n", old);
	} else {
		r = driver->pick(family, &a, e);
		if (r < 0)
			return r;
		net_print(&a, true, text);
		strcat(text, "\n");
	}
	extra->value = text;
	extra->len = strlen(text);
	return 0;
}

static int want(struct object *o, const struct entry_change *c, size_t n, struct wanted *w, struct err *e)
{
	int r = 0;

	w->c = calloc(n + 2, sizeof(*w->c));
	if (!w->c)
		return err_set(e, ENOMEM, "out of memory");
	memcpy(w->c, c, n * sizeof(*c));
	w->n = n;
	for (size_t i = 0; i < n && r == 0; i++) {
		if (c[i].kind == ENT_CONFIG && !strcmp(c[i].name, "ipv4.address"))
			r = choose(o, c[i].name, c[i].value, AF_INET, w, e);
		else if (c[i].kind == ENT_CONFIG && !strcmp(c[i].name, "ipv6.address"))
			r = choose(o, c[i].name, c[i].value, AF_INET6, w, e);
	}
	return r;
}

/* Whether the host has to be told. */
static bool is_felt(const struct entry_change *c, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (c[i].kind == ENT_CONFIG && strncmp(c[i].name, "user.", 5) != 0)
			return true;
	return false;
}

static int check_conflicts(const struct network_config *now, const struct network_config *before, struct err *e)
{
	int r = 0;

	if (now->ip4.address.family && !net_same(&now->ip4.address, &before->ip4.address))
		r = driver->conflict(now, &now->ip4.address, e);
	if (r == 0 && now->ip6.address.family && !net_same(&now->ip6.address, &before->ip6.address))
		r = driver->conflict(now, &now->ip6.address, e);
	return r;
}

static int check(struct object *o, const struct network_config *now, const struct network_config *before, struct err *e)
{
	int r = network_config_check(now, e);

	if (r == 0)
		r = check_conflicts(now, before, e);
	return r < 0 ? r : network_check_users(o, now, e);
}

int network_change(struct object *o, const struct entry_change *c, size_t n, unsigned what, bool dry, struct err *e)
{
	_cleanup_network_config_ struct network_config before = { .id = 0 }, now = { .id = 0 };
	__attribute__((cleanup(wanted_free))) struct wanted w = { .n = 0 };
	bool felt = is_felt(c, n);
	int r;

	HOLD_LOCK(&o->change);
	if (o->gone)
		return err_set(e, ENOENT, "%s is gone", o->name);
	r = want(o, c, n, &w, e);
	if (r == 0)
		r = network_config_load(o, NULL, 0, &before, e);
	if (r == 0)
		r = network_config_load(o, w.c, w.n, &now, e);
	if (r == 0)
		r = check(o, &now, &before, e);
	if (r < 0 || dry)
		return r;
	if (felt)
		r = apply(&now, &before, e);
	if (r == 0)
		r = object_change(o, w.c, w.n, what, e);
	if (r < 0 && felt)
		driver->apply(&before, &now, NULL);
	return r;
}

/* ---- facts ---- */

static int print(struct object *o, int (*f)(const struct network_config *c, struct buf *out, struct err *e), struct buf *out,
		 struct err *e)
{
	_cleanup_network_config_ struct network_config c = { .id = 0 };
	int r = network_config_load(o, NULL, 0, &c, e);

	return r < 0 ? r : f(&c, out, e);
}

int network_print_leases(struct object *o, struct buf *out, struct err *e)
{
	return print(o, driver->leases, out, e);
}

int network_print_state(struct object *o, struct buf *out, struct err *e)
{
	return print(o, driver->state, out, e);
}
