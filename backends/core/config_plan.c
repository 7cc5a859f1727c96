// SPDX-License-Identifier: LGPL-2.1-or-later
/* One instance's side of a change of configuration (config_plan.h). */
#include "backends/core/config_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/idmap.h"
#include "backends/core/network.h"
#include "backends/core/restricted.h"

/* ---- differences ---- */

static bool same_key(struct expanded_item *a, struct expanded_item *b, const struct key *k)
{
	return k ? key_same(k, expanded_value(a), expanded_value(b)) : !strcmp(expanded_value(a), expanded_value(b));
}

static int compare(const struct expanded_item *a, const struct expanded_item *b)
{
	if (a->kind != b->kind)
		return a->kind < b->kind ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void add_device(struct plan *p, struct expanded_item *a, struct expanded_item *b)
{
	enum device_effect effect = device_effect(a ? a->value : NULL, a ? a->len : 0, b ? b->value : NULL, b ? b->len : 0);

	if (effect == DEVICE_SAME)
		return;
	if (effect != DEVICE_AGAIN || !a || !b) {
		p->diffs[p->n_diffs++] = (struct difference){ .before = a, .after = b, .effect = effect };
		return;
	}
	p->diffs[p->n_diffs++] = (struct difference){ .before = a, .effect = effect, .half = true };
	p->diffs[p->n_diffs++] = (struct difference){ .after = b, .effect = effect };
}

/* What goes makes room for what comes: the same path or name may move from one device to another. */
static int rank(const struct difference *d)
{
	if (d->before && d->before->kind == ENT_DEVICE && !d->after)
		return 0;
	if (d->after && d->after->kind == ENT_DEVICE && !d->before)
		return 2;
	return 1;
}

static int by_rank(const void *a, const void *b)
{
	const struct difference *x = a, *y = b;
	const struct expanded_item *m = x->after ? x->after : x->before, *n = y->after ? y->after : y->before;

	return rank(x) != rank(y) ? rank(x) - rank(y) : compare(m, n);
}

static int find_differences(struct plan *p)
{
	size_t i = 0, j = 0;

	p->diffs = calloc(p->before.n + p->after.n + 1, sizeof(*p->diffs));
	if (!p->diffs)
		return -ENOMEM;
	while (i < p->before.n || j < p->after.n) {
		struct expanded_item *a = i < p->before.n ? &p->before.items[i] : NULL;
		struct expanded_item *b = j < p->after.n ? &p->after.items[j] : NULL;
		int r = !a ? 1 : !b ? -1 : compare(a, b);
		const struct expanded_item *any = r <= 0 ? a : b;
		const struct key *k = any->kind == ENT_CONFIG ? key_find(any->name) : NULL;

		a = r <= 0 ? a : NULL;
		b = r >= 0 ? b : NULL;
		i += a != NULL;
		j += b != NULL;
		if (any->kind == ENT_DEVICE)
			add_device(p, a, b);
		else if (!a || !b || !same_key(a, b, k))
			p->diffs[p->n_diffs++] = (struct difference){ .before = a, .after = b, .key = k };
	}
	qsort(p->diffs, p->n_diffs, sizeof(*p->diffs), by_rank);
	return 0;
}

int plan_make(struct plan *p, struct object *inst, const struct overlay *over, struct err *e)
{
	int r;

	p->o = object_ref(inst);
	p->over = over;
	pthread_mutex_lock(&inst->lock);
	p->generation = inst->generation;
	pthread_mutex_unlock(&inst->lock);
	r = expand_with(inst, NULL, true, &p->before, e);
	/* what refers to a profile that is gone (restored from the trash) must still be possible to correct */
	if (r == 0)
		r = expand_with(inst, over, true, &p->after, e);
	if (r == 0 && find_differences(p) < 0)
		r = err_sys(e, ENOMEM, "configuration");
	return r;
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

static int copy_expanded(const struct expanded *x, struct expanded *ret)
{
	struct expanded c = { .items = calloc(x->n + 1, sizeof(*c.items)) };

	if (!c.items)
		return -ENOMEM;
	for (; c.n < x->n; c.n++) {
		const struct expanded_item *it = &x->items[c.n];

		c.items[c.n] = (struct expanded_item){ .kind = it->kind, .len = it->len, .mtime = it->mtime, .name = strdup(it->name),
						       .value = copy_bytes(it->value, it->len), .source = strdup(it->source) };
		if (!c.items[c.n].name || !c.items[c.n].value || !c.items[c.n].source) {
			c.n++;
			expanded_free(&c);
			return -ENOMEM;
		}
	}
	*ret = c;
	return 0;
}

int plan_make_since(struct plan *p, struct object *inst, const struct expanded *started, struct err *e)
{
	int r;

	p->o = object_ref(inst);
	pthread_mutex_lock(&inst->lock);
	p->generation = inst->generation;
	pthread_mutex_unlock(&inst->lock);
	r = expand_with(inst, NULL, true, &p->after, e);
	if (r == 0 && (copy_expanded(started, &p->before) < 0 || find_differences(p) < 0))
		r = err_sys(e, ENOMEM, "configuration");
	return r;
}

void plan_free(struct plan *p)
{
	if (p->locked)
		pthread_mutex_unlock(&p->o->change);
	free(p->diffs);
	expanded_free(&p->before);
	expanded_free(&p->after);
	object_put(p->o);
	*p = (struct plan)PLAN_INIT;
}

/* ---- checks ---- */

static const struct expanded_item *either(const struct difference *d)
{
	return d->after ? d->after : d->before;
}

static int refused(const struct difference *d, struct err *e)
{
	return err_set(e, EBUSY, "%.100s can only be changed while the instance is stopped", either(d)->name);
}

static int check_permission(const struct difference *d, const struct caller *who, struct err *e)
{
	const struct expanded_item *it = either(d);

	if (!who || who->uid == 0)
		return 0;
	if (d->key && d->key->flags & KEY_ROOT)
		return err_set(e, EPERM, "only root may change %.100s (from %.80s)", it->name, it->source);
	if (it->kind == ENT_DEVICE && d->after && restricted_device(it->value, it->len))
		return err_set(e, EPERM, "only root may give devices of the host: %.64s (from %.80s)", it->name, it->source);
	return 0;
}

/* Two devices that want the same thing: `what` is "disk" with its path, or "nic" with its name. */
static int check_unique(const struct expanded *x, const char *type, const char *property, struct err *e)
{
	char a[4097], b[4097];

	for (size_t i = 0; i < x->n; i++) {
		const struct expanded_item *it = &x->items[i];

		if (it->kind != ENT_DEVICE || !device_get(it->value, it->len, "type", a, sizeof(a)) || strcmp(a, type) != 0 ||
		    !device_get(it->value, it->len, property, a, sizeof(a)))
			continue;
		for (size_t j = 0; j < i; j++) {
			const struct expanded_item *other = &x->items[j];

			if (other->kind != ENT_DEVICE || !device_get(other->value, other->len, "type", b, sizeof(b)) ||
			    strcmp(b, type) != 0 || !device_get(other->value, other->len, property, b, sizeof(b)) || strcmp(a, b) != 0)
				continue;
			return err_set(e, EINVAL, "the devices %s (%s) and %s (%s) have the same %s=%.100s", other->name, other->source,
				       it->name, it->source, property, a);
		}
	}
	return 0;
}

/* Pairs that contradict each other: the first is refused beside the second, whichever is written last. */
static const char *const exclusive[][2] = {
	{ "security.syscalls.allow", "security.syscalls.deny" }, { "raw.seccomp", "security.syscalls.allow" },
	{ "raw.seccomp", "security.syscalls.deny" }, { "raw.seccomp", "security.syscalls.deny_default" },
};

static bool differs(const struct plan *p, const char *key)
{
	for (size_t i = 0; i < p->n_diffs; i++) {
		if (p->diffs[i].key && p->diffs[i].after && !strcmp(p->diffs[i].after->name, key))
			return true;
	}
	return false;
}

static int check_exclusive(const struct plan *p, struct err *e)
{
	for (size_t i = 0; i < sizeof(exclusive) / sizeof(*exclusive); i++) {
		const char *a = exclusive[i][0], *b = exclusive[i][1];

		if ((differs(p, a) || differs(p, b)) && expanded_get(&p->after, a) && expanded_get(&p->after, b))
			return err_set(e, EINVAL, "%s and %s exclude each other; unset one of them first", a, b);
	}
	return 0;
}

/* An id map is made of several keys, and of lines of the host that each of them refers to. */
static int check_idmap(const struct plan *p, struct err *e)
{
	static const char *const keys[] = { "raw.idmap", "security.idmap.base", "security.idmap.isolated", "security.idmap.size" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (differs(p, keys[i]))
			return idmap_check(&p->after, e);
	}
	return 0;
}

static int check_type(const struct plan *p, const struct difference *d, struct err *e)
{
	char type[32];
	bool vm;

	if (!d->key || !d->after || strcmp(d->after->source, "instance") != 0)
		return 0;
	vm = object_value(p->o, ENT_FIELD, "type", type, sizeof(type)) && !strcmp(type, "virtual-machine");
	if (d->key->flags & (vm ? KEY_VM : KEY_CONTAINER))
		return 0;
	return err_set(e, EINVAL, "%.100s is not for a %s", d->after->name, vm ? "virtual machine" : "container");
}

bool plan_device_is_live(const struct plan *p, const struct difference *d)
{
	return d->effect != DEVICE_NEXT_START && (backend_caps(p->o) & BACKEND_DEVICES);
}

bool plan_is_up(const struct plan *p)
{
	HOLD_LOCK(&p->o->lock);
	return p->o->run.state != INST_STOPPED && p->o->run.state != INST_ERROR;
}

int plan_check(const struct plan *p, const struct caller *who, struct err *e)
{
	bool up = plan_is_up(p), devices = false;
	int r = 0;

	for (size_t i = 0; i < p->n_diffs && r == 0; i++) {
		const struct difference *d = &p->diffs[i];

		devices |= either(d)->kind == ENT_DEVICE;
		r = check_permission(d, who, e);
		if (r == 0 && d->key && d->after && !strcmp(d->key->name, "boot.after"))
			r = order_check(p, e);
		if (r == 0)
			r = check_type(p, d, e);
		if (r == 0 && up && d->key && d->key->live == KEY_REFUSED)
			r = refused(d, e);
	}
	/* a conflict that is there already must not stand in the way of other changes */
	if (r == 0 && devices)
		r = check_unique(&p->after, "disk", "path", e);
	if (r == 0 && devices)
		r = check_unique(&p->after, "nic", "name", e);
	if (r == 0 && devices)
		r = network_check_instance(p->o, &p->after, e);
	if (r == 0)
		r = check_exclusive(p, e);
	if (r == 0)
		r = check_idmap(p, e);
	return r;
}

/* ---- applying ---- */

bool plan_lock(struct plan *p)
{
	bool same;

	pthread_mutex_lock(&p->o->change);
	p->locked = true;
	pthread_mutex_lock(&p->o->lock);
	same = p->o->generation == p->generation && !p->o->gone;
	switch (p->o->run.state) {
	case INST_RUNNING:
	case INST_FROZEN:
	case INST_FREEZING:
	case INST_THAWING:
		p->live = true;
		break;
	case INST_STARTING:
	case INST_STOPPING:
	case INST_RESTARTING:
		p->live = p->ending = p->o->run.init_pid > 0;
		break;
	default:
		break;
	}
	pthread_mutex_unlock(&p->o->lock);
	return same;
}

static bool is_applied(const struct plan *p, const struct difference *d)
{
	if (either(d)->kind == ENT_DEVICE)
		return plan_device_is_live(p, d);
	return d->key && d->key->live == KEY_LIVE && d->key->flags & KEY_APPLY;
}

static int apply_one(struct plan *p, const struct difference *d, bool back, struct err *e)
{
	struct expanded_item *it = back ? d->before : d->after;

	if (either(d)->kind == ENT_DEVICE)
		return backend_device(p->o, back ? d->after : d->before, it, back ? &p->before : &p->after, e);
	return backend_apply(p->o, d->key, either(d)->name, it ? expanded_value(it) : NULL, back ? &p->before : &p->after, e);
}

void plan_rollback(struct plan *p)
{
	while (p->applied) {
		const struct difference *d = &p->diffs[--p->applied];

		/* nothing is left to do when the kernel refuses a value that it had before; runtime/effective shows what is */
		if (is_applied(p, d))
			apply_one(p, d, true, NULL);
	}
}

int plan_apply(struct plan *p, struct err *e)
{
	int r;

	if (!p->live)
		return 0;
	/* it may have been started since plan_check() */
	for (size_t i = 0; i < p->n_diffs && !p->ending; i++) {
		if (p->diffs[i].key && p->diffs[i].key->live == KEY_REFUSED)
			return refused(&p->diffs[i], e);
	}
	for (; p->applied < p->n_diffs; p->applied++) {
		const struct difference *d = &p->diffs[p->applied];

		if (!is_applied(p, d))
			continue;
		r = apply_one(p, d, false, p->ending ? NULL : e);
		if (r < 0 && !p->ending) {
			plan_rollback(p);
			return r;
		}
	}
	return 0;
}
