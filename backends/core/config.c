// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Changes of configuration: the one way by which an entry that an administrator wrote comes into an object.
 *
 * Locking: `config_lock` first of all: shared while one object changes, exclusive while a profile does, so that what profiles
 * say stands still while instances are expanded. Then lookups of objects (the model's lock), then the change locks of all
 * objects concerned, then the backend and the disk. What was computed before a change lock was taken is thrown away when the
 * generation moved (instance.c changes entries too).
 */
#include "backends/core/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/event.h"
#include "backends/core/config_document.h"
#include "backends/core/config_plan.h"
#include "backends/core/config_rules.h"
#include "backends/core/network.h"

/* Nobody takes it twice, so that a profile need not wait until no instance changes any more. */
static pthread_rwlock_t config_lock = PTHREAD_RWLOCK_WRITER_NONRECURSIVE_INITIALIZER_NP;

static void unlock(pthread_rwlock_t **l)
{
	pthread_rwlock_unlock(*l);
}

#define HOLD_CONFIG(how) \
	__attribute__((cleanup(unlock), unused)) pthread_rwlock_t *config_held = (pthread_rwlock_##how(&config_lock), &config_lock)

static void unlock_change(struct object **o)
{
	if (*o)
		pthread_mutex_unlock(&(*o)->change);
}

/* What a caller asks for, and the changes that it means, in the form in which they are saved. */
struct request {
	struct object *o;
	struct entry_change c;
	const struct caller *who;
	bool dry;		/* check only */
	struct document *doc;	/* NULL: c alone is what changes */
	uint64_t seen;		/* generation of o that over was made for; of a document only */
	struct overlay over;
};

static unsigned what_changes(const struct request *q)
{
	return CHANGED_ENTRIES | (q->c.meta ? CHANGED_META : 0);
}

static int save(const struct request *q, struct err *e)
{
	return object_change(q->o, q->over.c, q->over.n, what_changes(q), e);
}

/* Whether it says what is there already. */
static bool is_unchanged(const struct request *q)
{
	struct entry *ent;

	if (q->c.slot || q->c.meta)
		return false;
	HOLD_LOCK(&q->o->lock);
	ent = object_entry(q->o, q->c.kind, q->c.name);
	if (!ent || !q->c.value)
		return !ent && !q->c.value;
	return ent->len == q->c.len && !memcmp(ent->value, q->c.value, ent->len);
}

static int check_change(const struct request *q, const struct entry_change *c, struct err *e)
{
	int r = rules_check_name(q->o, c->kind, c->name, e);

	if (r == 0 && c->value)
		r = rules_check_value(c, e);
	if (r == 0)
		r = rules_check_permission(c, q->who, e);
	return r < 0 && c->line ? (err_wrap(e, "line %u", c->line), r) : r;
}

/* ---- documents ---- */

/* Who writes what he read before somebody else's change would undo that change. */
static int check_since(const struct request *q, struct err *e)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	uint64_t now;

	pthread_mutex_lock(&q->o->lock);
	now = q->o->configured + 1;
	pthread_mutex_unlock(&q->o->lock);
	if (!q->c.since || now <= q->c.since)
		return 0;
	for (size_t i = 0; i < q->over.n && names.len < 200; i++)
		if (strcmp(q->over.c[i].name, CONFIG_DOCUMENT) != 0)
			buf_addf(&names, "%s%s", names.len ? ", " : "", q->over.c[i].name);
	return err_set(e, EAGAIN, "the configuration was changed since this document was read; read it again and repeat the change (what is "
		       "there and what was written differ in: %s)", names.len ? buf_str(&names) : "comments");
}

/* What the document changes in the object as it is now. Nothing for a single change, which is the same whatever there is. */
static int prepare(struct request *q, struct err *e)
{
	struct entry_change *list;
	int r;

	if (!q->doc)
		return 0;
	r = document_changes(q->doc, q->o, &q->seen, e);
	if (r < 0)
		return r;
	list = q->doc->changes;
	q->over.c = list;
	q->over.n = q->doc->n;
	for (size_t i = 0; i < q->over.n && r == 0; i++) {
		if (list[i].kind == ENT_FIELD && !strcmp(list[i].name, CONFIG_DOCUMENT))
			list[i] = q->c;
		else
			r = check_change(q, &list[i], e);
	}
	return r < 0 ? r : check_since(q, e);
}

static bool is_current(const struct request *q, uint64_t generation)
{
	return !q->doc || q->seen == generation;
}

/* ---- instances ---- */

/* Returns 1 when the instance changed between making the plan and locking it. */
static int try_instance(struct request *q, struct err *e)
{
	_cleanup_plan_ struct plan p = PLAN_INIT;
	int r = prepare(q, e);

	if (r == 0)
		r = plan_make(&p, q->o, &q->over, e);
	if (r == 0 && !is_current(q, p.generation))
		return 1;
	if (r == 0)
		r = plan_check(&p, q->who, e);
	if (r < 0 || q->dry)
		return r;
	if (!plan_lock(&p))
		return q->o->gone ? err_set(e, ENOENT, "%s is gone", q->o->name) : 1;
	r = plan_apply(&p, e);
	if (r < 0)
		return r;
	r = save(q, e);
	if (r < 0)
		plan_rollback(&p);
	return r;
}

static int change_instance(struct request *q, struct err *e)
{
	HOLD_CONFIG(rdlock);
	int r;

	do
		r = try_instance(q, e);
	while (r > 0);
	return r;
}

/* ---- profiles ---- */

struct users {
	const struct request *q;
	struct plan *plans;	/* of those that run and differ */
	size_t n, cap;
	struct buf refusals;	/* a sentence for each user that cannot take it */
	size_t n_refusals;
	int code;		/* of the first one */
	struct err *e;
};

#define REFUSALS_MAX 4		/* told in full; the others are counted */

static void users_free(struct users *u)
{
	for (size_t i = 0; i < u->n; i++)
		plan_free(&u->plans[i]);
	free(u->plans);
	buf_free(&u->refusals);
}

static int refuse(struct users *u, const char *name, const struct err *why)
{
	if (!u->n_refusals)
		u->code = why->code;
	if (u->n_refusals < REFUSALS_MAX)
		buf_addf(&u->refusals, "%sinstance %s: %s", u->n_refusals ? "; " : "", name, why->text);
	u->n_refusals++;
	return 0;
}

/* All of them, so that the administrator need not try once for each. */
static int refused(const struct users *u, struct err *e)
{
	if (!u->n_refusals)
		return 0;
	if (u->n_refusals > REFUSALS_MAX)
		return err_set(e, u->code, "%zu instances refuse: %.440s", u->n_refusals, buf_str(&u->refusals));
	return err_set(e, u->code, "%s", buf_str(&u->refusals));
}

static int check_user(uint32_t id, const char *name, void *arg)
{
	struct users *u = arg;
	_cleanup_object_ struct object *o = object_get(id);
	_cleanup_plan_ struct plan p = PLAN_INIT;
	struct err why = ERR_INIT;
	int r;

	if (!o)
		return 0;
	r = plan_make(&p, o, &u->q->over, &why);
	if (r == 0)
		r = plan_check(&p, u->q->who, &why);
	if (r < 0)
		return refuse(u, name, &why);
	/* one that is being started now applies what it missed at the end of its start, see config_catch_up() */
	if (!p.n_diffs || u->q->dry || !plan_is_up(&p))
		return 0;
	if (u->n == u->cap) {
		size_t cap = u->cap ? u->cap * 2 : 16;
		struct plan *more = reallocarray(u->plans, cap, sizeof(*more));

		if (!more)
			return err_sys(u->e, ENOMEM, "instance %s", name);
		u->plans = more;
		u->cap = cap;
	}
	u->plans[u->n++] = p;
	p = (struct plan)PLAN_INIT;
	return 0;
}

/* Many change locks are held at once here and nowhere else, under the exclusive lock: their order does not matter. */
static bool lock_users(struct users *u)
{
	for (size_t i = 0; i < u->n; i++) {
		if (!plan_lock(&u->plans[i]))
			return false;
	}
	return true;
}

static int apply_users(struct users *u, struct err *e)
{
	for (size_t i = 0; i < u->n; i++) {
		int r = plan_apply(&u->plans[i], e);

		if (r < 0) {
			err_wrap(e, "instance %s", u->plans[i].o->name);
			while (i)
				plan_rollback(&u->plans[--i]);
			return r;
		}
	}
	return 0;
}

/* Returns 1 when something changed meanwhile. The listener of the model tells what became of the users' expanded files. */
static int try_profile(struct request *q, struct err *e)
{
	__attribute__((cleanup(users_free))) struct users u = { .q = q, .e = e };
	__attribute__((cleanup(unlock_change))) struct object *held = NULL;
	uint64_t seen = object_generation(q->o);
	int r = prepare(q, e);

	if (r == 0 && !is_current(q, seen))
		return 1;
	if (r == 0)
		r = profile_each_user(q->o, check_user, &u);
	if (r == 0)
		r = refused(&u, e);
	if (r < 0 || q->dry)
		return r;
	pthread_mutex_lock(&q->o->change);
	held = q->o;
	if (q->o->gone)
		return err_set(e, ENOENT, "%s is gone", q->o->name);
	if (object_generation(q->o) != seen || !lock_users(&u))
		return 1;
	r = apply_users(&u, e);
	if (r < 0)
		return r;
	r = save(q, e);
	for (size_t i = 0; i < u.n && r < 0; i++)
		plan_rollback(&u.plans[i]);
	return r;
}

static int change_profile(struct request *q, struct err *e)
{
	HOLD_CONFIG(wrlock);
	int r;

	do
		r = try_profile(q, e);
	while (r > 0);
	return r;
}

/* Exclusive as well: static addresses of instances must fit to it, and what a document is compared with stands still. */
static int change_network(struct request *q, struct err *e)
{
	HOLD_CONFIG(wrlock);
	int r = prepare(q, e);

	return r < 0 ? r : network_change(q->o, q->over.c, q->over.n, what_changes(q), q->dry, e);
}

int config_rename(struct object *o, const char *new_name, struct err *e)
{
	HOLD_CONFIG(wrlock);

	return rename_followed(o, new_name, e);
}

/* What no instance sees: descriptions, properties of images, settings. */
static int change_alone(const struct request *q, struct err *e)
{
	HOLD_CONFIG(rdlock);

	if (q->dry)
		return 0;
	HOLD_LOCK(&q->o->change);
	return save(q, e);
}

/* ---- entry points ---- */

static bool is_expanded(const struct entry_change *c)
{
	return c->kind == ENT_CONFIG || c->kind == ENT_DEVICE || (c->kind == ENT_FIELD && !strcmp(c->name, "profiles"));
}

static int change_of_space(struct request *q, struct err *e)
{
	switch (q->o->space) {
	case SPACE_PROFILES:
		return change_profile(q, e);
	case SPACE_NETWORKS:
		return change_network(q, e);
	default:
		return change_instance(q, e);
	}
}

/* A document as a whole. The text that is there already, printed or written, changes nothing. */
static int change_document(struct request *q, struct err *e)
{
	_cleanup_document_ struct document d = { .n = 0 };
	_cleanup_buf_ struct buf now = BUF_INIT;
	int r;

	if (!q->c.value)
		return err_set(e, EPERM, "a configuration can be changed, not removed");
	r = q->c.slot || q->c.meta ? 0 : config_print_yaml(q->o, NULL, false, &now, e);
	if (r == 0 && now.len && now.len == q->c.len && !memcmp(now.data, q->c.value, now.len))
		return 0;
	if (r == 0)
		r = document_parse(q->o, q->c.value, q->c.len, &d, e);
	if (r < 0)
		return r;
	q->doc = &d;
	r = change_of_space(q, e);
	q->doc = NULL;
	return r;
}

static int change(struct object *o, const struct entry_change *c, const struct caller *who, bool dry, struct err *e)
{
	struct request q = { .o = o, .c = *c, .who = who, .dry = dry, .over = { .target = o, .c = &q.c, .n = 1 } };
	int r;

	r = rules_check_name(o, c->kind, c->name, e);
	if (r < 0)
		return r;
	if (c->kind == ENT_FIELD && !strcmp(c->name, CONFIG_DOCUMENT))
		return change_document(&q, e);
	if (c->kind == ENT_CONFIG && c->value && (!c->len || (c->len == 1 && c->value[0] == '\n')))
		q.c.value = NULL;
	if (!q.c.value)
		q.c.len = 0;
	if (is_unchanged(&q))
		return 0;
	if (q.c.value)
		r = rules_check_value(&q.c, e);
	if (r == 0)
		r = rules_check_permission(&q.c, who, e);
	if (r < 0)
		return r;
	if (is_expanded(c) && o->space == SPACE_INSTANCES)
		return change_instance(&q, e);
	if (is_expanded(c) && o->space == SPACE_PROFILES)
		return change_profile(&q, e);
	if (c->kind == ENT_CONFIG && o->space == SPACE_NETWORKS)
		return change_network(&q, e);
	return change_alone(&q, e);
}

/* {"type":"instance-updated","kind":"config","key":"limits.memory"} */
static void tell(struct object *o, const struct entry_change *c)
{
	static const char *const types[SPACE_MAX] = {
		"config-updated", "instance-updated", "profile-updated", "image-updated", "instance-updated", "network-updated",
	};
	_cleanup_buf_ struct buf extra = BUF_INIT;

	event_add_member(&extra, "kind", entry_kind_name(c->kind));
	event_add_member(&extra, "key", c->name);
	event_emit(types[o->space], o, buf_str(&extra));
}

int config_set(struct object *o, const struct entry_change *c, const struct caller *who, struct err *e)
{
	const uint64_t before = object_generation(o);
	int r = change(o, c, who, false, e);

	if (!r && object_generation(o) != before)
		tell(o, c);
	return r;
}

int config_check(struct object *o, const struct entry_change *c, const struct caller *who, struct err *e)
{
	return change(o, c, who, true, e);
}

static bool has_more_than_comments(const char *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n + 1) {
		const char *nl = memchr(text + i, '\n', len - i);

		n = nl ? (size_t)(nl - text) - i : len - i;
		if (n && text[i] != '#')
			return true;
	}
	return false;
}

int config_check_begun(struct object *o, const struct entry_change *c, const struct caller *who, struct err *e)
{
	const struct key *k = c->kind == ENT_CONFIG ? key_find(c->name) : NULL;
	bool wrong = (k && k->flags & KEY_LINES) || (c->kind == ENT_FIELD && !strcmp(c->name, "profiles"));
	struct err why = ERR_INIT;

	if (c->kind == ENT_DEVICE)
		wrong = device_check_begun(c->name, c->value, c->len, NULL) < 0;
	if ((!wrong && c->kind != ENT_DEVICE) || !has_more_than_comments(c->value, c->len))
		return 0;
	/* whose rights do not suffice for the first lines has not enough for the whole */
	if (config_check(o, c, who, &why) < 0 && (wrong || why.code == EPERM))
		return err_set(e, why.code, "%s", why.text);
	return 0;
}

int config_name_check(struct object *o, enum entry_kind k, const char *name, struct err *e)
{
	return rules_check_name(o, k, name, e);
}

int config_check_all(struct object *o, struct entry *const *entries, size_t n, const struct caller *who, struct err *e)
{
	const struct overlay over = { .target = o, .entries = entries, .n_entries = n };
	_cleanup_plan_ struct plan p = PLAN_INIT;
	HOLD_CONFIG(rdlock);
	int r = 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const struct entry *ent = entries[i];
		const struct entry_change c = { .kind = ent->kind, .name = ent->name, .value = ent->value, .len = ent->len };

		if (ent->kind != ENT_CONFIG && ent->kind != ENT_DEVICE && !(ent->kind == ENT_FIELD && !strcmp(ent->name, "profiles")))
			continue;
		r = rules_check_name(o, ent->kind, ent->name, e);
		if (r == 0)
			r = rules_check_value(&c, e);
	}
	if (r == 0)
		r = plan_make(&p, o, &over, e);
	return r < 0 ? r : plan_check(&p, who, e);
}

int config_catch_up(struct object *inst, const struct expanded *started, struct err *e)
{
	HOLD_CONFIG(rdlock);

	for (;;) {
		_cleanup_plan_ struct plan p = PLAN_INIT;
		int r = plan_make_since(&p, inst, started, e);

		if (r < 0)
			return r;
		if (plan_lock(&p))
			return plan_apply(&p, e);
	}
}
