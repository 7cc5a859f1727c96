/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual files for containers, as a backend sees them: a directory that the view server serves, RUNDIR/views/ID with proc/ and sys/
 * below it. What serves it, and which files there are, is known above (fs/).
 */
#pragma once

#include "backends/core/object.h"

enum {
	VIEWS_DIRECTORY = 1 << 0,
	VIEWS_PRESSURE = 1 << 1,	/* better the instance's own file of its control group, which can be polled */
};

struct views_provider {
	/* Makes sure that a view server runs and that the mount is there. */
	int (*start)(struct err *e);
	/* Calls f with each path that a container shall see in place of its own, relative to its root ("proc/meminfo"). */
	void (*each)(void (*f)(const char *path, unsigned flags, void *arg), void *arg);
};

/* Set once before threads exist; without one there are no virtual files. */
void views_register(const struct views_provider *p);

/*
 * The directory of an instance's files, usable now. EOPNOTSUPP: this daemon serves none. Takes a moment when the server has to be
 * started; no lock may be held.
 */
int views_open(const struct object *o, char *path, size_t size, struct err *e);
void views_each(void (*f)(const char *path, unsigned flags, void *arg), void *arg);
