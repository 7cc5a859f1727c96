/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a config.yaml says, as values: of an object, of a snapshot, or of a text that somebody wrote; and the table of members that
 * such a document has in each space. For config_*.c.
 *
 * Another space gets a config.yaml by a row in the table of classes, and by what config_values_get() adds to its facts.
 */
#pragma once

#include "backends/core/config.h"
#include "backends/core/pairs.h"

enum member_kind {
	MEMBER_CONFIG,		/* a map of keys; volatile.* and image.* in it are facts */
	MEMBER_DEVICES,		/* a map of maps */
	MEMBER_NAMES,		/* the field profiles, a list */
	MEMBER_TEXT,		/* the field description */
	MEMBER_BOOL,		/* the field ephemeral */
	MEMBER_FACT,		/* one of `facts`: can only be written as it is */
	MEMBER_LABEL,		/* one of `facts` that says which object it is: not looked at, so that copies are taken */
	MEMBER_USERS,		/* used_by: not looked at */
	MEMBER_PLACES,		/* locations, a list of one: not looked at */
	MEMBER_FALSE,		/* can only be false */
	MEMBER_IGNORED,		/* LXD prints it somewhere, and it is no configuration; not printed here */
};

struct document_member {
	const char *name;
	enum member_kind kind;
	bool hidden;		/* taken, not printed */
	bool word;		/* a fact that is printed as it stands: true */
};

/* In the order of printing, ended by a NULL name; NULL: the space has no documents. */
const struct document_member *document_members(enum space s);
const struct document_member *document_member(enum space s, const char *name);

struct config_values {
	struct pairs config, devices, facts;	/* sorted; a device's value is its text */
	struct pairs volatiles;			/* sorted; with their prefix volatile. */
	struct pairs profiles, users;		/* in order; without values */
	char *description;			/* never NULL */
	bool ephemeral;
	bool blank;				/* an instance that has no root file system yet: facts may come with one */
};

/* Of an object or of its snapshot (the caller holds o->change or o->lock then), or expanded. */
int config_values_get(struct object *o, const struct snapshot *snap, bool expanded, struct config_values *ret, struct err *e);
void config_values_free(struct config_values *v);
#define _cleanup_values_ __attribute__((cleanup(config_values_free)))

/* The canonical text. */
int config_values_print(enum space s, const struct config_values *v, struct buf *out, struct err *e);
/* One member of it, with its name; one key or device as it stands in its map, at the left margin. */
int config_values_print_member(const struct document_member *m, const struct config_values *v, struct buf *out);
int config_values_print_pair(enum member_kind k, const struct pair *p, struct buf *out);
