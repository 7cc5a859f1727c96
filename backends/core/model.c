// SPDX-License-Identifier: LGPL-2.1-or-later
/* The life of the model: opening and closing (by one thread, before and after all others), the listener, the last failures. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/core/model.h"

atomic_uint model_orders;
static void (*listener)(struct object *o, const struct changed *c);

/* As it lies in the keep. */
struct failure {
	int code;
	char text[ERR_TEXT_MAX];
};

/* The daemon's own object is always there, even when its record was never written or cannot be read. */
static int load_daemon(struct err *e)
{
	struct object *o = object_load(0, SPACE_DAEMON, "", false);
	struct slot *s;

	if (!o)
		return err_set(e, ENOMEM, "cannot load the daemon's settings: out of memory");
	if (model_of(o)->broken)
		object_error_keep(o, model_of(o)->broken);
	HOLD_LOCK(&registry_lock);
	s = registry_add(0, SPACE_DAEMON, "", 0, false);
	if (!s) {
		object_put(o);
		return err_set(e, ENOMEM, "out of memory");
	}
	s->obj = o;
	return 0;
}

static int load_names(struct err *e)
{
	HOLD_LOCK(&registry_lock);

	return index_load(e);
}

int model_open(const char *state_dir, struct err *e)
{
	int r;

	json_object_seed(0);
	atomic_fetch_add(&model_orders, 1);
	r = store_open(state_dir, e);
	if (r < 0)
		return r;
	r = load_names(e);
	if (!r)
		r = load_daemon(e);
	if (r < 0)
		model_close();
	return r;
}

void model_close(void)
{
	if (store_fd() < 0)
		return;
	pthread_mutex_lock(&registry_lock);
	index_close();
	for (int s = 0; s < SPACE_MAX; s++) {
		size_t n;
		struct slot **list = registry_list((enum space)s, 0, &n);

		if (s == SPACE_DAEMON && registry_get(0))
			object_put(registry_get(0)->obj);
		for (size_t i = 0; i < n; i++)
			object_put(list[i]->obj);
	}
	registry_clear();
	pthread_mutex_unlock(&registry_lock);
	trash_close();
	store_close();
}

int model_dirfd(void)
{
	return store_fd();
}

const char *model_dir(void)
{
	return store_dir();
}

const char *model_rundir(void)
{
	return store_rundir();
}

void model_listen(void (*f)(struct object *o, const struct changed *c))
{
	listener = f;
}

void object_changed(struct object *o, unsigned what)
{
	if (listener && what)
		listener(o, &(struct changed){ .what = what });
}

void object_tell(struct object *o, unsigned what, struct changed *c)
{
	c->what = what;
	if (listener && c->n)
		listener(o, c);
	free(c->touched);
}

/* What belongs to no object is the daemon's own failure. */
static uint32_t failure_key(const struct object *o)
{
	return o ? o->id : 0;
}

void object_error_get(struct object *o, struct err *ret)
{
	struct failure f;

	err_clear(ret);
	if (!keep_get_struct(KEEP_ERROR, failure_key(o), &f, sizeof(f)))
		return;
	f.text[sizeof(f.text) - 1] = '\0';
	err_set(ret, f.code, "%s", f.text);
}

bool object_error_keep(struct object *o, const struct err *e)
{
	struct failure f = { .code = e->code };
	struct err old;

	object_error_get(o, &old);
	if (old.code == e->code && !strcmp(old.text, e->text))
		return false;
	if (e->code) {
		snprintf(f.text, sizeof(f.text), "%s", e->text);
		keep_put(KEEP_ERROR, failure_key(o), &f, sizeof(f));
	} else {
		keep_del(KEEP_ERROR, failure_key(o));
	}
	return true;
}

void object_error_set(struct object *o, const struct err *e)
{
	_cleanup_object_ struct object *daemon = o ? NULL : object_get(0);

	if (object_error_keep(o, e) && (o || daemon))
		object_changed(o ? o : daemon, CHANGED_ERROR);
}
