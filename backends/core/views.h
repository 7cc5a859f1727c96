/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual files for containers, as a backend sees them: a directory that the view server serves, RUNDIR/views/ID with proc/ and sys/
 * below it. Which files there are, and what starts the server, is not the backends' business.
 */
#pragma once

#include "backends/core/object.h"

/* Of fs/: makes sure that a view server runs and that the mount is there. Set once before threads exist. */
void views_register(int (*start)(struct err *e));

/*
 * The directory of an instance's files, usable now. ENOTSUP: this daemon serves none. Takes a moment when the server has to be
 * started; no lock may be held.
 */
int views_open(const struct object *o, char *path, size_t size, struct err *e);

/* Calls f with each path that a container shall see in place of its own, relative to its root ("proc/meminfo"). */
void views_each(void (*f)(const char *path, bool directory, void *arg), void *arg);
