// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A timer runs only while there is something in the trash, so that an idle daemon sleeps; the work itself is done by a thread of its
 * own, because deleting a root file system takes time.
 */
#include "backends/core/upkeep.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/object.h"
#include "backends/core/storage.h"
#include "backends/core/watch.h"

#define INTERVAL_MS (5 * 60 * 1000)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool armed;

static void due(void *arg);

static void *expire(void *arg)
{
	trash_expire(false);
	base_collect();
	pthread_mutex_lock(&lock);
	armed = false;
	pthread_mutex_unlock(&lock);
	if (object_count(SPACE_TRASH))
		upkeep_wake();
	return NULL;
}

static void due(void *arg)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	if (pthread_create(&t, &attr, expire, NULL))
		watch_timer(INTERVAL_MS, due, NULL);
	pthread_attr_destroy(&attr);
}

void upkeep_wake(void)
{
	HOLD_LOCK(&lock);
	if (armed)
		return;
	armed = true;
	watch_timer(INTERVAL_MS, due, NULL);
}

/* An instance goes for good: what lies outside of its directory goes first. */
static int purge(struct object *o, struct err *e)
{
	const struct storage_ops *ops;
	struct volume v;
	int r;

	if (!storage_exists(o))
		return 0;
	r = rootfs_unmount(o, NULL, e);
	if (r)
		return r;
	r = storage_volume(o, NULL, &ops, &v, e);
	return r == -ENOENT ? 0 : r ? r : ops->remove(&v, e);
}

static int default_profile(struct err *e)
{
	_cleanup_object_ struct object *o = object_find(SPACE_PROFILES, "default");
	static const char text[] = "What every instance has that names no other profile\n";
	struct meta m = { .mode = 0755 };

	if (o)
		return 0;
	clock_gettime(CLOCK_REALTIME, &m.mtime);
	m.ctime = m.mtime;
	return object_create(SPACE_PROFILES, "default", &m, &o, e) ? -e->code
		: object_set(o, ENT_FIELD, "description", text, strlen(text), e);
}

int upkeep_init(struct err *e)
{
	int r = default_profile(e);

	if (r)
		return r;
	object_on_purge(purge);
	if (object_count(SPACE_TRASH)) {
		armed = true;
		watch_timer(1000, due, NULL);
	}
	return 0;
}
