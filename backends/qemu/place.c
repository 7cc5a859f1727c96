// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/qemu/place.h"

#include <stdio.h>
#include <string.h>

#define FIRST_UID 0x7ffe0000u		/* above what is given to people and containers; 64 Ki of them */

void place_of_vm(struct object *o, struct place *ret)
{
	static const char *const sockets[VM_SOCKETS] = { [VM_QMP] = "qmp", [VM_SPARE] = "monitor", [VM_CONSOLE] = "console" };
	const char *run = model_rundir(), *mark = strrchr(run, '/');
	char name[sizeof(o->name)];

	pthread_mutex_lock(&o->lock);
	memcpy(name, o->name, sizeof(name));
	pthread_mutex_unlock(&o->lock);
	snprintf(ret->dir, sizeof(ret->dir), "%.300s/qemu/%u", run, o->id);
	for (int i = 0; i < VM_SOCKETS; i++)
		snprintf(ret->socket[i], sizeof(ret->socket[i]), "%s/%s", ret->dir, sockets[i]);
	snprintf(ret->console, sizeof(ret->console), "%s/console.log", ret->dir);
	object_path(o, ret->store, sizeof(ret->store));
	snprintf(ret->log, sizeof(ret->log), "%s/qemu.log", ret->store);
	/* Two daemons on one host may both have an instance of that name. */
	snprintf(ret->cgroup, sizeof(ret->cgroup), "instfs/%s.%.12s", name, mark ? mark + 1 : run);
	ret->uid = FIRST_UID | (o->id & 0xffff);
}
