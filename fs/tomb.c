// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Tombstones are few and short-lived: a list in memory over records in the keep, one mutex, one timer while there are any.
 * What a tombstone becomes is decided in expire(), with no lock held.
 */
#include "fs/tomb.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/keep.h"
#include "backends/core/watch.h"
#include "fs/change.h"
#include "fs/node.h"
#include "fs/scratch.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tomb *tombs;
static size_t n_tombs, cap_tombs;
static atomic_size_t any;		/* n_tombs, readable without the lock */
static bool timer_armed;

#define REFUSED_MAX 32
#define REFUSED_MS 2000
static struct {
	uint32_t object;
	pid_t tgid;
	uint64_t when;
} refused[REFUSED_MAX];

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* A tombstone's key in the keep: parents and names together are unique, inode numbers of hidden things need not be. */
static uint64_t tomb_key(uint64_t parent, const char *name)
{
	return (parent << 24) ^ parent >> 40 ^ node_name_slot(name);
}

static void timer(void *arg);

static void arm(void)
{
	if (timer_armed)
		return;
	timer_armed = true;
	watch_timer(TOMB_GRACE_MS / 4, timer, NULL);
}

static size_t index_of(uint64_t parent, const char *name)
{
	size_t i;

	for (i = 0; i < n_tombs; i++)
		if (tombs[i].parent == parent && !strcmp(tombs[i].name, name))
			break;
	return i;
}

static int insert(const struct tomb *t)
{
	size_t i = index_of(t->parent, t->name);

	if (i == cap_tombs) {
		size_t cap = cap_tombs ? cap_tombs * 2 : 16;
		struct tomb *p = realloc(tombs, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		tombs = p;
		cap_tombs = cap;
	}
	tombs[i] = *t;
	if (i == n_tombs)
		n_tombs++;
	atomic_store(&any, n_tombs);
	return 0;
}

static void drop(size_t i)
{
	keep_del(KEEP_TOMB, tomb_key(tombs[i].parent, tombs[i].name));
	tombs[i] = tombs[--n_tombs];
	atomic_store(&any, n_tombs);
}

static int load_one(uint64_t key, const void *data, size_t len, void *arg)
{
	struct tomb t;

	if (len != sizeof(t))
		return 0;
	memcpy(&t, data, len);
	return insert(&t);
}

int tomb_init(void)
{
	HOLD_LOCK(&lock);
	int r = keep_each(KEEP_TOMB, load_one, NULL);

	if (n_tombs)
		arm();
	return r;
}

int tomb_add(const struct tomb *t)
{
	struct tomb c = *t;
	int r;

	c.when = now_ms();
	HOLD_LOCK(&lock);
	r = keep_put(KEEP_TOMB, tomb_key(c.parent, c.name), &c, sizeof(c));
	if (!r)
		r = insert(&c);
	if (!r)
		arm();
	return r;
}

bool tomb_find(uint64_t parent, const char *name, struct tomb *ret)
{
	size_t i;

	if (!atomic_load(&any))
		return false;
	HOLD_LOCK(&lock);
	i = index_of(parent, name);
	if (i < n_tombs)
		*ret = tombs[i];
	return i < n_tombs;
}

bool tomb_hides(uint64_t parent, const char *name)
{
	struct tomb t;

	return tomb_find(parent, name, &t);
}

/* It is visible again: nobody may go on believing that the name is absent. */
static void shown(const struct tomb *t)
{
	change_name(t->parent, t->name);
	change_inode(t->ino);
}

void tomb_drop(uint64_t parent, const char *name)
{
	size_t i;

	if (!atomic_load(&any))
		return;
	HOLD_LOCK(&lock);
	i = index_of(parent, name);
	if (i < n_tombs)
		drop(i);
}

void tomb_drop_object(uint32_t object)
{
	if (!atomic_load(&any))
		return;
	HOLD_LOCK(&lock);
	for (size_t i = n_tombs; i-- > 0;)
		if (tombs[i].object == object)
			drop(i);
}

void tomb_restore_object(uint32_t object)
{
	if (!atomic_load(&any))
		return;
	HOLD_LOCK(&lock);
	for (size_t i = n_tombs; i-- > 0;)
		if (tombs[i].object == object) {
			const struct tomb t = tombs[i];

			drop(i);
			shown(&t);
		}
}

void tomb_restore(uint64_t parent, const char *name)
{
	size_t i;

	if (!atomic_load(&any))
		return;
	HOLD_LOCK(&lock);
	i = index_of(parent, name);
	if (i < n_tombs) {
		const struct tomb t = tombs[i];

		drop(i);
		shown(&t);
	}
}

static bool walking(uint32_t object)
{
	for (size_t i = 0; i < n_tombs; i++)
		if (tombs[i].object == object && tombs[i].what == TOMB_FIXED && !node_of(tombs[i].ino).slot)
			return true;
	return false;
}

bool tomb_walking(uint32_t object)
{
	if (!atomic_load(&any))
		return false;
	HOLD_LOCK(&lock);
	return walking(object);
}

void tomb_refuse(uint32_t object, pid_t tgid)
{
	size_t oldest = 0;

	HOLD_LOCK(&lock);
	for (size_t i = 1; i < REFUSED_MAX; i++)
		if (refused[i].when < refused[oldest].when)
			oldest = i;
	refused[oldest].object = object;
	refused[oldest].tgid = tgid;
	refused[oldest].when = now_ms();
}

bool tomb_refused(uint32_t object, pid_t tgid)
{
	HOLD_LOCK(&lock);
	for (size_t i = 0; i < REFUSED_MAX; i++)
		if (refused[i].when && refused[i].object == object && refused[i].tgid == tgid &&
		    now_ms() - refused[i].when < REFUSED_MS)
			return true;
	return false;
}

/* Nobody came for it: an entry alone is unset, everything else was part of a removal that did not happen. */
static void resolve(const struct tomb *t, bool unset)
{
	_cleanup_object_ struct object *o = object_get(t->object);
	const struct caller who = { .uid = t->uid, .gid = t->gid };
	struct err e = ERR_INIT;

	if (o && unset) {
		const struct entry_change c = { .kind = (enum entry_kind)t->kind, .name = t->name };

		if (config_set(o, &c, &who, &e) < 0)
			object_error_set(o, &e);
	}
	if (t->what == TOMB_GUEST)
		scratch_remove(t->ino);
	tomb_restore(t->parent, t->name);
}

/* Takes one that is due out of the list; with parent only that directory's, at once. */
static bool next_due(uint64_t parent, struct tomb *ret, bool *unset)
{
	uint64_t now = now_ms(), youngest;

	HOLD_LOCK(&lock);
	for (size_t i = 0; i < n_tombs; i++) {
		if (parent && tombs[i].parent != parent)
			continue;
		youngest = 0;
		for (size_t k = 0; k < n_tombs; k++)
			if (tombs[k].object == tombs[i].object && tombs[k].when > youngest)
				youngest = tombs[k].when;
		if (!parent && now - youngest < TOMB_GRACE_MS)
			continue;
		*unset = tombs[i].what == TOMB_ENTRY && !walking(tombs[i].object);
		*ret = tombs[i];
		/* In a removal that did not come to its end every one of the object comes back, the entries before the fixed
		 * files, which are what tells that it was one. */
		if (tombs[i].what == TOMB_FIXED)
			for (size_t k = 0; k < n_tombs; k++)
				if (tombs[k].object == ret->object && tombs[k].what != TOMB_FIXED) {
					*ret = tombs[k];
					*unset = tombs[k].what == TOMB_ENTRY && !walking(ret->object);
					break;
				}
		return true;
	}
	return false;
}

static void timer(void *arg)
{
	struct tomb t;
	bool unset;

	while (next_due(0, &t, &unset))
		resolve(&t, unset);
	HOLD_LOCK(&lock);
	timer_armed = false;
	if (n_tombs)
		arm();
}

void tomb_settle(uint64_t parent)
{
	struct tomb t;
	bool unset;

	if (!atomic_load(&any))
		return;
	while (next_due(parent, &t, &unset))
		resolve(&t, unset);
}
