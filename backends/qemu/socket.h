/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets in the file system, by which a QEMU is reached. Nothing waits. */
#pragma once

#include "backends/core/err.h"

/* Listening at the path, in place of what is there; for QEMU to inherit. A descriptor or -errno. */
int socket_listen(const char *path, struct err *e);
int socket_connect(const char *path, struct err *e);
