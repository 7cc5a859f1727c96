/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What /proc tells of a container's processes. No state. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The init that runs below a monitor: its child that is number 1 of a pid namespace and executes a program of its own already
 * (before that it is a copy of the monitor and may still fail). 0: none. */
pid_t proc_init_of(pid_t monitor);

/*
 * The signal that makes this init shut the machine down. It is told by what init listens to. 0: to none yet; at_last: then what is
 * custom, unless it is still liblxc.
 */
int proc_halt_signal(pid_t init, pid_t monitor, bool at_last);
