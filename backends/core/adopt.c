// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Instances at the start of a server: those that run are adopted, those that ended meanwhile are noted as stopped, and after
 * a boot of the host those that shall run are started.
 *
 * Starts go in batches: instances of one priority together, as far as those in their boot.after have been started in earlier ones; a
 * boot.autostart.delay ends its batch. The next batch begins
 * when all of one have ended, and is begun by whoever saw the last end: a worker or the watch thread. The mark "this boot
 * was seen" is written with the last batch, so that a server that is killed in between begins again; what runs already stays
 * as it is.
 *
 * `lock` guards the counters. The list does not change once autostart_begin() ran.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/lifecycle.h"
#include "backends/core/run.h"
#include "backends/core/storage.h"
#include "backends/core/value.h"
#include "backends/core/watch.h"

#define DELAY_MAX 86400

struct item {
	uint32_t id;
	char name[NAME_LEN_MAX + 1];
	int64_t priority, delay;
	char *after;		/* boot.after or NULL */
	unsigned batch;		/* in which it was begun, 0: not yet */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct item *items;
static size_t n_items, n_begun;
static unsigned batch;			/* the one under way, from 1 */
static unsigned pending;		/* operations of this batch, and one while it is being submitted */
static int64_t delay;			/* behind this batch */

/* ---- adoption ---- */

static void set_run(struct object *o, const struct run *run)
{
	HOLD_LOCK(&o->lock);
	struct op *op = o->run.op;

	o->run = *run;
	o->run.op = op;
}

static void adopted(struct object *o)
{
	HOLD_LOCK(&o->lock);

	if (o->run.state != INST_FROZEN)
		o->run.state = INST_RUNNING;
}

static void not_running(struct object *o)
{
	const struct run none = { .state = INST_STOPPED };
	char op[32];

	/* An operation was under way: what it finds decides how it goes on. */
	if (op_busy(o, op, sizeof(op))) {
		set_run(o, &none);
		run_remove(o);
	} else {
		instance_stopped(o);
	}
}

static void adopt(struct object *o, const struct run *run)
{
	const struct run failed = { .state = INST_ERROR };
	struct err e = ERR_INIT;
	int r;

	set_run(o, run);
	r = backend_adopt(o, &e);
	if (r > 0) {
		adopted(o);
	} else if (!r) {
		not_running(o);
	} else {
		set_run(o, &failed);
		object_error_set(o, &e);
	}
}

/* ---- after a boot ---- */

static int64_t number(const struct expanded *x, const char *key, int64_t min, int64_t max)
{
	const char *s = expanded_get(x, key);
	int64_t n;

	return s && !value_int(s, min, max, &n, NULL) ? n : 0;
}

static int64_t seconds(const struct expanded *x, const char *key, int64_t def)
{
	const char *s = expanded_get(x, key);
	uint64_t n;

	return s && !value_duration(s, &n, NULL) ? (int64_t)(n < DELAY_MAX ? n : DELAY_MAX) : def;
}

static void autostart_wish(struct object *o, bool was_running)
{
	_cleanup_expanded_ struct expanded x = { .n = 0 };
	struct item *p;

	if (o->gone || o->space != SPACE_INSTANCES || config_expand(o, &x, NULL) < 0)
		return;
	if (!expanded_bool(&x, "boot.autostart", was_running) || !lifecycle_has_root(o)) {
		run_remove(o);
		return;
	}
	p = realloc(items, (n_items + 1) * sizeof(*p));
	if (!p)
		return;
	items = p;
	items[n_items] = (struct item){
		.id = o->id,
		.after = expanded_get(&x, "boot.after") ? strdup(expanded_get(&x, "boot.after")) : NULL,
		.priority = number(&x, "boot.autostart.priority", INT32_MIN, INT32_MAX),
		.delay = seconds(&x, "boot.autostart.delay", 0),
	};
	snprintf(items[n_items].name, sizeof(items[n_items].name), "%.64s", o->name);
	n_items++;
}

static int by_priority(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	if (x->priority != y->priority)
		return x->priority > y->priority ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Whether a name is that of one that will be started in this batch or later. */
static int is_awaited(const char *name, void *arg)
{
	for (size_t i = 0; i < n_items; i++)
		if (!strcasecmp(items[i].name, name))
			return !items[i].batch || items[i].batch == batch;
	return 0;
}

static bool is_ready(const struct item *it)
{
	_cleanup_free_ char *names = it->after ? strdup(it->after) : NULL;

	return !names || !value_each_word(names, is_awaited, NULL);
}

static void batch_end(void *unused);

static void one_ended(void *arg, int result)
{
	bool last;

	pthread_mutex_lock(&lock);
	last = !--pending;
	pthread_mutex_unlock(&lock);
	if (!last)
		return;
	if (!delay || watch_timer((unsigned)delay * 1000, batch_end, NULL) < 0)
		batch_end(NULL);
}

static void start_one(uint32_t id)
{
	_cleanup_object_ struct object *o = object_get(id);
	const struct caller who = CALLER_DAEMON;

	pthread_mutex_lock(&lock);
	pending++;
	pthread_mutex_unlock(&lock);
	/* Busy or removed meanwhile: somebody else decided what becomes of it. */
	if (!o || instance_is_running(o) || op_submit(o, OP_START, NULL, OP_DAEMON, 0, &who, one_ended, NULL, NULL) < 0)
		one_ended(NULL, 0);
}

static void begin(struct item *it)
{
	it->batch = batch;
	n_begun++;
	delay = it->delay;
	start_one(it->id);
}

static void batch_begin(void)
{
	struct item *first = NULL;

	batch++;
	pending = 1;
	for (size_t i = 0; i < n_items; i++) {
		struct item *it = &items[i];

		if (it->batch || !is_ready(it))
			continue;
		if (first && it->priority != first->priority)
			break;
		first = first ? first : it;
		begin(it);
		if (it->delay)
			break;
	}
	/* A circle, by names that were given later: somebody must be the first. */
	for (size_t i = 0; !first && i < n_items; i++)
		if (!items[i].batch)
			begin(first = &items[i]);
	if (n_begun == n_items)
		run_boot_done(NULL);
	one_ended(NULL, 0);
}

static void batch_end(void *unused)
{
	if (n_begun < n_items) {
		batch_begin();
		return;
	}
	for (size_t i = 0; i < n_items; i++)
		free(items[i].after);
	free(items);
	items = NULL;
	n_items = n_begun = batch = 0;
}

static void autostart_begin(void)
{
	if (n_items) {
		qsort(items, n_items, sizeof(*items), by_priority);
		batch_begin();
	} else {
		run_boot_done(NULL);
	}
}

/* ---- both ---- */

static void consider(struct object *o, bool booted)
{
	bool this_boot = false, was_running = false;
	struct run run;
	int r = run_load(o, &run, &this_boot, NULL);

	if (!r && this_boot && run.state == INST_STOPPED) {
		;	/* stopped for a shutdown of the host that has not come yet */
	} else if (!r && this_boot) {
		adopt(o, &run);
	} else if (!r) {
		was_running = true;
		lifecycle_drop_ephemeral(o);
	} else if (r == -EINVAL) {
		/* Torn by a loss of power: it was being started or stopped, nothing of that boot runs. */
		was_running = booted;
		run_remove(o);
	}
	if (booted && !instance_is_running(o))
		autostart_wish(o, was_running);
	else if (was_running)
		run_remove(o);
}

struct found {
	uint32_t *ids;
	size_t n, cap;
	bool all;
};

static int find_one(uint32_t id, const char *name, void *arg)
{
	struct found *f = arg;

	if (!f->all && !run_exists(name))
		return 0;
	if (f->n == f->cap) {
		size_t cap = f->cap ? 2 * f->cap : 64;
		uint32_t *p = realloc(f->ids, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		f->ids = p;
		f->cap = cap;
	}
	f->ids[f->n++] = id;
	return 0;
}

int instance_adopt_all(struct err *e)
{
	struct found f = { .all = run_booted() };
	int r;

	instance_register();
	op_load();
	r = object_each(SPACE_INSTANCES, 0, find_one, &f);
	for (size_t i = 0; i < f.n; i++) {
		_cleanup_object_ struct object *o = object_get(f.ids[i]);

		if (o)
			consider(o, f.all);
	}
	free(f.ids);
	if (r < 0)
		return err_sys(e, -r, "cannot list the instances");
	if (f.all)
		autostart_begin();
	return 0;
}
