/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of configuration keys: one row per key, from which come the parser, the printer, the validator, the live class, the
 * permission check and the reference page (doc/keys.md, `instfs --list-keys`). A row whose name ends in '*' covers a family.
 */
#pragma once

#include "backends/core/err.h"
#include "backends/core/object.h"

enum key_live {
	KEY_LIVE,		/* takes effect at once on a running instance */
	KEY_NEXT_START,		/* accepted, listed in runtime/pending until the next start */
	KEY_REFUSED,		/* EBUSY while the instance runs */
};

enum {
	KEY_ROOT = 1 << 0,	/* only root may set it, whatever the modes say */
	KEY_MULTILINE = 1 << 1,
	KEY_PROFILE = 1 << 2,	/* may stand in a profile */
	KEY_INSTANCE = 1 << 3,
	KEY_SETTING = 1 << 4,	/* a key of settings/, not of instances */
	KEY_CONTAINER = 1 << 5,
	KEY_VM = 1 << 6,
};

struct key {
	const char *name;		/* "limits.memory", "environment.*" */
	const char *type;		/* words for the reference page: "bool", "size or percent", ... */
	const char *def;		/* default in words */
	enum key_live live;
	unsigned flags;
	int (*check)(const struct key *k, const char *name, const char *value, struct err *e);	/* value: no final newline */
	const char *doc;		/* one line */
};

/* The row for a name, or NULL. Exact rows win over families; a family needs at least one character behind its dot. */
const struct key *key_find(const char *name);
/* All rows, ended by one without name. */
extern const struct key key_table[];

/* Checks a value as it would be written: UTF-8, size, one line unless KEY_MULTILINE, then the row's check. ENOENT-free: an unknown
 * key is EINVAL with the nearest known name in the sentence. */
int key_check(const char *name, const char *value, size_t len, struct err *e);
