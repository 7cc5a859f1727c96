// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of devices of type unix-hotplug: properties and their checks. Pure functions. */
#include <errno.h>
#include <string.h>

#include "backends/core/device.h"
#include "backends/core/device_check.h"

/* As lsusb(8) prints them. */
static int check_id(const char *value, struct err *e)
{
	if (strlen(value) == 4 && strspn(value, "0123456789abcdef") == 4)
		return 0;
	return err_set(e, EINVAL, "\"%.32s\" is not an id of 4 hexadecimal digits in lower case, as 046d", value);
}

static int check_hotplug(const char *text, size_t len, struct err *e)
{
	if (device_has(text, len, "vendorid") || device_has(text, len, "productid"))
		return 0;
	return err_set(e, EINVAL, "vendorid=, productid= or both are needed; without them it would be every device of the host");
}

static bool is_hot(const char *text, size_t len)
{
	return true;
}

static bool needs_root(const char *text, size_t len)
{
	return true;
}

static const struct device_property properties[] = {
	{ .name = "vendorid", .type = "4 hexadecimal digits", .def = "any", .effect = DEVICE_AGAIN, .check = check_id,
	  .doc = "who made it, as 046d" },
	{ .name = "productid", .type = "4 hexadecimal digits", .def = "any", .effect = DEVICE_AGAIN, .check = check_id,
	  .doc = "what it is, as c52b" },
	{ .name = "required", .type = "true or false", .def = "false", .effect = DEVICE_LIVE, .check = device_check_bool,
	  .doc = "true: it must be plugged in when the instance starts, or gets it" },
	{ .name = "uid", .type = "id", .def = "0", .effect = DEVICE_AGAIN, .check = device_check_id, .doc = "owner in the instance" },
	{ .name = "gid", .type = "id", .def = "0", .effect = DEVICE_AGAIN, .check = device_check_id, .doc = "group in the instance" },
	{ .name = "mode", .type = "octal", .def = "0660", .effect = DEVICE_AGAIN, .check = device_check_mode, .doc = "permissions" },
	{ .name = NULL },
};

const struct device_type device_unix_hotplug = {
	.name = "unix-hotplug", .doc = "nodes of hardware that is plugged into the host and pulled out: they come and go with it",
	.properties = properties, .check = check_hotplug, .hot = is_hot, .needs_root = needs_root,
};
