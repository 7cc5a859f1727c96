/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A prison for a process that reads hostile input and writes into one directory.
 *
 * Inside there is only that directory, as "/", id-mapped: ids 0 to 65535 of a user namespace of its own are the same
 * numbers on disk. The process is root in that namespace with the few capabilities that setting owners and modes takes, and
 * nothing elsewhere: no network, no other processes, no devices, no set-id programs, no new privileges, limits on memory and time.
 *
 * The ids on the host (CONFINE_ID_FIRST and up) are a range that nobody is given, by the conventions about /etc/subuid or otherwise: not
 * one of /etc/subuid, because then a hole in the prison would lead to the processes of containers of the same range, and because an
 * image must be unpacked, for privileged containers, on hosts without such ranges too. They never appear on disk.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "backends/core/err.h"

#define CONFINE_ID_FIRST 0x7fff0000u
#define CONFINE_IDS 65536u

struct confine_limits {
	uint64_t file_size;	/* bytes of one file; 0: no limit */
	uint64_t memory;	/* address space */
	uint64_t cpu_seconds;
};

/* Descriptor of the user namespace; call before confine_fork(). -errno. */
int confine_userns(struct err *e);

/* fork() into new namespaces. In the child (0) call confine_enter(), then only do the work. */
pid_t confine_fork(void);

/* Root is needed. dir: path of the directory; userns: from confine_userns(). On failure leave by _exit(). */
int confine_enter(const char *dir, int userns, const struct confine_limits *l, struct err *e);

/* For the other side, which touches hostile bytes too, though it does not look into them: nobody, without any privilege. */
int confine_drop(struct err *e);
