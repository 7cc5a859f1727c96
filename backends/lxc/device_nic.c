// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Devices of type nic. The host's part is made before the container starts, with all limits and filters; liblxc (at a start) or we
 * (later) move the other end inside. A fact .conf=1 tells that liblxc gives it to the guest again after a reboot.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/network.h"
#include "backends/lxc/device.h"
#include "backends/lxc/device_record.h"
#include "backends/lxc/start_nics.h"
#include "backends/network/host.h"
#include "backends/network/nic.h"

/* ---- what it is ---- */

static int make_nic(struct device *d, const char *text, size_t len, struct nic *n, struct err *e)
{
	char mac[64];

	nic_parse(d->o->id, d->name, text, len, n);
	if (!n->hwaddr[0] && *device_fact(d, "mac", mac, sizeof(mac)))
		snprintf(n->hwaddr, sizeof(n->hwaddr), "%.17s", mac);
	/* as large as the other ports of the bridge can take */
	if (!n->mtu && n->kind == NIC_BRIDGED)
		host_mtu(n->parent, &n->mtu);
	return n->hwaddr[0] || n->kind == NIC_PHYSICAL ? 0 : network_nic_hwaddr(d->o, d->name, n->hwaddr, e);
}

static bool is_detached(const struct device *d)
{
	return !device_bool(d->text, d->len, "attached", true);
}

static int say_detached(struct err *e)
{
	err_set(e, ENODEV, "attached=false");
	return 1;
}

static void note_facts(struct device *d, const struct nic *n, const char *name)
{
	char mac[NET_MAC_SIZE];
	unsigned mtu;

	nic_original(n, mac, &mtu);
	if (n->host[0])
		device_set_fact(d, "host_name", "%s", n->host);
	if (n->parent[0])
		device_set_fact(d, "parent", "%s", n->parent);
	device_set_fact(d, "name", "%s", name);
	if (n->hwaddr[0])
		device_set_fact(d, "mac", "%s", n->hwaddr);
	else if (mac[0])
		device_set_fact(d, "mac", "%s", mac);
	if (mac[0]) {
		device_set_fact(d, ".hwaddr", "%s", mac);
		device_set_fact(d, ".mtu", "%u", mtu);
	}
}

/* ---- names inside ---- */

static void free_name(uint64_t *used, char *buf, size_t size)
{
	unsigned i = 0;

	while (i < 64 && *used & (UINT64_C(1) << i))
		i++;
	if (i < 64)
		*used |= UINT64_C(1) << i;
	snprintf(buf, size, "eth%u", i);
}

/* Numbers N of the names ethN that other nics of the running container have. */
static uint64_t used_names(const struct device *d)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	uint64_t used = 0;

	if (device_record_list(d->place, &names) < 0)
		return 0;
	for (char *record = names.data, *nl; record && (nl = strchr(record, '\n')); record = nl + 1) {
		_cleanup_device_record_ struct device_record r = DEVICE_RECORD_INIT;
		char name[32];
		unsigned n;
		int end;

		*nl = '\0';
		if (strcmp(record, d->name) != 0 && device_record_read(d->place, record, &r, NULL) == 0 &&
		    device_get(buf_str(&r.facts), r.facts.len, "name", name, sizeof(name)) && sscanf(name, "eth%u%n", &n, &end) == 1 &&
		    !name[end] && n < 64)
			used |= UINT64_C(1) << n;
	}
	return used;
}

/* ---- for liblxc ---- */

static void add_conf(struct device *d, const struct nic *n, const char *name)
{
	struct buf *out = d->start->conf;
	unsigned i = d->start->nics++;

	buf_addf(out, "lxc.net.%u.type = phys\nlxc.net.%u.link = %s\nlxc.net.%u.name = %s\nlxc.net.%u.flags = up\n", i, i, n->peer, i, name,
		 i);
}

/* ---- the operations ---- */

static int prepare(struct device *d, struct err *e)
{
	char name[32];
	struct nic n;
	int r;

	if (is_detached(d))
		return say_detached(e);
	r = make_nic(d, d->text, d->len, &n, e);
	if (r < 0)
		return r;
	if (!*device_value(d, "name", name, sizeof(name)))
		free_name(&d->start->used_eth, name, sizeof(name));
	note_facts(d, &n, name);
	device_set_fact(d, ".conf", "1");
	r = start_nics_add(d, &n, name, e);
	if (r == 0)
		r = nic_make(&n, e);
	if (r == 0)
		add_conf(d, &n, name);
	return r;
}

static int give(struct device *d, const char *name, struct err *e)
{
	struct nic n;
	int r = make_nic(d, d->text, d->len, &n, e);

	if (r < 0)
		return r;
	note_facts(d, &n, name);
	r = nic_make(&n, e);
	if (r < 0)
		return r;
	r = nic_hand_over(&n, d->init, name, e);
	if (r == 0)
		r = start_nics_hold(d, &n, e);
	if (r < 0)
		nic_remove(&n, NULL);
	return r;
}

static int attach(struct device *d, struct err *e)
{
	uint64_t used;
	char name[32];

	if (is_detached(d))
		return say_detached(e);
	if (!*device_value(d, "name", name, sizeof(name))) {
		used = used_names(d);
		free_name(&used, name, sizeof(name));
	}
	return give(d, name, e);
}

/* Routed nics get their addresses now. After a reboot: what came while the guest ran went with its network namespace. */
static int started(struct device *d, struct err *e)
{
	char conf[8], name[32];
	struct nic n;
	int r;

	if (!*device_fact(d, "name", name, sizeof(name)))
		return 0;
	if (!*device_fact(d, ".conf", conf, sizeof(conf)))
		return give(d, name, e);
	r = make_nic(d, d->text, d->len, &n, e);
	return r < 0 ? r : nic_address_inside(&n, d->init, name, e);
}

static int change(struct device *d, const char *before, size_t before_len, struct err *e)
{
	char name[32];
	struct nic now, was;
	int r = make_nic(d, d->text, d->len, &now, e);

	if (r == 0)
		r = make_nic(d, before, before_len, &was, e);
	if (r < 0)
		return r;
	r = nic_change(&now, &was, e);
	if (r < 0 || !*device_fact(d, "name", name, sizeof(name)))
		return r;
	r = nic_change_inside(&now, &was, d->init, name, e);
	if (r < 0)
		nic_change(&was, &now, NULL);
	return r;
}

static int detach(struct device *d, struct err *e)
{
	char name[32], mac[64], mtu[16];
	struct nic n;
	int r = make_nic(d, d->text, d->len, &n, e);

	if (r < 0)
		return r;
	if (d->init && *device_fact(d, "name", name, sizeof(name)))
		r = nic_take_out(&n, d->init, name, e);
	if (r == 0)
		r = nic_remove(&n, e);
	device_fact(d, ".hwaddr", mac, sizeof(mac));
	device_fact(d, ".mtu", mtu, sizeof(mtu));
	if (r == 0 && mac[0])
		nic_restore(&n, mac, (unsigned)atoi(mtu), NULL);
	if (r == 0 && d->init)
		start_nics_hold(d, &n, NULL);
	return r;
}

static int describe(struct device *d, struct buf *out, struct err *e)
{
	struct nic n;

	nic_parse(d->o->id, d->name, d->text, d->len, &n);
	if (n.ingress)
		buf_addf(out, "ingress %llu bit/s\n", (unsigned long long)n.ingress);
	if (n.egress)
		buf_addf(out, "egress %llu bit/s\n", (unsigned long long)n.egress);
	if (n.mac_filter)
		buf_addf(out, "filtered mac%s%s\n", n.ip4_filter ? " ipv4" : "", n.ip6_filter ? " ipv6" : "");
	return 0;
}

const struct device_ops nic_ops = {
	.type = "nic", .prepare = prepare, .started = started, .attach = attach, .change = change, .detach = detach, .describe = describe,
};
