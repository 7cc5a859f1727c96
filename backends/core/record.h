/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * object.json and snapshot.json: text to structures and back. Pure functions; whatever the text is, they return an error and a
 * sentence or something consistent. Defaults are left out, members that this version does not know are kept.
 */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/object.h"

#define RECORD_FORMAT 1
#define RECORD_NAME_MAX 255		/* bytes of an entry's name */
#define SLOT_MAX ((1u << 24) - 1)	/* of the bits that a slot has in an inode number */

struct json_t;

struct record {
	uint32_t id;
	uint32_t next_slot;		/* slots from this one on were never given out */
	uint64_t generation, configured;
	struct meta meta;
	struct timespec created;
	struct entry **entries;		/* sorted by kind, then name */
	size_t n_entries;
	struct json_t *extra;		/* unknown members, or NULL */
};

/* EPROTO: a newer format. EINVAL: anything else that is wrong. *ret is written on success only, and owned by the caller. */
int record_parse(const char *text, size_t len, struct record *ret, struct err *e);
int record_print(const struct record *r, struct buf *out, struct err *e);
void record_free(struct record *r);

/* The id alone, without parsing the rest when the text looks as record_print() makes it. */
int record_parse_id(const char *text, size_t len, uint32_t *ret);

/* The name of a snapshot is that of its directory: not in the text, left empty by the parser. */
int record_parse_snapshot(const char *text, size_t len, struct snapshot **ret, struct err *e);
int record_print_snapshot(const struct snapshot *s, struct buf *out, struct err *e);
void snapshot_free(struct snapshot *s);

/* ---- entries; an entry never changes once others can see it, it is replaced ---- */
struct entry *entry_new(enum entry_kind k, const char *name, const char *value, size_t len, uint32_t slot, const struct meta *m);
void entry_free(struct entry *en);
int entry_compare(const struct entry *en, enum entry_kind k, const char *name);
/* Where that entry is, or would be inserted. */
size_t entry_search(struct entry *const *list, size_t n, enum entry_kind k, const char *name, bool *found);
void entries_free(struct entry **list, size_t n);
