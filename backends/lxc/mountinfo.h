/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Finding a mount of the host again in the mount namespace of a container. No state. */
#pragma once

#include <sys/types.h>

#include "backends/core/buf.h"
#include "backends/core/err.h"

/*
 * Numbers (mount ids, as statx(2) gives them) of the mounts in the namespace of process pid that show what the mount at `staged` on
 * the host shows, separated by blanks; empty: none. -errno when either cannot be read; staged is no mount: empty.
 */
int mountinfo_copies(const char *staged, pid_t pid, struct buf *ids, struct err *e);

/* The device number "MAJOR:MINOR" of the file system that is mounted at path. */
int mountinfo_device(const char *path, unsigned *major, unsigned *minor, struct err *e);
