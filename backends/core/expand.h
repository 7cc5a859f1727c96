/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Expansion of a configuration as it would be after a change: for config*.c only; everybody else uses config_expand(). */
#pragma once

#include "backends/core/config.h"

/* What is being considered: changes of entries of target, or with c NULL all of its fields, keys and devices. */
struct overlay {
	const struct object *target;
	const struct entry_change *c;	/* sorted by kind and name */
	size_t n;
	struct entry *const *entries;
	size_t n_entries;
};

/* over may be NULL. lenient: a profile that does not exist adds nothing, instead of EINVAL. */
int expand_with(struct object *inst, const struct overlay *over, bool lenient, struct expanded *ret, struct err *e);

/* config_rename.c: under the exclusive lock of config.c. */
int rename_followed(struct object *o, const char *new_name, struct err *e);

/* Calls f with each name in the text of the field `profiles`, in order; stops at the first non-zero and returns it. */
int expand_each_profile(const char *text, size_t len, int (*f)(const char *name, void *arg), void *arg);

/* The value without its final newline, which is cut off. */
const char *expanded_value(struct expanded_item *it);
