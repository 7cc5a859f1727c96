// SPDX-License-Identifier: LGPL-2.1-or-later
/* The row of devices of type proxy. Constant data and checks of values. */
#include "backends/core/cleanup.h"
#include "backends/core/device.h"
#include "backends/core/device_check.h"
#include "backends/core/proxy.h"

static int check_end(const char *value, struct err *e)
{
	struct proxy_end end;

	return proxy_parse_end(value, &end, e);
}

static int check_bind(const char *value, struct err *e)
{
	static const char *const words[] = { "host", "instance", "guest", "container", NULL };

	return device_check_word(value, words, e);
}

static int check_proxy(const char *text, size_t len, struct err *e)
{
	struct proxy p;

	return proxy_parse(text, len, &p, e);
}

static bool is_hot(const char *text, size_t len)
{
	return true;
}

/* It opens ports of the host, or lets the instance reach what only the host can. */
static bool needs_root(const char *text, size_t len)
{
	return true;
}

static const struct device_property properties[] = {
	{ .name = "listen", .type = "tcp:ADDRESS:PORTS, udp:ADDRESS:PORTS, unix:/PATH or unix:@NAME", .def = "required",
	  .effect = DEVICE_AGAIN, .check = check_end, .doc = "where connections come in; ports are 80, 8000-8009 or both with commas" },
	{ .name = "connect", .type = "as listen", .def = "required", .effect = DEVICE_AGAIN, .check = check_end,
	  .doc = "where they go to: one port for all, or as many as listen has" },
	{ .name = "bind", .type = "host or instance", .def = "host", .effect = DEVICE_AGAIN, .check = check_bind,
	  .doc = "the side that listens; the other one connects" },
	{ .name = "nat", .type = "true or false", .def = "false", .effect = DEVICE_AGAIN, .check = device_check_bool,
	  .doc = "by rules of nft to the static address of a nic instead of a process; the instance sees who connects" },
	{ .name = "proxy_protocol", .type = "true or false", .def = "false", .effect = DEVICE_AGAIN, .check = device_check_bool,
	  .doc = "tells who connects in a first line (HAProxy's PROXY protocol, version 1)" },
	{ .name = "uid", .type = "id", .def = "0", .effect = DEVICE_AGAIN, .check = device_check_id,
	  .doc = "owner of the file that listen=unix:/PATH makes, by the side where it is" },
	{ .name = "gid", .type = "id", .def = "0", .effect = DEVICE_AGAIN, .check = device_check_id, .doc = "its group" },
	{ .name = "mode", .type = "octal", .def = "0644", .effect = DEVICE_AGAIN, .check = device_check_mode, .doc = "its permissions" },
	{ .name = "security.uid", .type = "id", .def = "0", .effect = DEVICE_AGAIN, .check = device_check_id,
	  .doc = "user as whom it connects, of the side where it connects" },
	{ .name = "security.gid", .type = "id", .def = "0", .effect = DEVICE_AGAIN, .check = device_check_id, .doc = "group of that user" },
	{ .name = NULL },
};

static const char notes[] =
	"Of datagrams each sender has a socket of its own towards the target, so that answers find back to it. One that was silent for a minute\n"
	"in both directions is forgotten (its next datagram comes from another port); a device remembers 1024 senders, and of more the one that\n"
	"was silent for longest goes.";

const struct device_type device_proxy = {
	.name = "proxy", .doc = "connections and datagrams that are forwarded between host and instance", .properties = properties,
	.notes = notes, .check = check_proxy, .hot = is_hot, .needs_root = needs_root,
};
