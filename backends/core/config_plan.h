/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a change means for one instance: the expanded configuration before and after, checked as a whole, applied, taken back.
 * For config*.c only. A plan is computed without the instance's change lock, because expanding looks up profiles; it is good as
 * long as the instance's generation is the one that it was made from (plan_lock()).
 */
#pragma once

#include "backends/core/expand.h"
#include "backends/core/keys.h"

struct difference {
	struct expanded_item *before, *after;	/* NULL: not there */
	const struct key *key;			/* of an ENT_CONFIG; NULL for a device */
	enum device_effect effect;		/* of an ENT_DEVICE */
	bool half;				/* it goes only to come again, by another difference */
};

struct plan {
	struct object *o;		/* holds a reference */
	const struct overlay *over;	/* what it was made with; the caller's */
	uint64_t generation;
	struct expanded before, after;
	struct difference *diffs;	/* what has another meaning than before, in the order in which it is applied */
	size_t n_diffs;
	size_t applied;			/* differences that the kernel was told of, from the first one */
	bool locked;			/* o->change is held */
	bool live;			/* it runs: differences are to be applied */
	bool ending;			/* it is on its way up or down: a failure to apply is nothing */
};

#define PLAN_INIT { .o = NULL }

/* over as in expand_with(); NULL: nothing changes. */
int plan_make(struct plan *p, struct object *inst, const struct overlay *over, struct err *e);
/* What changed since it was started with that configuration. */
int plan_make_since(struct plan *p, struct object *inst, const struct expanded *started, struct err *e);
/* Permission of who (NULL: the daemon), keys that are refused while it runs, and what must fit together. */
int plan_check(const struct plan *p, const struct caller *who, struct err *e);
/* Whether this difference of a device reaches the instance while it runs. */
bool plan_device_is_live(const struct plan *p, const struct difference *d);
bool plan_is_up(const struct plan *p);	/* in any state but stopped and error */
/* Takes the change lock and looks whether it runs. False: the instance changed meanwhile, the plan must be made anew. */
bool plan_lock(struct plan *p);
/* Tells the backend of each live key that differs. On failure everything is as before. */
int plan_apply(struct plan *p, struct err *e);
/* Takes back what was applied. */
void plan_rollback(struct plan *p);
void plan_free(struct plan *p);		/* unlocks */
#define _cleanup_plan_ __attribute__((cleanup(plan_free)))

/* config_order.c: whether the instance would wait for itself at boot. */
int order_check(const struct plan *p, struct err *e);

/* config.c: applies to an instance what changed since it was started with that configuration. */
int config_catch_up(struct object *inst, const struct expanded *started, struct err *e);
