// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See renew.h. `lock` guards the two flags and is a leaf. A container that is on its way up, or down, is looked at again a second later:
 * its devices belong to the operation until then.
 */
#include "backends/lxc/renew.h"

#include <pthread.h>
#include <stdbool.h>

#include "backends/core/cleanup.h"
#include "backends/core/watch.h"
#include "backends/lxc/device.h"
#include "backends/lxc/live.h"

#define AGAIN_MS 1000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool asked, works;

static bool is_settled(struct object *o)
{
	HOLD_LOCK(&o->lock);
	return o->run.state == INST_RUNNING || o->run.state == INST_FROZEN;
}

/* False: not now. */
static bool renew_one(uint32_t id)
{
	_cleanup_object_ struct object *o = object_get(id);

	if (!o)
		return true;
	HOLD_LOCK(&o->change);
	if (!is_settled(o))
		return false;
	devices_renew(o);
	return true;
}

static void again(void *arg)
{
	renew_all();
}

static bool next(void)
{
	HOLD_LOCK(&lock);
	works = asked;
	asked = false;
	return works;
}

static void *work(void *arg)
{
	while (next())
		if (!live_each(renew_one))
			watch_timer(AGAIN_MS, again, NULL);
	return NULL;
}

void renew_all(void)
{
	HOLD_LOCK(&lock);
	asked = true;
	if (works)
		return;
	works = watch_thread(work, NULL) == 0;
	if (!works)
		watch_timer(AGAIN_MS, again, NULL);
}
