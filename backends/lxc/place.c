// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/lxc/place.h"

#include <stdio.h>
#include <string.h>

/*
 * Groups carry the store's mark (the last component of its run directory) as well as the name: two daemons on one host may both
 * have an instance "web".
 */
void place_of(struct object *o, struct place *ret)
{
	const char *run = model_rundir(), *mark = strrchr(run, '/');
	char name[sizeof(o->name)];

	pthread_mutex_lock(&o->lock);
	memcpy(name, o->name, sizeof(name));
	pthread_mutex_unlock(&o->lock);
	mark = mark ? mark + 1 : run;
	snprintf(ret->lxcpath, sizeof(ret->lxcpath), "%s/lxc", run);
	snprintf(ret->dir, sizeof(ret->dir), "%s/%s", ret->lxcpath, name);
	snprintf(ret->config, sizeof(ret->config), "%s/config", ret->dir);
	snprintf(ret->rootfs, sizeof(ret->rootfs), "%s/rootfs", ret->dir);
	object_path(o, ret->store, sizeof(ret->store));
	snprintf(ret->log, sizeof(ret->log), "%s/lxc.log", ret->store);
	snprintf(ret->console, sizeof(ret->console), "%s/console.log", ret->store);
	snprintf(ret->cgroup, sizeof(ret->cgroup), "instfs/%s.%.12s", name, mark);
	snprintf(ret->monitor, sizeof(ret->monitor), "instfs.monitor/%s.%.12s", name, mark);
}
