/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Virtual files of /proc and /sys in containers: bound over the container's own at its start, and put in place again later. */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/object.h"

/* Adds the lines for liblxc; after views_open(). cgroup: the payload's, that need not be there yet. */
void viewmounts_print(const struct object *o, bool nesting, const char *cgroup, struct buf *out);

/*
 * Looks whether a running container has them all, and mounts what is missing (an older daemon started it) or dead (its view server is
 * gone). What somebody else mounted over them stays.
 */
int viewmounts_refresh(struct object *o, struct err *e);

/* The container's groups are there: whoever is in it may use their files of pressure information, as the host's users may theirs. */
void viewmounts_grant(const struct object *o, const char *cgroup);
