/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Mounting and unmounting, by the system call or, for an ordinary user, by fusermount3. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "fs/options.h"

/* Opens /dev/fuse as FD_FUSE and mounts it; tells the device number of the mount. */
int mount_make(const struct options *o, unsigned *dev_major, unsigned *dev_minor, struct err *e);

struct mount_place {
	unsigned dev_major, dev_minor;
	uid_t owner;
};

/* What of ours is mounted there, at the top. ENOENT: nothing. The server is not asked. */
int mount_find(const char *mountpoint, struct mount_place *ret, struct err *e);

/* Lazily when it is in use: programs that use it lose it when the holder ends. */
int mount_remove(const struct options *o, struct err *e);
