// SPDX-License-Identifier: LGPL-2.1-or-later
/* Listings: fixed rows by id, then what is made by name by number, each with a cookie that stays the same while others come and go. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "fs/names.h"
#include "fs/tomb.h"

#define COOKIE_DYNAMIC 4096	/* cookies below are row ids, 1 and 2 are "." and ".." */
#define INO_LOW ((1ULL << (NODE_ROW_BITS + NODE_SLOT_BITS)) - 1)

struct item {
	uint64_t number, ino;
	mode_t type;
	char *name;
};

struct items {
	struct item *v;
	size_t n, cap;
	uint64_t after;
	bool failed;
};

static void add_item(struct items *l, uint64_t number, const char *name, uint64_t ino, mode_t type)
{
	if (number <= l->after || l->failed)
		return;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 32;
		struct item *v = realloc(l->v, cap * sizeof(*v));

		if (!v) {
			l->failed = true;
			return;
		}
		l->v = v;
		l->cap = cap;
	}
	l->v[l->n] = (struct item){ number, ino, type, strdup(name) };
	if (l->v[l->n].name)
		l->n++;
	else
		l->failed = true;
}

static int add_scratch(const struct scratch *s, void *arg)
{
	add_item(arg, s->ino & INO_LOW, s->name, s->ino, s->type);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void add_entries(struct view *dir, enum entry_kind kind, struct items *l)
{
	size_t first, end;

	HOLD_LOCK(&dir->o->lock);
	object_entries(dir->o, kind, &first, &end);
	for (size_t i = first; i < end; i++) {
		uint64_t ino = view_row_ino(dir->o, dir->o->entries[i]->slot, ROW_ENTRY);

		add_item(l, ino & INO_LOW, dir->o->entries[i]->name, ino, S_IFREG);
	}
}

/* Entries and scratch files share the numbers of their slots, so that both together have one order. */
static int list_files(struct view *dir, enum entry_kind kind, uint64_t after, list_fn emit, void *arg)
{
	struct items l = { .after = after };
	int r = 0;

	if (kind)
		add_entries(dir, kind, &l);
	scratch_list(dir->ino, 0, add_scratch, &l);
	if (l.n)
		qsort(l.v, l.n, sizeof(*l.v), by_number);
	for (size_t i = 0; i < l.n; i++) {
		if (!r && !tomb_hides(dir->ino, l.v[i].name))
			r = emit(arg, COOKIE_DYNAMIC + l.v[i].number, l.v[i].name, l.v[i].ino, l.v[i].type);
		free(l.v[i].name);
	}
	free(l.v);
	return r ? r : l.failed ? -ENOMEM : 0;
}

struct shift {
	struct view *dir;
	list_fn emit;
	void *arg;
};

static int emit_shifted(void *arg, uint64_t number, const char *name, uint64_t ino, mode_t type)
{
	const struct shift *s = arg;

	return tomb_hides(s->dir->ino, name) ? 0 : s->emit(s->arg, COOKIE_DYNAMIC + number, name, ino, type);
}

static int list_rows(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	const struct dir *d = dir->row->dir;

	for (const struct row *r = d->rows; r && r->id; r++) {
		struct view child = { .o = dir->o, .row = r, .node = { dir->o->id, dir->node.slot, r->id } };
		int ret;

		if (r->id <= after || !r->name || r->flags & ROW_UNLISTED || (r->exists && !r->exists(&child)) ||
		    tomb_hides(dir->ino, r->name))
			continue;
		ret = emit(arg, r->id, r->name, view_row_ino(dir->o, dir->node.slot, r->id), r->mode & S_IFMT);
		if (ret)
			return ret;
	}
	return 0;
}

int names_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	const struct children *c = dir->row->dir ? dir->row->dir->children : NULL;
	struct shift s = { dir, emit, arg };
	int r = 0;

	if (after < 1)
		r = emit(arg, 1, ".", dir->ino, S_IFDIR);
	if (!r && after < 2)
		r = emit(arg, 2, "..", view_parent(dir), S_IFDIR);
	if (!r && dir->row->dir && after < COOKIE_DYNAMIC)
		r = list_rows(dir, after, emit, arg);
	after = after > COOKIE_DYNAMIC ? after - COOKIE_DYNAMIC : 0;
	if (!r && c && c->list)
		return c->list(dir, after, emit_shifted, &s);
	return r ? r : list_files(dir, c ? c->kind : 0, after, emit, arg);
}
