/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The host's end of a container's console, which belongs to its monitor. For the server and for instfs-tty. */
#pragma once

#include <sys/types.h>

/* A copy of the descriptor, to be closed; monitor and pidfd are one process. -ENOTCONN: it has no console. Its flags are shared with
 * the monitor: they are not to be changed. */
int console_master(pid_t monitor, int pidfd);
