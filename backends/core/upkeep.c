// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A timer runs only while there is something in the trash, so that an idle daemon sleeps; the work itself is done by a thread of its
 * own, because deleting a root file system takes time.
 */
#include "backends/core/upkeep.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/journal.h"
#include "backends/core/object.h"
#include "backends/core/storage.h"
#include "backends/core/value.h"
#include "backends/core/watch.h"

#define INTERVAL_MAX 300	/* seconds */
#define AGAIN 10		/* for what could not be deleted */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int64_t timer;		/* id of the armed timer, 0: none */

static void due(void *arg);

/* Seconds until it is worth to look again. */
static unsigned interval(void)
{
	_cleanup_object_ struct object *o = object_get(0);
	uint64_t s = INTERVAL_MAX;
	char text[64];

	if (trash_has_leftovers())
		return AGAIN;

	if (o && object_value(o, ENT_CONFIG, "trash.expiry", text, sizeof(text)) && !value_duration(text, &s, NULL))
		s = s < 1 ? 1 : s;
	return s < INTERVAL_MAX ? (unsigned)s : INTERVAL_MAX;
}

static void *expire(void *arg)
{
	trash_expire(false);
	base_collect();
	upkeep_wake();
	return NULL;
}

static void due(void *arg)
{
	pthread_mutex_lock(&lock);
	timer = 0;
	pthread_mutex_unlock(&lock);
	if (watch_thread(expire, NULL) < 0)
		upkeep_wake();
}

static void arm(unsigned ms)
{
	int64_t old;

	pthread_mutex_lock(&lock);
	old = timer;
	timer = watch_timer(ms, due, NULL);
	pthread_mutex_unlock(&lock);
	if (old > 0)
		watch_del(old);
}

void upkeep_wake(void)
{
	if (object_count(SPACE_TRASH) || trash_has_leftovers())
		arm(interval() * 1000);
}

void upkeep_now(void)
{
	arm(1);
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

/* The daemon's own record is written once, so that its times are those of the store and not of this process. */
static int own_record(struct err *e)
{
	_cleanup_object_ struct object *o = object_get(0);
	struct meta m;

	if (!o || !faccessat(model_dirfd(), "daemon/object.json", F_OK, 0))
		return 0;
	m = o->meta;
	clock_gettime(CLOCK_REALTIME, &m.mtime);
	m.ctime = m.mtime;
	return object_set_meta(o, 0, NULL, &m, e);
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
	int r = own_record(e);

	if (!r)
		r = default_profile(e);
	if (!r)
		r = config_end_renames(e);
	if (r)
		return r;
	journal_wake();
	object_on_purge(purge);
	if (trash_has_leftovers())
		upkeep_now();
	else
		upkeep_wake();
	return 0;
}
