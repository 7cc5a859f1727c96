// SPDX-License-Identifier: LGPL-2.1-or-later
/* Attributes of a view: type and mode from the row, owner from the object, length by rendering, times by what they depend on. */
#include <errno.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/hash.h"
#include "backends/core/instance.h"
#include "fs/apart.h"
#include "fs/change.h"
#include "fs/edit.h"
#include "fs/names.h"
#include "fs/top.h"
#include "fs/view.h"

static bool later(struct timespec a, struct timespec b)
{
	return a.tv_sec > b.tv_sec || (a.tv_sec == b.tv_sec && a.tv_nsec > b.tv_nsec);
}

static void set_times(struct stat *st, struct timespec m, struct timespec c)
{
	st->st_mtim = st->st_atim = m;
	st->st_ctim = later(c, m) ? c : m;
}

static void put_meta(struct stat *st, const struct meta *m, const struct meta *owner)
{
	st->st_mode = (st->st_mode & S_IFMT) | (m->mode & 07777);
	st->st_uid = m->uid == META_INHERIT ? owner->uid : m->uid;
	st->st_gid = m->gid == META_INHERIT ? owner->gid : m->gid;
	set_times(st, m->mtime, m->ctime);
}

const char *view_meta_name(const struct row *r)
{
	return r->dir && r->dir->children && r->dir->children->kind ? entry_kind_name(r->dir->children->kind) : r->name;
}

const char *view_field(const struct row *r)
{
	if (r->flags & ROW_TEXT || !(r->flags & ROW_FIELD || r->show == show_field))
		return NULL;
	return r->item ? r->item : r->name;
}

/* A fixed file or directory: what was set explicitly stands in an ENT_META (or the field's own entry), under its name. */
static void stat_row(struct view *v, struct stat *st)
{
	const bool top = v->row == &instance_row || v->row == &profile_row || v->row == &image_row || v->row == &trashed_row;
	struct timespec stamp = change_stamp(v->o, v->row->deps);
	struct entry *en = NULL;

	HOLD_LOCK(&v->o->lock);
	st->st_uid = v->o->meta.uid;
	st->st_gid = v->o->meta.gid;
	set_times(st, v->o->created, v->o->created);
	if (view_field(v->row))
		en = object_entry(v->o, ENT_FIELD, view_field(v->row));
	else if (v->row->name && !v->node.slot && !(v->row->flags & ROW_TEXT))
		en = object_entry(v->o, ENT_META, view_meta_name(v->row));
	if (top)
		put_meta(st, &v->o->meta, &v->o->meta);
	else if (en && v->row->show == show_field)
		set_times(st, en->meta.mtime, en->meta.ctime);
	else if (en)
		put_meta(st, &en->meta, &v->o->meta);
	if (!S_ISDIR(st->st_mode) && (v->row->flags & ROW_TEXT || !(v->row->flags & ROW_FIELD)) && !en && later(stamp, st->st_mtim))
		set_times(st, stamp, stamp);
}

static int hash_name(void *arg, uint64_t number, const char *name, uint64_t ino, mode_t type)
{
	uint64_t *h = arg;

	*h = hash_bytes(hash_bytes(*h, &ino, sizeof(ino)), name, strlen(name));
	return 0;
}

/* Names that come and go without anybody being told: the nanoseconds follow from the names, so that other names have another time. */
static void stat_changing(struct view *v, struct stat *st)
{
	uint64_t h = HASH_INIT;

	if (v->row->flags & ROW_VOLATILE_RUN || names_list(v, 2, hash_name, &h) < 0)
		apart(&st->st_mtim);
	else
		st->st_mtim.tv_nsec = (long)((h ^ h >> 32) % 1000000000);
}

static void stat_dir(struct view *v, struct stat *st)
{
	static const struct { uint16_t row; enum space space; } spaces[] = {
		{ ROW_INSTANCES, SPACE_INSTANCES }, { ROW_ROOTFS_DIR, SPACE_INSTANCES }, { ROW_PROFILES, SPACE_PROFILES },
		{ ROW_IMAGES, SPACE_IMAGES }, { ROW_TRASH, SPACE_TRASH },
		{ ROW_NETWORKS, SPACE_NETWORKS },
	};
	struct timespec t;

	st->st_nlink = 1;	/* "not counted", so that nobody derives the number of subdirectories */
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		if (v->row->id == spaces[i].row) {
			t = space_mtime(spaces[i].space);
			if (later(t, st->st_mtim))
				set_times(st, t, t);
		}
	if (change_dir_stamp(v->ino, &t) && later(t, st->st_ctim))
		set_times(st, t, t);
	if (!view_is_cacheable(v))
		stat_changing(v, st);
}

static int stat_snapshot(struct view *v, struct stat *st)
{
	struct snapshot *s;

	HOLD_LOCK(&v->o->lock);
	s = object_snapshot_by_slot(v->o, v->node.slot);
	if (!s)
		return -ESTALE;
	if (v->row == &snapshot_row)
		put_meta(st, &s->meta, &v->o->meta);
	else
		set_times(st, s->meta.mtime, s->meta.ctime);
	return 0;
}

/* Mode and times are those of the text that was written while it still reads so. */
static void stat_text(struct view *v, const struct buf *text, struct stat *st)
{
	HOLD_LOCK(&v->o->lock);
	const struct entry *en = object_entry(v->o, ENT_FIELD, v->row->name);

	if (en && en->len == text->len && !memcmp(en->value, buf_str(text), text->len))
		put_meta(st, &en->meta, &v->o->meta);
}

static int stat_size(struct view *v, struct stat *st)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t size = 0;
	int r;

	if (v->row->stream && v->row->stream->size) {
		r = v->row->stream->size(v, &size, NULL);
	} else if (v->row->stream && v->row->stream->wait) {
		r = 0;
	} else {
		r = view_render(v, &b, NULL);
		size = b.len;
		if (v->row->flags & ROW_TEXT)
			stat_text(v, &b, st);
	}
	/* A file that cannot be rendered now is empty: ls must not fail because one object is broken. */
	st->st_size = r < 0 ? 0 : (off_t)size;
	return r == -ESTALE ? r : 0;
}

int view_stat(struct view *v, uint64_t fh, struct stat *st)
{
	size_t pending;
	int r = 0;

	memset(st, 0, sizeof(*st));
	st->st_ino = v->ino;
	st->st_nlink = 1;
	st->st_blksize = 4096;
	if (v->what == VIEW_SCRATCH) {
		st->st_mode = v->scratch.type;
		put_meta(st, &v->scratch.meta, &v->o->meta);
		st->st_size = (off_t)v->scratch.size;
	} else if (v->what == VIEW_ENTRY) {
		st->st_mode = S_IFREG;
		HOLD_LOCK(&v->o->lock);
		const struct entry *en = object_entry(v->o, v->kind, v->name);

		if (!en)
			return -ESTALE;
		put_meta(st, &en->meta, &v->o->meta);
		st->st_size = (off_t)en->len;
	} else {
		st->st_mode = v->row->mode;
		stat_row(v, st);
		if (v->node.slot && (v->row == &snapshot_row || row_parent(v->row->id) == &snapshot_row))
			r = stat_snapshot(v, st);
		if (!r && S_ISDIR(st->st_mode))
			stat_dir(v, st);
		else if (!r)
			r = stat_size(v, st);
	}
	if (v->what == VIEW_SCRATCH && S_ISDIR(st->st_mode))
		st->st_nlink = 1;
	if (!r && S_ISREG(st->st_mode) && (fh || v->what == VIEW_SCRATCH) && edit_size(v->ino, &pending))
		st->st_size = (off_t)pending;
	if (!S_ISDIR(st->st_mode))
		st->st_blocks = (st->st_size + 511) / 512;
	return r;
}
