/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * System calls of containers that the view server answers (security.syscalls.intercept.*): what the helper that installs the filter and the
 * server agree upon.
 *
 * Each filter has a process of the host that keeps its descriptor for as long as anybody is under the filter, and a file
 * RUNDIR/calls/ID.PID that tells of it: id of the instance, pid of the keeper; its text is "FD START", the descriptor's number in the
 * keeper and when the keeper started (field 22 of its stat). Who answers takes a copy (pidfd_getfd): servers can come and go.
 */
#pragma once

#include <stdio.h>

#include "backends/core/config.h"

#define INTERCEPT_DIR "calls"		/* in the run directory, root's */
#define INTERCEPT_FILE "intercept"	/* beside the configuration for liblxc: "ID CALL ..." for the helper; missing: nothing */

enum intercept_call { INTERCEPT_SYSINFO, INTERCEPT_SCHED_GETAFFINITY, INTERCEPT_CALLS };

static inline const char *intercept_name(enum intercept_call c)
{
	static const char *const names[INTERCEPT_CALLS] = { "sysinfo", "sched_getaffinity" };

	return names[c];
}

/* Whether the configuration wants it. */
static inline bool intercept_wanted(const struct expanded *x, enum intercept_call c)
{
	char key[64];

	snprintf(key, sizeof(key), "security.syscalls.intercept.%s", intercept_name(c));
	return expanded_bool(x, key, false);
}
