/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who asks: from the FUSE request. Root-only keys are decided by it, on every route. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct caller {
	uid_t uid;
	gid_t gid;
	pid_t pid;		/* thread id of the caller, 0 when it is in another pid namespace */
	uint64_t unique;	/* of the FUSE request without the resend bit; 0: the daemon itself */
	bool again;		/* the request was seen before a restart of the server: what it asks may be done already */
};

#define CALLER_DAEMON { .uid = 0 }
