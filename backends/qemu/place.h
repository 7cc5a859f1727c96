/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where everything of one virtual machine is. Pure names; nothing has to exist. */
#pragma once

#include "backends/core/object.h"

enum vm_socket { VM_QMP, VM_SPARE, VM_CONSOLE, VM_SOCKETS };	/* the spare monitor is for people: one client at a time each */

struct place {
	char dir[400];			/* RUNDIR/qemu/ID */
	char socket[VM_SOCKETS][440];
	char console[440];		/* what the console printed */
	char store[512];		/* the instance's directory in the store */
	char log[560];			/* QEMU's messages of the last start */
	char cgroup[160];		/* of its QEMU, below each hierarchy */
	uint32_t uid;			/* user and group of its QEMU; nobody else's, and none that a container has */
};

void place_of_vm(struct object *o, struct place *ret);
