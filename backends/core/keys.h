/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The table of configuration keys: one row per key, from which come the parser, the printer, the validator, the live class, the
 * permission check and the reference page (doc/keys.md, `instfs --list-keys`). A row whose name ends in '*' covers a family.
 */
#pragma once

#include <stdbool.h>

#include "backends/core/buf.h"
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
	KEY_APPLY = 1 << 7,	/* a live key that the kernel must be told of: the backend's apply() is called */
	KEY_NETWORK = 1 << 8,	/* may stand in a network */
	KEY_LINES = 1 << 9,	/* each line stands for itself: what is wrong stays so whatever lines follow */
};

struct key {
	const char *name;		/* "limits.memory", "environment.*" */
	const char *type;		/* words for the reference page: "bool", "size or percent", ... */
	const char *def;		/* default in words */
	enum key_live live;
	unsigned flags;
	int (*check)(const struct key *k, const char *name, const char *value, struct err *e);	/* value: no final newline */
	const char *doc;		/* one line */
	/* Whether two valid values mean the same ("1GiB", "1024MiB"); NULL: only when they are the same text. */
	bool (*same)(const char *a, const char *b);
	/* Why nothing heeds it yet, for runtime/warnings; NULL: something does. */
	const char *idle;
	/* Of a family: whether what stands for the '*' is a name in it ("nofile"). NULL: any that can be a file name. */
	int (*check_rest)(const char *rest, struct err *e);
};

/* The row for a name, or NULL. Exact rows win over families; a family needs at least one character behind its dot. */
const struct key *key_find(const char *name);
/* All rows, each table ended by one without name: those of instances and settings, and those that only networks have. */
extern const struct key key_table[], key_network_table[];
extern const struct key *const key_tables[];	/* both, ended by NULL */
#define for_each_key(k) \
	for (const struct key *const *key_t = key_tables; *key_t; key_t++) \
		for (const struct key *k = *key_t; k->name; k++)

/* What LXD (or Incus) knows and we do not, and why, ended by one without name; '*' as in rows. */
struct key_refusal {
	const char *name, *why;
};
extern const struct key_refusal key_refused[];

/* 0 when the name is one of a row; EOPNOTSUPP for one of key_refused, else EINVAL with the nearest known name. */
int key_check_name(const char *name, const struct key **ret, struct err *e);

/* Whether both mean the same for this key; NULL is unset. */
bool key_same(const struct key *k, const char *a, const char *b);

/* Checks a value as it would be written: UTF-8, size, one line unless KEY_MULTILINE, then the row's check. ENOENT-free: an unknown
 * key is EINVAL with the nearest known name in the sentence. */
int key_check(const char *name, const char *value, size_t len, struct err *e);

/* The reference page doc/keys.md. */
void keys_print_markdown(struct buf *out);
