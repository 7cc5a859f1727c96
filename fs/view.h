/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A view is an inode number made concrete for the time of one request: the object (referenced), the row, and whether it is a
 * fixed file, a stored entry or a scratch file. It holds no lock.
 */
#pragma once

#include "backends/core/caller.h"
#include "fs/row.h"
#include "fs/scratch.h"

enum view_kind { VIEW_ROW, VIEW_ENTRY, VIEW_SCRATCH };

struct view {
	uint64_t ino;
	struct node node;
	enum view_kind what;
	struct object *o;
	const struct row *row;		/* VIEW_ENTRY: entry_row; VIEW_SCRATCH: entry_row or scratch_dir_row */
	enum entry_kind kind;		/* VIEW_ENTRY, ROW_FIELD rows, and a scratch file that will become an entry */
	char name[256];			/* of the entry, the row or the scratch file */
	struct scratch scratch;		/* VIEW_SCRATCH */
	/* of the request, for store() */
	const struct caller *who;
	bool nonblock;
	void (*done)(void *arg, int result);
	void (*ready)(void *arg);	/* for stream->wait() */
	void *done_arg;
	uint64_t wait_id;
	bool woken;			/* stream->wait() is called again, after ready() */
	uint32_t commit_slot;		/* slot and meta that a commit gives to the entry; 0 and NULL: keep */
	const struct meta *commit_meta;
	uint64_t since;			/* of a document: what a commit was made from (basis.h) */
};

/* The directory class of what the object is, and the row of its directory for entries of a kind (NULL: has none). */
const struct dir *view_class(const struct object *o);
const struct row *view_entry_dir(const struct object *o, enum entry_kind kind);
/* Inode of a fixed file of an object. */
static inline uint64_t view_row_ino(const struct object *o, uint32_t slot, unsigned row)
{
	return node_ino((struct node){ o->id, slot, (uint16_t)row });
}

/* Resolves; the object is referenced until view_close(). -ESTALE: no such thing (any more). */
int view_open(struct view *v, uint64_t ino, const struct caller *who);
void view_close(struct view *v);
#define _cleanup_view_ __attribute__((cleanup(view_close)))

/* The child of that name, tombstones hidden. -ENOENT, -ENOTDIR. */
int view_child(struct view *dir, const char *name, uint64_t *ino);
/* Inode of the directory that it stands in. */
uint64_t view_parent(struct view *v);

/* The committed content. */
int view_render(struct view *v, struct buf *out, struct err *e);
/* Commits one whole value: 0, 1 (v->done comes later), -errno. The sentence goes to the object's `error`. */
int view_commit(struct view *v, const char *value, size_t len, struct err *e);
bool view_is_document(struct view *v);
/* Of its first lines: refuses what no line that follows can make right. */
int view_check_begun(struct view *v, const char *text, size_t len, struct err *e);
bool view_is_writable(struct view *v);
/* Whether names in the directory come and go by themselves now. */
bool view_is_dynamic(struct view *dir);
/* Whether the kernel may keep attributes and content until it is told otherwise. */
bool view_is_cacheable(struct view *v);

/* Attributes; a pending edit's length when fh names a writer. -errno. */
int view_stat(struct view *v, uint64_t fh, struct stat *st);

/* Whether an entry can have any name there (devices, user.KEY), so that a name alone does not tell a value from a tool's file. */
bool view_any_name(enum entry_kind kind, const char *name);

/* Under which name mode and times of a fixed directory are kept (ENT_META): the core knows those of entries by their kind. */
const char *view_meta_name(const struct row *r);
/* The ENT_FIELD that a fixed file is the bytes of, with its mode and times. NULL: it is not one. */
const char *view_field(const struct row *r);

/* Whether a name is one that the directory could hold as a key or fixed file (for scratch shapes). */
bool view_knows_name(struct view *dir, const char *name);
