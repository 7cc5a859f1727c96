// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/view.h"

#include <errno.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/instance.h"
#include "backends/core/keep.h"
#include "backends/core/keys.h"
#include "fs/change.h"
#include "fs/edit.h"
#include "fs/tomb.h"

const struct row entry_row = {
	.id = ROW_ENTRY, .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .doc = "a value that was written, under its key's name",
};
const struct row scratch_dir_row = {
	.id = ROW_SCRATCH_DIR, .mode = S_IFDIR | 0755, .doc = "a directory that a tool made for itself; never interpreted",
};

const struct dir *view_class(const struct object *o)
{
	static const struct dir *const classes[SPACE_MAX] = {
		[SPACE_INSTANCES] = &instance_dir, [SPACE_PROFILES] = &profile_dir,
		[SPACE_IMAGES] = &image_dir, [SPACE_TRASH] = &trashed_dir, [SPACE_NETWORKS] = &network_dir,
	};

	return o->space == SPACE_DAEMON ? root_row.dir : classes[o->space];
}

const struct row *view_entry_dir(const struct object *o, enum entry_kind kind)
{
	for (const struct row *r = view_class(o)->rows; r && r->id; r++)
		if (r->dir && r->dir->children && r->dir->children->kind == kind)
			return r;
	return NULL;
}

/* A value with a slot of its own: an entry, or a fixed file that was replaced by a rename. */
static int open_entry(struct view *v)
{
	struct entry *en;

	HOLD_LOCK(&v->o->lock);
	en = object_entry_by_slot(v->o, v->node.slot);
	if (!en)
		return -ESTALE;
	v->kind = en->kind;
	snprintf(v->name, sizeof(v->name), "%s", en->name);
	v->what = VIEW_ENTRY;
	v->row = &entry_row;
	if (en->kind == ENT_FIELD) {
		v->what = VIEW_ROW;
		v->row = row_in(view_class(v->o), en->name);
	}
	return v->row ? 0 : -ESTALE;
}

/* The row under which an object of a space stands there. */
static unsigned top_row(enum space s)
{
	static const uint16_t tops[SPACE_MAX] = {
		[SPACE_DAEMON] = ROW_ROOT, [SPACE_INSTANCES] = ROW_INSTANCE, [SPACE_PROFILES] = ROW_PROFILE,
		[SPACE_IMAGES] = ROW_IMAGE, [SPACE_TRASH] = ROW_TRASHED, [SPACE_NETWORKS] = ROW_NETWORK,
	};

	return tops[s];
}

/* A fixed file is there only in objects of its class: an inode of an instance is stale while that is in the trash. */
static int open_row(struct view *v)
{
	const struct row *p = v->row;

	while (p && p->id != top_row(v->o->space) && p->id != ROW_BY_FINGERPRINT_LINK)
		p = row_parent(p->id);
	if (!p || v->o->gone)
		return -ESTALE;
	if (v->row->name)
		snprintf(v->name, sizeof(v->name), "%s", v->row->name);
	if (v->row->flags & ROW_FIELD)
		v->kind = ENT_FIELD;
	return v->row->exists && !v->row->exists(v) && !v->row->store && !v->row->stream ? -ESTALE : 0;
}

int view_open(struct view *v, uint64_t ino, const struct caller *who)
{
	int r;

	memset(v, 0, sizeof(*v));
	v->ino = ino;
	v->node = node_of(ino);
	v->who = who;
	v->o = object_get(v->node.object);
	if (!v->o)
		return -ESTALE;
	if (scratch_get(ino, &v->scratch)) {
		v->what = VIEW_SCRATCH;
		v->row = S_ISDIR(v->scratch.type) ? &scratch_dir_row : &entry_row;
		v->kind = v->scratch.kind;
		snprintf(v->name, sizeof(v->name), "%s", v->scratch.name);
		return 0;
	}
	v->row = row_by_id(v->node.row);
	r = !v->row || v->row == &scratch_dir_row ? -ESTALE : v->row == &entry_row ? open_entry(v) : open_row(v);
	if (r)
		view_close(v);
	return r;
}

void view_close(struct view *v)
{
	v->o = object_put(v->o);
}

/* Whether it is one of several of a kind, told apart by their slots, or below such a one. */
static bool has_slot(const struct row *r, enum space s)
{
	while (r && r->name)
		r = row_parent(r->id);
	return r && r->id != top_row(s);
}

uint64_t view_parent(struct view *v)
{
	const struct row *p;

	if (v->what == VIEW_SCRATCH)
		return v->scratch.parent;
	if (v->what == VIEW_ENTRY)
		p = view_entry_dir(v->o, v->kind);
	else
		p = row_parent(v->row->id);
	if (!p)
		return 1;
	if (p->id < ROW_ENTRY)
		return node_ino((struct node){ 0, 0, p->id });
	return view_row_ino(v->o, has_slot(p, v->o->space) ? v->node.slot : 0, p->id);
}

static int child_entry(struct view *dir, const char *name, uint64_t *ino)
{
	struct entry *en;

	HOLD_LOCK(&dir->o->lock);
	en = object_entry(dir->o, dir->row->dir->children->kind, name);
	if (!en)
		return -ENOENT;
	*ino = view_row_ino(dir->o, en->slot, ROW_ENTRY);
	return 0;
}

/* A fixed file, under the inode number that a rename gave it, if any. */
static int child_row(struct view *dir, const struct row *r, uint64_t *ino)
{
	struct view child = { .o = dir->o, .row = r, .node = { dir->o->id, dir->node.slot, r->id } };
	struct entry *en;

	if (r->exists && !r->exists(&child))
		return -ENOENT;
	*ino = view_row_ino(dir->o, dir->node.slot, r->id);
	if (!(r->flags & ROW_FIELD))
		return 0;
	HOLD_LOCK(&dir->o->lock);
	en = object_entry(dir->o, ENT_FIELD, r->name);
	if (en && en->slot)
		*ino = view_row_ino(dir->o, en->slot, ROW_ENTRY);
	return 0;
}

int view_child(struct view *dir, const char *name, uint64_t *ino)
{
	const struct dir *d = dir->row->dir;
	struct scratch s;
	const struct row *r;

	if (!S_ISDIR(dir->what == VIEW_SCRATCH ? dir->scratch.type : dir->row->mode))
		return -ENOTDIR;
	if (scratch_find(dir->ino, name, &s)) {
		*ino = s.ino;
		return 0;
	}
	if (!d || tomb_hides(dir->ino, name))
		return -ENOENT;
	r = row_in(d, name);
	if (r)
		return child_row(dir, r, ino);
	if (!d->children)
		return -ENOENT;
	if (d->children->kind && !child_entry(dir, name, ino))
		return 0;
	return d->children->lookup ? d->children->lookup(dir, name, ino) : -ENOENT;
}

bool view_any_name(enum entry_kind kind, const char *name)
{
	const struct key *k = kind == ENT_CONFIG ? key_find(name) : NULL;

	return kind != ENT_CONFIG || (k && strchr(k->name, '*'));
}

bool view_knows_name(struct view *dir, const char *name)
{
	const struct children *c = dir->row->dir ? dir->row->dir->children : NULL;

	if (row_in(dir->row->dir, name))
		return true;
	if (!c || !c->kind)
		return false;
	if (c->kind == ENT_CONFIG && !view_any_name(c->kind, name))
		return key_find(name) != NULL;
	/* Where any name is possible only those count that are there. */
	HOLD_LOCK(&dir->o->lock);
	return object_entry(dir->o, c->kind, name) != NULL;
}

int view_render(struct view *v, struct buf *out, struct err *e)
{
	struct entry *en;
	int r;

	if (v->what == VIEW_SCRATCH)
		return scratch_read(v->ino, out);
	if (v->what == VIEW_ROW && v->row->show) {
		r = v->row->show(v, out, e);
		return r == -ENODATA ? 0 : r < 0 ? r : buf_error(out);
	}
	HOLD_LOCK(&v->o->lock);
	en = object_entry(v->o, v->kind, v->name);
	if (en)
		buf_add(out, en->value, en->len);
	return buf_error(out);
}

bool view_is_document(struct view *v)
{
	const struct key *k;

	if (v->what == VIEW_ROW)
		return v->row->flags & ROW_DOCUMENT;
	if (v->kind == ENT_FIELD)
		return row_in(view_class(v->o), v->name)->flags & ROW_DOCUMENT;
	if (v->kind == ENT_DEVICE)
		return true;
	k = v->kind == ENT_CONFIG ? key_find(v->name) : NULL;
	return k && k->flags & KEY_MULTILINE;
}

bool view_is_writable(struct view *v)
{
	if (v->what == VIEW_SCRATCH || v->what == VIEW_ENTRY)
		return v->kind != ENT_VOLATILE;
	return v->row->store || v->row->flags & ROW_FIELD || (v->row->stream && v->row->stream->write);
}

bool view_is_dynamic(struct view *dir)
{
	if (!dir->row->dir || !dir->row->dir->children || !dir->row->dir->children->dynamic)
		return false;
	return !(dir->row->flags & ROW_VOLATILE_RUN) || instance_is_running(dir->o);
}

bool view_is_cacheable(struct view *v)
{
	if (v->what == VIEW_SCRATCH)
		return false;
	if (v->row->flags & ROW_VOLATILE_ALWAYS)
		return false;
	if (v->row->flags & ROW_VOLATILE_RUN && instance_is_running(v->o))
		return false;
	if (view_is_dynamic(v))
		return false;
	return !edit_has_writers(v->ino);
}

/* The name that a sentence in `error` begins with. */
static void failed(struct view *v, struct err *e)
{
	const struct row *dir = v->what == VIEW_ROW ? row_parent(v->row->id) : view_entry_dir(v->o, v->kind);

	if (!strncmp(e->text, v->name, strlen(v->name)))
		;	/* the cause named it already */
	else if (dir && dir->name && dir->id != ROW_ROOT)
		err_wrap(e, "%s/%s", dir->name, v->name);
	else
		err_wrap(e, "%s", v->name);
	object_error_set(v->o, e);
}

static struct entry_change change_of(struct view *v, const char *value, size_t len)
{
	return (struct entry_change){
		.kind = v->kind, .name = v->name, .value = value, .len = len,
		.slot = v->commit_slot, .meta = v->commit_meta, .since = v->since,
	};
}

int view_check_begun(struct view *v, const char *text, size_t len, struct err *e)
{
	const struct entry_change c = change_of(v, text, len);
	int r = v->kind ? config_check_begun(v->o, &c, v->who, e) : 0;

	if (r < 0)
		failed(v, e);
	return r;
}

int view_commit(struct view *v, const char *value, size_t len, struct err *e)
{
	struct entry_change c = change_of(v, value, len);
	const uint64_t generation = object_generation(v->o);
	const struct err none = ERR_INIT;
	struct meta m;
	int r;

	if (v->row->flags & ROW_FACT)
		return 0;
	if (!v->kind && !v->row->store)
		return err_set(e, EACCES, "%s cannot be written", v->name);
	change_begin(v->o->id);
	if (v->what == VIEW_SCRATCH && !c.slot) {
		c.slot = v->node.slot;
		c.meta = &v->scratch.meta;
	}
	/* What belongs to the object's owner goes on following it. */
	if (c.meta) {
		m = *c.meta;
		m.uid = m.uid == v->o->meta.uid ? META_INHERIT : m.uid;
		m.gid = m.gid == v->o->meta.gid ? META_INHERIT : m.gid;
		c.meta = &m;
	}
	r = v->kind ? config_set(v->o, &c, v->who, e) : v->row->store(v, value, len, e);
	if (r >= 0 && v->what == VIEW_SCRATCH) {
		tomb_drop(v->scratch.parent, v->name);
		scratch_remove(v->ino);
		change_name(v->scratch.parent, v->name);
	}
	change_end(v->o->id);
	if (r < 0)
		failed(v, e);
	/* An editor that puts the old value back after a refusal does not make the sentence go. */
	else if (!r && (!v->kind || generation != object_generation(v->o)) && keep_has(KEEP_ERROR, v->o->id))
		object_error_set(v->o, &none);
	return r;
}
