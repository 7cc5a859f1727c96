// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-lxc device: one more rule for the device controller of version 2, where the rules are a program that the container's monitor
 * has made and attached; liblxc asks the monitor to put another one in its place.
 */
#include <errno.h>
#include <stdio.h>

#include <lxc/lxccontainer.h>

#include "backends/lxc/helper.h"

/* DIR NAME devices.allow|devices.deny RULE */
int helper_device(char *const *args)
{
	struct lxc_container *c = lxc_container_new(args[1], args[0]);
	bool done;

	if (!c) {
		fputs("liblxc does not know the instance\n", stderr);
		return ENOENT;
	}
	done = c->set_cgroup_item(c, args[2], args[3]);
	lxc_container_put(c);
	if (done)
		return 0;
	fprintf(stderr, "liblxc cannot set %s to %s while the instance runs\n", args[2], args[3]);
	return EOPNOTSUPP;
}
