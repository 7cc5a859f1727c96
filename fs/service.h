/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The service manager's protocols (sd_notify, descriptor store), without its library. All of it does nothing when there is none. */
#pragma once

#include <stdbool.h>

/* Sends "READY=1" and the like. */
void service_notify(const char *state);
/* Leaves /dev/fuse and the shared memory with it: should holder and server be killed both, the mount lives. */
void service_store_fds(void);
void service_drop_fds(void);	/* it was unmounted: of no use any more */
/* Takes them back when it gave them to us: true, with FD_FUSE, FD_SHM and FD_KEEP in place. */
bool service_restore_fds(void);
