// SPDX-License-Identifier: LGPL-2.1-or-later
/* The row of devices of type nic. Constant data and checks of values. */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "backends/core/device.h"
#include "backends/core/device_check.h"
#include "backends/core/value.h"

#define COUNT(a) (sizeof(a) / sizeof(*(a)))

static int check_mac(const char *value, struct err *e)
{
	static const char hex[] = "0123456789abcdefABCDEF";

	for (int i = 0; i < 17; i++) {
		if (i % 3 == 2 ? value[i] != ':' : !value[i] || !strchr(hex, value[i]))
			return err_set(e, EINVAL, "\"%.32s\" is not a MAC address like 00:16:3e:12:34:56", value);
	}
	if (value[17])
		return err_set(e, EINVAL, "\"%.32s\" is not a MAC address like 00:16:3e:12:34:56", value);
	if (strchr("13579bdfBDF", value[1]))
		return err_set(e, EINVAL, "%s is a multicast address, which no interface can have", value);
	if (!strcmp(value, "00:00:00:00:00:00"))
		return err_set(e, EINVAL, "%s is no address that an interface can have", value);
	return 0;
}

static int check_mtu(const char *value, struct err *e)
{
	int64_t v;

	return value_int(value, 1280, 16384, &v, e);
}

static int check_nictype(const char *value, struct err *e)
{
	static const char *const now[] = { "bridged", "macvlan", "p2p", "physical" };
	static const char *const later[] = { "ipvlan", "ovn", "routed", "sriov" };

	for (size_t i = 0; i < COUNT(now); i++) {
		if (!strcmp(value, now[i]))
			return 0;
	}
	for (size_t i = 0; i < COUNT(later); i++) {
		if (!strcmp(value, later[i]))
			return err_set(e, EOPNOTSUPP, "nictype=%s is not supported yet", value);
	}
	return err_set(e, EINVAL, "nictype \"%.32s\" is not one of bridged, macvlan, p2p, physical", value);
}

static int check_nic(const char *text, size_t len, struct err *e)
{
	char type[32];

	if (!device_get(text, len, "nictype", type, sizeof(type)))
		return err_set(e, EINVAL, "a nic needs nictype=, one of bridged, macvlan, p2p, physical");
	if (strcmp(type, "p2p") != 0 && !device_has(text, len, "parent"))
		return err_set(e, EINVAL, "nictype=%s needs parent=, an interface of the host", type);
	if (!strcmp(type, "p2p") && device_has(text, len, "parent"))
		return err_set(e, EINVAL, "nictype=p2p has no parent=");
	if (device_has(text, len, "host_name") && strcmp(type, "bridged") != 0 && strcmp(type, "p2p") != 0)
		return err_set(e, EINVAL, "nictype=%s has no host_name=", type);
	return 0;
}

static bool needs_root(const char *text, size_t len)
{
	char type[32];

	if (!device_has(text, len, "parent"))
		return false;
	return !device_get(text, len, "nictype", type, sizeof(type)) || (strcmp(type, "bridged") != 0 && strcmp(type, "p2p") != 0);
}

static const struct device_property properties[] = {
	{ .name = "nictype", .type = "bridged, macvlan, p2p, physical", .def = "required", .effect = DEVICE_AGAIN, .check = check_nictype,
	  .doc = "how it is connected" },
	{ .name = "parent", .type = "interface", .def = "required but for p2p", .effect = DEVICE_AGAIN, .check = device_check_interface,
	  .doc = "the bridge or interface of the host" },
	{ .name = "name", .type = "interface", .def = "the first free ethN", .effect = DEVICE_AGAIN, .check = device_check_interface,
	  .doc = "its name inside" },
	{ .name = "hwaddr", .type = "MAC address", .def = "made once, kept in volatile/", .effect = DEVICE_AGAIN, .check = check_mac,
	  .doc = "its address inside" },
	{ .name = "mtu", .type = "1280 to 16384", .def = "the parent's", .effect = DEVICE_AGAIN, .check = check_mtu,
	  .doc = "largest packet" },
	{ .name = "host_name", .type = "interface", .def = "chosen", .effect = DEVICE_AGAIN, .check = device_check_interface,
	  .doc = "name of the host's end (bridged, p2p)" },
	{ .name = NULL },
};

static const char *const later[] = {
	"boot.priority", "gvrp", "host_address", "host_table", "ipv4.*", "ipv6.*", "limits.*", "maas.*", "mode", "network",
	"queue.tx.length", "security.*", "vlan", "vlan.tagged", NULL,
};

const struct device_type device_nic = {
	.name = "nic", .doc = "a network interface", .properties = properties, .later = later, .check = check_nic,
	.needs_root = needs_root,
};
