/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hardware that is plugged in and pulled out: which nodes belong to devices with given ids, and word from the kernel when that changes. */
#pragma once

#include <stdbool.h>

#include "backends/core/err.h"

struct hotplug_node {
	bool block;
	unsigned major, minor;
	char path[256];		/* below /dev, where the host has it */
};

/*
 * Calls f for each node of a device whose nearest ids are these ("": any), until it returns non-zero, which is returned. sys is where
 * sysfs is. Devices on the USB itself (/dev/bus/usb) are left out: they are those that drivers made other nodes of.
 */
int hotplug_each(const char *sys, const char *vendor, const char *product, int (*f)(const struct hotplug_node *n, void *arg), void *arg);

/* From now on f() is called, in the watch thread, after a device with a node came or went. Repeated calls do nothing. */
int hotplug_watch(void (*f)(void), struct err *e);
