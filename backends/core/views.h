/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual files for containers, as a backend sees them: a directory that the view server serves, RUNDIR/views/ID with proc/ and sys/
 * below it, and for instances that nest others RUNDIR/nested, where every reader sees the container that he is in. What serves them,
 * and which files there are, is known above (fs/).
 */
#pragma once

#include "backends/core/object.h"

enum {
	VIEWS_DIRECTORY = 1 << 0,
	VIEWS_PRESSURE = 1 << 1,	/* better the instance's own file of its control group, which can be polled */
	VIEWS_NESTED = 1 << 2,		/* made in the container when it is missing */
};

/* source: absolute; target: relative to the container's root ("proc/meminfo"). */
typedef void (*views_fn)(const char *source, const char *target, unsigned flags, void *arg);

struct views_provider {
	/* Makes sure that the servers run and that what they serve is mounted. */
	int (*start)(bool nesting, struct err *e);
	void (*each)(uint32_t id, bool nesting, views_fn f, void *arg);
};

/* Set once before threads exist; without one there are no virtual files. */
void views_register(const struct views_provider *p);

/*
 * Makes that usable which views_each() tells of. EOPNOTSUPP: this daemon serves none. Takes a moment when a server has to be started;
 * no lock may be held.
 */
int views_open(bool nesting, struct err *e);
/* Calls f for each path that a container shall see in place of its own. nesting: security.nesting. */
void views_each(const struct object *o, bool nesting, views_fn f, void *arg);
