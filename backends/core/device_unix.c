// SPDX-License-Identifier: LGPL-2.1-or-later
/* The tables of devices of type unix-char and unix-block: properties and their checks. Pure functions. */
#include <errno.h>
#include <stdlib.h>

#include "backends/core/device.h"
#include "backends/core/device_check.h"

/* Numbers of devices have 12 and 20 bits. */
static int check_below(const char *value, unsigned long limit, struct err *e)
{
	int r = device_check_number(value, e);

	if (r == 0 && strtoul(value, NULL, 10) >= limit)
		return err_set(e, ERANGE, "%.32s is not below %lu", value, limit);
	return r;
}

static int check_major(const char *value, struct err *e)
{
	return check_below(value, 1ul << 12, e);
}

static int check_minor(const char *value, struct err *e)
{
	return check_below(value, 1ul << 20, e);
}

static int check_unix(const char *text, size_t len, struct err *e)
{
	if (!device_has(text, len, "source") && !device_has(text, len, "path"))
		return err_set(e, EINVAL, "source= (on the host) or path= (in the instance) is needed; one stands for both");
	if (device_has(text, len, "major") != device_has(text, len, "minor"))
		return err_set(e, EINVAL, "major= and minor= stand together, or the numbers are those of the host's file");
	if (device_has(text, len, "source") && device_has(text, len, "major"))
		return err_set(e, EINVAL, "source= has its numbers; major= and minor= are for a path= without source=");
	return 0;
}

static bool is_hot(const char *text, size_t len)
{
	return true;
}

/* Every one gives power over the host's hardware. */
static bool needs_root(const char *text, size_t len)
{
	return true;
}

static const struct device_property properties[] = {
	{ .name = "source", .type = "path", .def = "path", .effect = DEVICE_AGAIN, .check = device_check_path,
	  .doc = "the device on the host" },
	{ .name = "path", .type = "path", .def = "source", .effect = DEVICE_AGAIN, .check = device_check_path,
	  .doc = "where it appears in the instance" },
	{ .name = "major", .type = "0 to 4095", .def = "of the source", .effect = DEVICE_AGAIN, .check = check_major,
	  .doc = "number of the driver, where the host has no such file" },
	{ .name = "minor", .type = "0 to 1048575", .def = "of the source", .effect = DEVICE_AGAIN, .check = check_minor,
	  .doc = "number of the device of that driver" },
	{ .name = "uid", .type = "id", .def = "0", .effect = DEVICE_AGAIN, .check = device_check_id, .doc = "owner in the instance" },
	{ .name = "gid", .type = "id", .def = "0", .effect = DEVICE_AGAIN, .check = device_check_id, .doc = "group in the instance" },
	{ .name = "mode", .type = "octal", .def = "0660", .effect = DEVICE_AGAIN, .check = device_check_mode, .doc = "permissions" },
	{ .name = "required", .type = "true or false", .def = "true", .effect = DEVICE_LIVE, .check = device_check_bool,
	  .doc = "false: without its source the instance starts too, runtime/devices/ says missing" },
	{ .name = NULL },
};

const struct device_type device_unix_char = {
	.name = "unix-char", .doc = "a character device of the host", .properties = properties, .check = check_unix, .hot = is_hot,
	.needs_root = needs_root,
};

const struct device_type device_unix_block = {
	.name = "unix-block", .doc = "a block device of the host, as a device and not as a file system", .properties = properties,
	.check = check_unix, .hot = is_hot, .needs_root = needs_root,
};
