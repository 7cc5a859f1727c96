// SPDX-License-Identifier: LGPL-2.1-or-later
/* The trash: removed instances under NAME@TIME, and directories that are being deleted for ever. `left` is guarded by its lock, a leaf. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/model.h"
#include "backends/core/value.h"

#define EXPIRY_DEFAULT (24 * 3600)
/* Instances of one name that can be removed within a second. */
#define TWINS_MAX 99

static struct {
	pthread_mutex_t lock;
	uint32_t *ids;
	size_t n, cap;
} left = { .lock = PTHREAD_MUTEX_INITIALIZER };

void trash_leftover(uint32_t id)
{
	HOLD_LOCK(&left.lock);

	for (size_t i = 0; i < left.n; i++)
		if (left.ids[i] == id)
			return;
	if (left.n == left.cap) {
		size_t cap = left.cap ? left.cap * 2 : 16;
		uint32_t *list = realloc(left.ids, cap * sizeof(*list));

		if (!list)
			return;		/* the next start finds it */
		left.ids = list;
		left.cap = cap;
	}
	left.ids[left.n++] = id;
}

static size_t take_leftovers(uint32_t **ret)
{
	size_t n;

	HOLD_LOCK(&left.lock);
	n = left.n;
	*ret = left.ids;
	left.ids = NULL;
	left.n = left.cap = 0;
	return n;
}

bool trash_has_leftovers(void)
{
	HOLD_LOCK(&left.lock);

	return left.n;
}

void trash_close(void)
{
	uint32_t *ids;

	take_leftovers(&ids);
	free(ids);
}

time_t trash_time(const char *name)
{
	const char *at = strchr(name, '@');
	struct tm tm = { 0 };
	int n = 0;

	if (!at || sscanf(at, "@%4d%2d%2dT%2d%2d%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec,
			  &n) != 6 || n != 16 || (at[16] && at[16] != '-'))
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return timegm(&tm);
}

int trash_add(struct object *o, struct err *e)
{
	char base[sizeof(o->name)], time_text[20], name[sizeof(o->name)];
	struct timespec now = model_now();
	struct tm tm;
	int r;

	object_label(o, base);
	gmtime_r(&now.tv_sec, &tm);
	strftime(time_text, sizeof(time_text), "%Y%m%dT%H%M%S", &tm);
	snprintf(name, sizeof(name), "%.63s@%.15s", base, time_text);
	r = object_move(o, SPACE_INSTANCES, SPACE_TRASH, name, true, e);
	for (int i = 2; r == -EEXIST && i <= TWINS_MAX; i++) {
		snprintf(name, sizeof(name), "%.63s@%.15s-%d", base, time_text, i);
		r = object_move(o, SPACE_INSTANCES, SPACE_TRASH, name, true, e);
	}
	if (r < 0)
		return r;
	pthread_mutex_lock(&o->lock);
	o->removed = now;
	pthread_mutex_unlock(&o->lock);
	return 0;
}

int object_restore(struct object *o, const char *name, struct err *e)
{
	char label[sizeof(o->name)];
	int r = name_check_instance(name, e);

	if (!r && object_label(o, label) != SPACE_TRASH)
		r = err_set(e, EINVAL, "%s is not in the trash", label);
	if (!r)
		r = object_move(o, SPACE_TRASH, SPACE_INSTANCES, name, true, e);
	if (r < 0)
		return r;
	pthread_mutex_lock(&o->lock);
	o->removed = (struct timespec){ 0 };
	pthread_mutex_unlock(&o->lock);
	object_changed(o, CHANGED_NAME);
	return 0;
}

/* An operation may be the one that purges it: not a reason to refuse. */
static int vanish(struct object *o, struct err *e)
{
	char label[sizeof(o->name)];
	int r;

	if (object_label(o, label) != SPACE_TRASH)
		return err_set(e, EINVAL, "%s is not in the trash", label);
	r = object_vanish(o, SPACE_TRASH, false, e);
	if (!r)
		object_changed(o, CHANGED_NAME);
	return r;
}

int object_purge(struct object *o, struct err *e)
{
	int r = vanish(o, e);

	return r < 0 ? r : object_erase(o, e);
}

int object_purge_later(struct object *o, struct err *e)
{
	int r = vanish(o, e);

	if (!r)
		trash_leftover(o->id);
	return r;
}

/* ---- expiry ---- */

struct trashed {
	uint32_t id;
	time_t removed;
};

struct trash_list {
	struct trashed *items;
	size_t n, cap;
};

static int collect(uint32_t id, const char *name, void *arg)
{
	struct trash_list *list = arg;

	if (list->n == list->cap) {
		size_t cap = list->cap ? list->cap * 2 : 64;
		struct trashed *items = realloc(list->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		list->items = items;
		list->cap = cap;
	}
	list->items[list->n++] = (struct trashed){ .id = id, .removed = trash_time(name) };
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct trashed *x = a, *y = b;

	return x->removed != y->removed ? (x->removed < y->removed ? -1 : 1) : (x->id < y->id ? -1 : x->id > y->id);
}

static time_t expiry(void)
{
	_cleanup_object_ struct object *settings = object_get(0);
	uint64_t seconds;
	char text[64];

	if (!settings || !object_value(settings, ENT_CONFIG, "trash.expiry", text, sizeof(text)) ||
	    value_duration(text, &seconds, NULL) < 0)
		return EXPIRY_DEFAULT;
	return seconds > INT32_MAX ? INT32_MAX : (time_t)seconds;
}

static bool purge_id(uint32_t id)
{
	_cleanup_object_ struct object *o = object_get(id);
	struct err e = ERR_INIT;
	int r = o ? object_purge(o, &e) : -ENOENT;

	if (r < 0 && r != -ENOENT)
		object_error_set(NULL, &e);
	return !r;
}

/* What a daemon that was killed, or a failure, left half deleted. */
static int finish_leftovers(void)
{
	uint32_t *ids;
	size_t n = take_leftovers(&ids);
	int gone = 0;

	for (size_t i = 0; i < n; i++) {
		_cleanup_object_ struct object *o = object_load(ids[i], SPACE_TRASH, "(half purged)", true);
		struct err e = ERR_INIT;

		if (o)
			o->gone = true;
		if (!o)
			trash_leftover(ids[i]);
		else if (object_erase(o, &e) < 0)
			object_error_set(NULL, &e);
		else
			gone++;
	}
	free(ids);
	return gone;
}

int trash_expire(bool force)
{
	struct trash_list list = { 0 };
	time_t limit = model_now().tv_sec - expiry();
	int gone = finish_leftovers();

	object_each(SPACE_TRASH, 0, collect, &list);
	if (list.n)
		qsort(list.items, list.n, sizeof(*list.items), by_time);
	for (size_t i = 0; i < list.n; i++) {
		if (list.items[i].removed > limit && (!force || gone))
			break;
		gone += purge_id(list.items[i].id);
	}
	free(list.items);
	return gone;
}
