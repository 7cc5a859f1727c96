// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-lxc start: becomes the monitor of one container and ends with it. It reports nothing: the server, and any later
 * server, sees in /proc what this process has for a child, and reads the reason of a failure in liblxc's log (launch.c).
 *
 * Single-threaded by necessity: liblxc refuses to start a container in the foreground of a process with threads.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lxc/lxccontainer.h>

#include "backends/lxc/helper.h"

static int fail(const char *name, const char *text)
{
	fprintf(stderr, "%s - ERROR - %s\n", name, text);
	return 1;
}

int helper_start(const struct helper *h)
{
	struct lxc_container *c;

	helper_title("[instfs monitor] %s", h->name);
	/* Without newuidmap in the path liblxc writes the id maps itself, which needs no further programs: root may. */
	setenv("PATH", "/nonexistent", 1);
	c = lxc_container_new(h->name, h->dir);
	if (!c)
		return fail(h->name, "liblxc has no container object for us");
	if (!c->is_defined(c))
		return fail(h->name, "liblxc does not take the configuration");
	if (!c->want_daemonize(c, false))
		return fail(h->name, "liblxc does not stay in the foreground");
	return c->start(c, 0, NULL) ? 0 : 1;
}
