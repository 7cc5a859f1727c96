// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * boot.after: instances that wait for each other would never start. Looked for when the key is written, over the configurations as
 * they would be; what is renamed into a circle later is started in the order of priorities. Holds no lock of an object.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "backends/core/cleanup.h"
#include "backends/core/config_plan.h"
#include "backends/core/value.h"

#define KEY "boot.after"
#define ORDER_MAX 4096

/* Who is waited for, each once, with the one that waits for it. */
struct order {
	struct place {
		char name[NAME_LEN_MAX + 1];
		size_t by;
	} *list;
	size_t n, cap;
	size_t current;
	struct err *e;
};

static int circle(const struct order *w, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = w->current; i; i = w->list[i].by)
		buf_addf(&b, " after %s", w->list[i].name);
	return err_set(e, EINVAL, KEY ": %s would wait for itself: %s starts%s after %s", w->list[0].name, w->list[0].name, buf_str(&b),
		       w->list[0].name);
}

static int add(const char *name, void *arg)
{
	struct order *w = arg;

	if (w->n && !strcasecmp(w->list[0].name, name))
		return circle(w, w->e);
	for (size_t i = 1; i < w->n; i++)
		if (!strcasecmp(w->list[i].name, name))
			return 0;
	if (w->n == ORDER_MAX)
		return err_set(w->e, EINVAL, KEY ": more than %d instances are waited for", ORDER_MAX);
	if (w->n == w->cap) {
		size_t cap = w->cap ? 2 * w->cap : 16;
		struct place *more = reallocarray(w->list, cap, sizeof(*more));

		if (!more)
			return err_set(w->e, ENOMEM, "out of memory");
		w->list = more;
		w->cap = cap;
	}
	snprintf(w->list[w->n].name, sizeof(w->list[w->n].name), "%s", name);
	w->list[w->n++].by = w->current;
	return 0;
}

static int follow(struct order *w, const struct expanded *x)
{
	const char *after = expanded_get(x, KEY);
	_cleanup_free_ char *text = after ? strdup(after) : NULL;

	return text ? value_each_word(text, add, w) : 0;
}

int order_check(const struct plan *p, struct err *e)
{
	struct order w = { .e = e };
	int r = add(p->o->name, &w);

	if (!r)
		r = follow(&w, &p->after);
	for (w.current = 1; !r && w.current < w.n; w.current++) {
		_cleanup_object_ struct object *o = object_find(SPACE_INSTANCES, w.list[w.current].name);
		_cleanup_expanded_ struct expanded x = { .n = 0 };

		if (o && !expand_with(o, p->over, true, &x, NULL))
			r = follow(&w, &x);
	}
	free(w.list);
	return r;
}
