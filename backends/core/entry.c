// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Entries of objects. A change is prepared as a second list beside the present one, written to disk, and only then put in its
 * place, so that a failure leaves everything as it was and readers never wait for the disk.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/journal.h"
#include "backends/core/model.h"

/* Slots that one writing of the record gives free for use. */
#define SLOT_BLOCK 32

/* ---- looking; o->lock held ---- */

struct entry *object_entry(struct object *o, enum entry_kind k, const char *name)
{
	bool found;
	size_t at = entry_search(o->entries, o->n_entries, k, name, &found);

	return found ? o->entries[at] : NULL;
}

struct entry *object_entry_by_slot(struct object *o, uint32_t slot)
{
	for (size_t i = 0; slot && i < o->n_entries; i++)
		if (o->entries[i]->slot == slot)
			return o->entries[i];
	return NULL;
}

void object_entries(struct object *o, enum entry_kind k, size_t *first, size_t *end)
{
	bool found;

	*first = entry_search(o->entries, o->n_entries, k, "", &found);
	*end = entry_search(o->entries, o->n_entries, (enum entry_kind)(k + 1), "", &found);
}

bool object_value(struct object *o, enum entry_kind k, const char *name, char *buf, size_t size)
{
	const struct entry *en;
	size_t n;

	HOLD_LOCK(&o->lock);
	en = object_entry(o, k, name);
	if (size)
		*buf = '\0';
	if (!en || !size)
		return en != NULL;
	n = en->len && en->value[en->len - 1] == '\n' ? en->len - 1 : en->len;
	if (n >= size)
		n = size - 1;
	memcpy(buf, en->value, n);
	buf[n] = '\0';
	return true;
}

/* ---- saving; `save` held ---- */

int object_check_alive(struct object *o, struct err *e)
{
	HOLD_LOCK(&o->lock);

	if (o->gone)
		return err_set(e, ENOENT, "%s was removed", o->name);
	if (model_of(o)->broken)
		return err_set(e, EIO, "%s cannot be changed: %.400s", *o->name ? o->name : "the settings", model_of(o)->broken->text);
	return 0;
}

int object_save(struct object *o, const struct record *want, struct err *e)
{
	struct record rec = *want;
	_cleanup_buf_ struct buf b = BUF_INIT;
	char dir[OBJECT_DIR_MAX];
	int r = object_check_alive(o, e);

	rec.id = o->id;
	rec.created = o->created;
	rec.extra = model_of(o)->extra;
	if (!r)
		r = record_print(&rec, &b, e);
	if (r < 0)
		return r;
	object_dir(o, dir);
	return journal_save(dir, b.data, b.len, e);
}

/* ---- slots ---- */

/* A number from what is reserved on disk; with save held also from what *reserved, to be written next, will cover. 0: none. */
static uint32_t take_slot(struct object *o, uint32_t *reserved)
{
	HOLD_LOCK(&o->lock);

	if (o->next_slot >= (reserved ? *reserved : o->slots_reserved)) {
		if (!reserved || o->next_slot > SLOT_MAX - SLOT_BLOCK)
			return 0;
		*reserved = o->next_slot + SLOT_BLOCK;
	}
	return o->next_slot++;
}

static int new_slot(struct object *o, uint32_t *ret, struct err *e)
{
	uint32_t reserved, slot;
	int r;

	HOLD_LOCK(&model_of(o)->save);
	reserved = o->slots_reserved;
	slot = take_slot(o, &reserved);
	if (!slot)
		return err_set(e, ENOSPC, "%s has used up all of its %u file numbers", o->name, SLOT_MAX);
	if (reserved == o->slots_reserved) {
		*ret = slot;
		return 0;
	}
	r = object_save(o, &(struct record){ .entries = o->entries, .n_entries = o->n_entries, .meta = o->meta, .next_slot = reserved,
					     .generation = o->generation, .configured = o->configured }, e);
	HOLD_LOCK(&o->lock);
	if (r < 0) {
		o->next_slot = o->slots_reserved;
		return r;
	}
	o->slots_reserved = reserved;
	*ret = slot;
	return 0;
}

uint32_t object_new_slot(struct object *o, struct err *e)
{
	uint32_t slot = take_slot(o, NULL);
	int r;

	if (slot)
		return slot;
	r = new_slot(o, &slot, e);
	if (object_made_room(r, e))
		r = new_slot(o, &slot, e);
	return r < 0 ? 0 : slot;
}

/* ---- changing ---- */

/* The list as it will be. Entries that stay are shared with the object's list until it is put in place. */
struct draft {
	struct object *o;
	struct entry **list;
	size_t n;
	struct touched *touched;
	size_t n_touched;
	uint32_t reserved;
	struct timespec now;
	bool content;			/* bytes or presence of entries changed */
	bool configured;		/* content that an administrator configures */
};

static bool is_shared(const struct entry *en, struct entry *const *list, size_t n)
{
	bool found;
	size_t at = entry_search(list, n, en->kind, en->name, &found);

	return found && list[at] == en;
}

/* Frees what is in list and not in other, and the list. */
static void free_rest(struct entry **list, size_t n, struct entry *const *other, size_t n_other)
{
	for (size_t i = 0; i < n; i++)
		if (!is_shared(list[i], other, n_other))
			entry_free(list[i]);
	free(list);
}

static int draft_begin(struct draft *d, struct object *o, size_t extra, struct err *e)
{
	*d = (struct draft){ .o = o, .n = o->n_entries, .reserved = o->slots_reserved, .now = model_now() };
	d->list = calloc(o->n_entries + extra + 1, sizeof(struct entry *));
	d->touched = calloc(extra + 1, sizeof(*d->touched));
	if (!d->list || !d->touched) {
		free(d->list);
		free(d->touched);
		return err_set(e, ENOMEM, "out of memory");
	}
	if (d->n)
		memcpy(d->list, o->entries, d->n * sizeof(struct entry *));
	return 0;
}

static void draft_abandon(struct draft *d)
{
	HOLD_LOCK(&d->o->lock);

	/* Numbers that were not written to disk were not seen by anybody. */
	if (d->reserved != d->o->slots_reserved)
		d->o->next_slot = d->o->slots_reserved;
	free_rest(d->list, d->n, d->o->entries, d->o->n_entries);
	free(d->touched);
}

/* o->lock held, so that who looked at the entries before finds another number afterwards. */
static void count_orders(const struct draft *d)
{
	for (size_t i = 0; i < d->n_touched; i++)
		if (d->touched[i].kind == ENT_CONFIG && d->touched[i].slot && !strcmp(d->touched[i].name, "boot.after"))
			atomic_fetch_add(&model_orders, 1);
}

/* ret gets what was touched, to be freed; NULL: nobody wants to know. */
static int draft_commit(struct draft *d, const struct meta *meta, struct changed *ret, struct err *e)
{
	struct object *o = d->o;
	const uint64_t generation = o->generation + (d->content ? 1 : 0);
	const struct record want = { .entries = d->list, .n_entries = d->n, .meta = *meta, .next_slot = d->reserved,
				     .generation = generation, .configured = d->configured ? generation : o->configured };
	int r = object_save(o, &want, e);
	struct entry **old = o->entries;
	size_t n_old = o->n_entries;

	if (r < 0) {
		draft_abandon(d);
		return r;
	}
	HOLD_LOCK(&o->lock);
	o->entries = d->list;
	o->n_entries = d->n;
	o->slots_reserved = d->reserved;
	o->generation = generation;
	o->configured = want.configured;
	o->meta = *meta;
	object_set_backend(o);
	count_orders(d);
	free_rest(old, n_old, o->entries, o->n_entries);
	if (ret)
		*ret = (struct changed){ .touched = d->touched, .n = d->n_touched };
	else
		free(d->touched);
	return 0;
}

static void draft_note(struct draft *d, const struct entry *was, const struct entry *now)
{
	const struct entry *any = now ? now : was;
	struct touched *t = &d->touched[d->n_touched++];

	*t = (struct touched){ .kind = any->kind, .slot = now ? now->slot : 0, .was = was ? was->slot : 0 };
	snprintf(t->name, sizeof(t->name), "%s", any->name);
}

static void draft_put(struct draft *d, size_t at, bool replace, struct entry *en)
{
	draft_note(d, replace ? d->list[at] : NULL, en);
	if (replace) {
		if (!is_shared(d->list[at], d->o->entries, d->o->n_entries))
			entry_free(d->list[at]);
	} else {
		memmove(&d->list[at + 1], &d->list[at], (d->n - at) * sizeof(struct entry *));
		d->n++;
	}
	d->list[at] = en;
}

static void draft_remove(struct draft *d, size_t at)
{
	draft_note(d, d->list[at], NULL);
	if (!is_shared(d->list[at], d->o->entries, d->o->n_entries))
		entry_free(d->list[at]);
	d->n--;
	memmove(&d->list[at], &d->list[at + 1], (d->n - at) * sizeof(struct entry *));
	d->content = true;
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static bool same_meta(const struct meta *a, const struct meta *b)
{
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid && same_time(a->mtime, b->mtime) &&
		same_time(a->ctime, b->ctime);
}

/* What a config.yaml says, or how it says it. */
static bool is_configuration(const struct entry_change *c)
{
	static const char *const fields[] = { CONFIG_DOCUMENT, "description", "ephemeral", "profiles" };

	if (c->kind != ENT_FIELD || c->moved)
		return c->kind == ENT_CONFIG || c->kind == ENT_DEVICE;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!strcmp(c->name, fields[i]))
			return true;
	return false;
}

static struct meta entry_meta(const struct draft *d, const struct entry_change *c, const struct entry *old)
{
	struct meta m = { .mode = 0644, .uid = META_INHERIT, .gid = META_INHERIT };

	if (c->meta) {
		m = *c->meta;
		m.mode &= 07777;
	} else if (old) {
		m = old->meta;
	}
	if (!c->meta || !m.mtime.tv_sec)
		m.mtime = d->now;
	if (!c->meta || !m.ctime.tv_sec)
		m.ctime = d->now;
	return m;
}

static bool has_fixed_number(enum entry_kind k)
{
	return k == ENT_FIELD || k == ENT_META;
}

static int draft_set(struct draft *d, const struct entry_change *c, size_t at, const struct entry *old, struct err *e)
{
	const struct meta m = entry_meta(d, c, old);
	bool same = old && old->len == c->len && !memcmp(old->value, c->value, c->len);
	uint32_t slot = c->slot ? c->slot : old ? old->slot : 0;
	struct entry *en;

	if (same && slot == old->slot && (!c->meta || same_meta(&m, &old->meta)))
		return 0;
	if (!slot && !has_fixed_number(c->kind)) {
		slot = take_slot(d->o, &d->reserved);
		if (!slot)
			return err_set(e, ENOSPC, "%s has used up all of its %u file numbers", d->o->name, SLOT_MAX);
	}
	en = entry_new(c->kind, c->name, c->value, c->len, slot, &m);
	if (!en)
		return err_set(e, ENOMEM, "out of memory");
	draft_put(d, at, old != NULL, en);
	d->content |= !same;
	d->configured |= !same && is_configuration(c);
	return 0;
}

static int draft_change(struct draft *d, const struct entry_change *c, struct err *e)
{
	bool found;
	size_t at = entry_search(d->list, d->n, c->kind, c->name, &found);

	if (c->kind < ENT_FIELD || c->kind >= ENT_KIND_MAX || !*c->name || strlen(c->name) > RECORD_NAME_MAX)
		return err_set(e, EINVAL, "there can be no entry \"%.80s\" of kind %d", c->name, c->kind);
	if (c->value)
		return draft_set(d, c, at, found ? d->list[at] : NULL, e);
	if (found) {
		draft_remove(d, at);
		d->configured |= is_configuration(c);
	}
	return 0;
}

/* A name came or went: the time of the directory in which entries of the kind stand is kept, under the kind's name. */
static int draft_touch(struct draft *d, enum entry_kind kind, struct err *e)
{
	struct entry_change c = { .kind = ENT_META, .name = entry_kind_name(kind), .value = "" };
	struct meta m = { .mode = kind == ENT_VOLATILE ? 0555 : 0755, .uid = META_INHERIT, .gid = META_INHERIT };
	bool found;
	size_t at = entry_search(d->list, d->n, ENT_META, c.name, &found);

	if (found)
		m = d->list[at]->meta;
	clock_gettime(CLOCK_REALTIME, &m.mtime);
	m.ctime = m.mtime;
	c.meta = &m;
	return draft_set(d, &c, at, found ? d->list[at] : NULL, e);
}

int object_change_saved(struct object *o, const struct entry_change *c, size_t n, struct changed *ret, struct err *e)
{
	bool touched[ENT_KIND_MAX] = { false };
	struct draft d;
	int r = object_check_alive(o, e);

	*ret = (struct changed){ 0 };
	if (!r)
		r = draft_begin(&d, o, n + ENT_KIND_MAX, e);
	if (r)
		return r;
	for (size_t i = 0; !r && i < n; i++) {
		size_t before = d.n;

		r = draft_change(&d, &c[i], e);
		if (!r && d.n != before)
			touched[c[i].kind] = true;
	}
	for (enum entry_kind k = ENT_CONFIG; !r && k <= ENT_VOLATILE; k++)
		if (touched[k])
			r = draft_touch(&d, k, e);
	if (!r && d.n_touched)
		return draft_commit(&d, &o->meta, ret, e);
	draft_abandon(&d);
	return r;
}

static int change_once(struct object *o, const struct entry_change *c, size_t n, struct changed *ret, struct err *e)
{
	HOLD_LOCK(&model_of(o)->save);

	return object_change_saved(o, c, n, ret, e);
}

int object_change(struct object *o, const struct entry_change *c, size_t n, unsigned what, struct err *e)
{
	struct changed changed;
	int r = change_once(o, c, n, &changed, e);

	if (object_made_room(r, e))
		r = change_once(o, c, n, &changed, e);
	object_tell(o, what, &changed);
	return r;
}

static int draft_set_meta(struct draft *d, enum entry_kind k, const char *name, const struct meta *m, struct err *e)
{
	struct entry_change c = { .kind = k, .name = name, .value = "", .meta = m };
	bool found;
	size_t at = entry_search(d->list, d->n, k, name, &found);
	const struct entry *old = found ? d->list[at] : NULL;

	if (old) {
		c.value = old->value;
		c.len = old->len;
	} else if (k != ENT_META) {
		return err_set(e, ENOENT, "there is no %s/%.80s", entry_kind_name(k), name);
	} else if (!*name || strlen(name) > RECORD_NAME_MAX) {
		return err_set(e, EINVAL, "the path \"%.80s\" must have 1 to %d bytes", name, RECORD_NAME_MAX);
	}
	return draft_set(d, &c, at, old, e);
}

static int set_meta_once(struct object *o, enum entry_kind k, const char *name, const struct meta *m, bool *changed,
			 struct err *e)
{
	struct meta own;
	struct draft d;
	int r;

	HOLD_LOCK(&model_of(o)->save);
	r = object_check_alive(o, e);
	if (!r)
		r = draft_begin(&d, o, 1, e);
	if (r)
		return r;
	own = o->meta;
	if (k)
		r = draft_set_meta(&d, k, name, m, e);
	else
		own = entry_meta(&d, &(struct entry_change){ .meta = m }, NULL);
	d.content = false;
	*changed = !r && (d.n_touched || !same_meta(&own, &o->meta));
	if (*changed)
		return draft_commit(&d, &own, NULL, e);
	draft_abandon(&d);
	return r;
}

int object_set_meta(struct object *o, enum entry_kind k, const char *name, const struct meta *m, struct err *e)
{
	bool changed = false;
	int r = set_meta_once(o, k, name, m, &changed, e);

	if (object_made_room(r, e))
		r = set_meta_once(o, k, name, m, &changed, e);
	if (!r && changed)
		object_changed(o, CHANGED_META);
	return r;
}
