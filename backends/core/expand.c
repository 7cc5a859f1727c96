// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The expanded configuration: the layers (profiles in order, then the instance) are appended to one list, which is sorted, and of
 * each name the last layer's item stays. Holds the lock of one object at a time, while its entries are copied.
 */
#include "backends/core/expand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/value.h"

struct stack_item {
	struct expanded_item it;
	size_t order;
};

struct stack {
	struct stack_item *items;
	size_t n, cap;
	bool failed;		/* out of memory */
};

static void item_free(struct expanded_item *it)
{
	free(it->name);
	free(it->value);
	free(it->source);
}

static void stack_free(struct stack *s)
{
	for (size_t i = 0; i < s->n; i++)
		item_free(&s->items[i].it);
	free(s->items);
}

static char *copy_bytes(const char *data, size_t len)
{
	char *s = malloc(len + 1);

	if (s) {
		memcpy(s, data, len);
		s[len] = '\0';
	}
	return s;
}

static void stack_add(struct stack *s, enum entry_kind kind, const char *name, const char *value, size_t len, const char *source,
		      struct timespec mtime)
{
	struct expanded_item *it;

	if (s->n == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 32;
		struct stack_item *more = reallocarray(s->items, cap, sizeof(*more));

		if (!more) {
			s->failed = true;
			return;
		}
		s->items = more;
		s->cap = cap;
	}
	s->items[s->n] = (struct stack_item){ .it = { .kind = kind, .len = len, .mtime = mtime }, .order = s->n };
	it = &s->items[s->n++].it;
	it->name = strdup(name);
	it->value = copy_bytes(value, len);
	it->source = strdup(source);
	s->failed |= !it->name || !it->value || !it->source;
}

static bool is_expanded(enum entry_kind k)
{
	return k == ENT_CONFIG || k == ENT_DEVICE;
}

static void add_entry(struct stack *s, const struct entry *ent, const char *source)
{
	stack_add(s, ent->kind, ent->name, ent->value, ent->len, source, ent->meta.mtime);
}

static bool concerns(const struct overlay *over, const struct object *o)
{
	return over && over->target->id == o->id;
}

static int compare_change(const void *key, const void *item)
{
	const struct entry_change *a = key, *b = item;

	return a->kind != b->kind ? (a->kind < b->kind ? -1 : 1) : strcmp(a->name, b->name);
}

/* The change of that entry, NULL: it stays. */
static const struct entry_change *change_of(const struct overlay *over, const struct object *o, enum entry_kind kind, const char *name)
{
	const struct entry_change want = { .kind = kind, .name = name };

	return concerns(over, o) && over->c ? bsearch(&want, over->c, over->n, sizeof(want), compare_change) : NULL;
}

static void add_layer(struct stack *s, struct object *o, const char *source, const struct overlay *over)
{
	struct timespec now;

	if (concerns(over, o) && !over->c) {
		for (size_t i = 0; i < over->n_entries; i++) {
			if (is_expanded(over->entries[i]->kind))
				add_entry(s, over->entries[i], source);
		}
		return;
	}
	HOLD_LOCK(&o->lock);
	for (size_t i = 0; i < o->n_entries; i++) {
		const struct entry *ent = o->entries[i];

		if (is_expanded(ent->kind) && !change_of(over, o, ent->kind, ent->name))
			add_entry(s, ent, source);
	}
	clock_gettime(CLOCK_REALTIME, &now);
	for (size_t i = 0; concerns(over, o) && i < over->n; i++) {
		const struct entry_change *c = &over->c[i];

		if (is_expanded(c->kind) && c->value)
			stack_add(s, c->kind, c->name, c->value, c->len, source, now);
	}
}

/* ---- profiles ---- */

int expand_each_profile(const char *text, size_t len, int (*f)(const char *name, void *arg), void *arg)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text)), *eol = nl ? nl : end, *p = text, *q = eol;
		char name[NAME_LEN_MAX + 2];
		size_t n;
		int r;

		while (p < q && (*p == ' ' || *p == '\t'))
			p++;
		while (q > p && (q[-1] == ' ' || q[-1] == '\t'))
			q--;
		text = nl ? nl + 1 : end;
		if (p == q)
			continue;
		/* a name that is too long stays too long, so that whoever checks it sees that */
		n = (size_t)(q - p) < sizeof(name) ? (size_t)(q - p) : sizeof(name) - 1;
		memcpy(name, p, n);
		name[n] = '\0';
		r = f(name, arg);
		if (r)
			return r;
	}
	return 0;
}

struct layers {
	struct stack *stack;
	const struct overlay *over;
	bool lenient;
	struct err *e;
};

static int add_profile(const char *name, void *arg)
{
	struct layers *l = arg;
	_cleanup_object_ struct object *p = object_find(SPACE_PROFILES, name);
	char source[NAME_LEN_MAX + 16];

	if (!p && l->lenient)
		return 0;
	if (!p)
		return err_set(l->e, EINVAL, "the profile %s does not exist; correct the file profiles", name);
	snprintf(source, sizeof(source), "profile:%s", name);
	add_layer(l->stack, p, source, l->over);
	return 0;
}

/* A copy of the text of the field `profiles`, as it is or as it would be; NULL when there is none. */
static char *profiles_text(struct object *inst, const struct overlay *over, size_t *ret_len)
{
	const struct entry_change *c = change_of(over, inst, ENT_FIELD, "profiles");
	struct entry *ent = NULL;

	if (c) {
		*ret_len = c->len;
		return c->value ? copy_bytes(c->value, c->len) : NULL;
	}
	HOLD_LOCK(&inst->lock);
	if (concerns(over, inst) && !over->c) {
		for (size_t i = 0; i < over->n_entries; i++) {
			if (over->entries[i]->kind == ENT_FIELD && !strcmp(over->entries[i]->name, "profiles"))
				ent = over->entries[i];
		}
	} else {
		ent = object_entry(inst, ENT_FIELD, "profiles");
	}
	*ret_len = ent ? ent->len : 0;
	return ent ? copy_bytes(ent->value, ent->len) : NULL;
}

/* ---- the result ---- */

static int item_order(const struct expanded_item *a, enum entry_kind kind, const char *name)
{
	if (a->kind != kind)
		return a->kind < kind ? -1 : 1;
	return strcmp(a->name, name);
}

static int by_name(const void *a, const void *b)
{
	const struct stack_item *x = a, *y = b;
	int r = item_order(&x->it, y->it.kind, y->it.name);

	if (r)
		return r;
	return x->order < y->order ? -1 : x->order > y->order;
}

static bool is_mask(const struct expanded_item *it)
{
	char type[8];

	return it->kind == ENT_DEVICE && device_get(it->value, it->len, "type", type, sizeof(type)) && !strcmp(type, "none");
}

/* Moves the last one of each name to ret. */
static int flatten(struct stack *s, struct expanded *ret)
{
	struct expanded x = { 0 };

	x.items = calloc(s->n ? s->n : 1, sizeof(*x.items));
	if (!x.items)
		return -ENOMEM;
	if (s->n)
		qsort(s->items, s->n, sizeof(*s->items), by_name);
	for (size_t i = 0; i < s->n; i++) {
		struct expanded_item *it = &s->items[i].it;

		if (i + 1 < s->n && !item_order(it, s->items[i + 1].it.kind, s->items[i + 1].it.name))
			continue;
		if (is_mask(it))
			continue;
		x.items[x.n++] = *it;
		*it = (struct expanded_item){ 0 };
	}
	*ret = x;
	return 0;
}

int expand_with(struct object *inst, const struct overlay *over, bool lenient, struct expanded *ret, struct err *e)
{
	__attribute__((cleanup(stack_free))) struct stack s = { 0 };
	struct layers l = { .stack = &s, .over = over, .lenient = lenient, .e = e };
	_cleanup_free_ char *profiles = NULL;
	size_t len;
	int r = 0;

	profiles = profiles_text(inst, over, &len);
	if (profiles)
		r = expand_each_profile(profiles, len, add_profile, &l);
	if (r < 0)
		return r;
	add_layer(&s, inst, "instance", over);
	if (s.failed || flatten(&s, ret) < 0)
		return err_sys(e, ENOMEM, "expanded configuration");
	ret->id = inst->id;
	return 0;
}

int config_expand(struct object *inst, struct expanded *ret, struct err *e)
{
	return expand_with(inst, NULL, false, ret, e);
}

void expanded_free(struct expanded *x)
{
	for (size_t i = 0; i < x->n; i++)
		item_free(&x->items[i]);
	free(x->items);
	*x = (struct expanded){ 0 };
}

/* ---- looking into it ---- */

static struct expanded_item *find(const struct expanded *x, enum entry_kind k, const char *name)
{
	size_t low = 0, high = x->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int r = item_order(&x->items[mid], k, name);

		if (!r)
			return &x->items[mid];
		if (r < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return NULL;
}

const struct expanded_item *expanded_find(const struct expanded *x, enum entry_kind k, const char *name)
{
	return find(x, k, name);
}

const char *expanded_value(struct expanded_item *it)
{
	if (it->len && it->value[it->len - 1] == '\n')
		it->value[--it->len] = '\0';
	return it->value;
}

const char *expanded_get(const struct expanded *x, const char *key)
{
	struct expanded_item *it = find(x, ENT_CONFIG, key);

	return it ? expanded_value(it) : NULL;
}

bool expanded_bool(const struct expanded *x, const char *key, bool def)
{
	const char *s = expanded_get(x, key);
	bool v;

	return s && value_bool(s, &v, NULL) == 0 ? v : def;
}
