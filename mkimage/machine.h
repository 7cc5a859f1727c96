/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A small image of a virtual machine: a kernel, busybox as its first file system, and a disk on which the guest counts its boots. It is
 * started without firmware (members kernel, initrd and cmdline), which is quick. No network, no root.
 */
#pragma once

#include "mkimage/busybox.h"

struct machine_options {
	struct busybox_options busybox;	/* out and time are of the image */
	const char *kernel;	/* NULL: /boot/vmlinuz-RELEASE of the running kernel */
	const char *modules;	/* directory with modules.dep; NULL: /lib/modules/RELEASE */
};

int machine_build(const struct machine_options *o, struct err *e);
