/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where everything of one container is. Pure names; nothing has to exist. */
#pragma once

#include "backends/core/object.h"

struct place {
	char lxcpath[384];	/* RUNDIR/lxc: what `lxc-info -P` and friends want */
	char dir[464];		/* RUNDIR/lxc/NAME: configuration for liblxc */
	char config[480];
	char rootfs[480];	/* where the guest's root is allowed to reach its file system while it runs */
	char store[512];	/* the instance's directory in the store */
	char log[560];		/* liblxc's log of the last start */
	char console[560];	/* what the console printed */
	char cgroup[160];	/* of the payload, below each hierarchy */
	char monitor[160];	/* of the monitor */
};

void place_of(struct object *o, struct place *ret);
