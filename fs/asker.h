/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a process that asks to the container that it is in, for files that show everybody his own, as lxcfs does.
 *
 * A container is a pid namespace whose first process has a host name or a view of control groups of its own; a namespace that a program
 * makes for itself, to confine a part of it, shows what surrounds it. One of our instances is known by its init; a container inside of
 * one is held within the instance's limits; any other one of this host is taken as it is found.
 */
#pragma once

#include "backends/proc/proc.h"

struct asker;

/*
 * 0 and *ret NULL: nothing surrounds it but the host (or it cannot be seen from here), whose files are its own. -ESRCH: it ended.
 * *ret goes back with asker_put().
 */
int asker_get(pid_t pid, struct asker **ret);
void asker_put(struct asker *a);	/* NULL is fine */

/* The file as it is for a; NULL: the host's own. */
int asker_show(struct asker *a, const struct proc_place *at, struct buf *out);
/* What tells of its CPUs; NULL: it ended. Goes back with asker_release(), before asker_put(). */
struct proc_source *asker_source(struct asker *a);
void asker_release(struct asker *a, struct proc_source *s);
