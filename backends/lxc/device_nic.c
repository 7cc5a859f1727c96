// SPDX-License-Identifier: LGPL-2.1-or-later
/* Devices of type nic. No state. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "backends/lxc/device.h"

/* Locally administered addresses in LXD's range; kept, so that DHCP servers know the instance again. */
static int keep_hwaddr(struct object *o, const char *device, char *buf, struct err *e)
{
	char key[128], line[20];
	unsigned char r[3];

	snprintf(key, sizeof(key), "%.100s.hwaddr", device);
	if (object_value(o, ENT_VOLATILE, key, buf, 18) && strlen(buf) == 17)
		return 0;
	if (getrandom(r, sizeof(r), 0) != sizeof(r))
		return err_sys(e, errno, "device %s: no random address", device);
	snprintf(buf, 18, "00:16:3e:%02x:%02x:%02x", r[0], r[1], r[2]);
	snprintf(line, sizeof(line), "%s\n", buf);
	return object_set(o, ENT_VOLATILE, key, line, strlen(line), e);
}

static void free_name(struct device_start *s, char *buf, size_t size)
{
	unsigned i = 0;

	while (i < 64 && s->used_eth & (UINT64_C(1) << i))
		i++;
	if (i < 64)
		s->used_eth |= UINT64_C(1) << i;
	snprintf(buf, size, "eth%u", i);
}

static int add_parent(struct device *d, unsigned i, struct err *e)
{
	char parent[64], path[64];

	if (!*device_value(d, "parent", parent, sizeof(parent)))
		return 0;
	snprintf(path, sizeof(path), "/sys/class/net/%.20s", parent);
	if (access(path, F_OK) < 0)
		return err_set(e, ENOENT, "the host has no network interface %s", parent);
	buf_addf(d->start->conf, "lxc.net.%u.link = %s\n", i, parent);
	return 0;
}

static int prepare(struct device *d, struct err *e)
{
	struct buf *out = d->start->conf;
	char type[32], text[64];
	unsigned i = d->start->nics++;
	bool physical;
	int r;

	device_value(d, "nictype", type, sizeof(type));
	physical = !strcmp(type, "physical");
	buf_addf(out, "lxc.net.%u.type = %s\nlxc.net.%u.flags = up\n", i, physical ? "phys" : !strcmp(type, "macvlan") ? "macvlan" : "veth", i);
	r = add_parent(d, i, e);
	if (r < 0)
		return r;
	if (!strcmp(type, "macvlan"))
		buf_addf(out, "lxc.net.%u.macvlan.mode = bridge\n", i);
	if (!*device_value(d, "name", text, sizeof(text)))
		free_name(d->start, text, sizeof(text));
	buf_addf(out, "lxc.net.%u.name = %s\n", i, text);
	device_set_fact(d, "name", "%s", text);
	if (*device_value(d, "host_name", text, sizeof(text)))
		buf_addf(out, "lxc.net.%u.veth.pair = %s\n", i, text);
	if (*device_value(d, "mtu", text, sizeof(text)))
		buf_addf(out, "lxc.net.%u.mtu = %s\n", i, text);
	if (!*device_value(d, "hwaddr", text, sizeof(text))) {
		if (physical)
			return 0;
		r = keep_hwaddr(d->o, d->name, text, e);
		if (r < 0)
			return r;
	}
	buf_addf(out, "lxc.net.%u.hwaddr = %s\n", i, text);
	device_set_fact(d, "mac", "%s", text);
	return 0;
}

/* The kernel removes what was in the container's network namespace, or gives it back. */
static int detach(struct device *d, struct err *e)
{
	return d->init ? err_set(e, EOPNOTSUPP, "nics are detached at the next start") : 0;
}

const struct device_ops nic_ops = { .type = "nic", .prepare = prepare, .detach = detach };
