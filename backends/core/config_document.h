/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A config.yaml that somebody wrote: checked against the table of members, and what it changes in an object. For config*.c. */
#pragma once

#include "backends/core/config_values.h"
#include "backends/core/yaml_tree.h"

struct document {
	struct tree_node *root;
	struct config_values wanted;	/* with lines */
	struct entry_change *changes;	/* sorted by kind and name */
	size_t n, cap;
	char **owned;			/* what the changes point to */
	size_t n_owned;
};

/* EINVAL, EFBIG, EOPNOTSUPP; sentences begin with the line. */
int document_parse(struct object *o, const char *text, size_t len, struct document *ret, struct err *e);
void document_free(struct document *d);
#define _cleanup_document_ __attribute__((cleanup(document_free)))

/*
 * Makes d->changes: what is to change in the object as it is now, and the generation that this was computed from. Values that say
 * the same as before are left as they were written.
 */
int document_changes(struct document *d, struct object *o, uint64_t *generation, struct err *e);

/* Keys of config that are no configuration: volatile.*, and image.* where the table of keys does not know it. */
bool document_is_fact(const char *key);
/* Whether a map of a device says these properties. */
bool document_same_device(const struct tree_node *n, const struct pairs *want);
