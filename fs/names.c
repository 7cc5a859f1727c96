// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/names.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/instance.h"
#include "fs/basis.h"
#include "fs/change.h"
#include "fs/edit.h"
#include "fs/session.h"
#include "fs/tomb.h"

/* ---- making ---- */

static bool accepts_scratch(struct view *dir)
{
	return dir->what == VIEW_SCRATCH || (dir->row->dir && dir->row->dir->children && dir->row->dir->children->editable);
}

static bool knows(const char *name, void *arg)
{
	return view_knows_name(arg, name);
}

static bool is_scratch_name(struct view *dir, const char *name, bool mkstemp)
{
	return dir->what == VIEW_SCRATCH || name_is_scratch(name, knows, dir, mkstemp);
}

static int new_scratch(struct view *dir, const char *name, mode_t type, enum entry_kind kind, const struct meta *m, const void *data,
		       uint64_t *ino, struct err *e)
{
	struct scratch s = { .parent = dir->ino, .type = type, .kind = kind, .meta = *m };
	uint32_t slot = object_new_slot(dir->o, e);
	int r;

	if (!slot)
		return -e->code;
	clock_gettime(CLOCK_REALTIME, &s.meta.mtime);
	s.meta.ctime = s.used = s.meta.mtime;
	s.size = data ? strlen(data) : 0;
	s.ino = view_row_ino(dir->o, slot, S_ISDIR(type) ? ROW_SCRATCH_DIR : ROW_ENTRY);
	snprintf(s.name, sizeof(s.name), "%s", name);
	scratch_sweep(edit_has_writers);
	r = scratch_add(&s, data, s.size);
	if (r)
		return err_set(e, -r, "%s: too many scratch files here", name);
	*ino = s.ino;
	if (row_text(view_class(dir->o)))
		basis_made(dir->o, s.ino);
	change_set_dir_stamp(dir->ino, s.meta.mtime);
	return 0;
}

static int hide(struct view *dir, const char *name, uint64_t ino, enum tomb_what what, enum entry_kind kind)
{
	struct tomb t = {
		.ino = ino, .parent = dir->ino, .object = dir->o->id, .tgid = (uint32_t)edit_tgid(dir->who->pid),
		.uid = dir->who->uid, .gid = dir->who->gid, .what = what, .kind = kind,
	};
	int r;

	snprintf(t.name, sizeof(t.name), "%s", name);
	r = tomb_add(&t);
	if (!r)
		notify_inode(dir->ino, false);
	return r;
}

int names_mkdir(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e)
{
	const struct children *c = dir->row->dir ? dir->row->dir->children : NULL;
	const struct row *r = row_in(dir->row->dir, name);

	if (!view_child(dir, name, ino))
		return err_set(e, EEXIST, "%s exists", name);
	if (r && S_ISDIR(r->mode)) {
		tomb_restore(dir->ino, name);
		return view_child(dir, name, ino);
	}
	if (c && c->make)
		return c->make(dir, name, m, ino, e);
	if (!accepts_scratch(dir))
		return err_set(e, EPERM, "no directory can be made here");
	if (!is_scratch_name(dir, name, false))
		return err_set(e, EINVAL, "%s: no directory of that name belongs here", name);
	return new_scratch(dir, name, S_IFDIR, 0, m, NULL, ino, e);
}

static bool knows_nothing(const char *name, void *arg)
{
	return false;
}

/*
 * Where any name makes an entry (devices/, properties/), what is created exclusively under a name that only tools make up is theirs;
 * so is a file with mkstemp's mode whose name is that of an entry with six characters more.
 */
static bool is_tools_own(struct view *dir, const char *name, int flags, mode_t mode)
{
	char stem[NAME_LEN_MAX + 1];
	size_t n = strlen(name);

	if (!(flags & O_EXCL))
		return false;
	if (name_is_scratch(name, knows_nothing, NULL, false))
		return true;
	for (size_t i = n > 6 && (mode & 0777) == 0600 ? n - 6 : 0; i > 0; i--) {
		snprintf(stem, sizeof(stem), "%.*s", (int)i, name);
		if (view_knows_name(dir, stem))
			return true;
	}
	return false;
}

static int create_row(struct view *dir, const struct row *r, uint64_t *ino, struct err *e)
{
	if (!r->store && !(r->stream && r->stream->write))
		return err_set(e, EACCES, "%s is read-only", r->name);
	tomb_drop(dir->ino, r->name);
	*ino = view_row_ino(dir->o, dir->node.slot, r->id);
	return 0;
}

/*
 * What a copy brings into a directory of facts is there until its maker has gone on, for what tools do to a file that they made, and is
 * not taken: links, and what tar puts in the place of a link until its end.
 */
static int take_guest(struct view *dir, const char *name, mode_t type, const struct meta *m, const char *target, uint64_t *ino,
		      struct err *e)
{
	int r = new_scratch(dir, name, type, 0, m, target, ino, e);

	return r ? r : hide(dir, name, *ino, TOMB_GUEST, 0);
}

static bool takes_guests(const struct view *dir)
{
	return dir->row->dir && dir->row->dir->children && dir->row->dir->children->guests;
}

int names_create(struct view *dir, const char *name, int flags, const struct meta *m, uint64_t *ino, struct err *e)
{
	const struct children *c = dir->row->dir ? dir->row->dir->children : NULL;
	const struct row *r = row_in(dir->row->dir, name);
	int ret = 0;

	if (!view_child(dir, name, ino))
		return err_set(e, EEXIST, "%s exists", name);
	if (r && r->flags & ROW_FIELD)
		return new_scratch(dir, name, S_IFREG, ENT_FIELD, m, NULL, ino, e);
	if (r)
		return create_row(dir, r, ino, e);
	if (takes_guests(dir) && !(m->mode & 0777))
		return take_guest(dir, name, S_IFREG, m, NULL, ino, e);
	if (c && c->accept)
		return c->accept(dir, name, m, ino, e);
	if (c && c->kind && view_any_name(c->kind, name) && is_tools_own(dir, name, flags, m->mode))
		return new_scratch(dir, name, S_IFREG, 0, m, NULL, ino, e);
	if (c && c->kind && (ret = config_name_check(dir->o, c->kind, name, e)) == 0)
		return new_scratch(dir, name, S_IFREG, c->kind, m, NULL, ino, e);
	if (!accepts_scratch(dir))
		return ret ? ret : err_set(e, EPERM, "no file can be made here");
	if (is_scratch_name(dir, name, flags & O_EXCL && (m->mode & 0777) == 0600)) {
		err_clear(e);
		return new_scratch(dir, name, S_IFREG, 0, m, NULL, ino, e);
	}
	return ret ? ret : err_set(e, EINVAL, "%s: no such file belongs here", name);
}

/*
 * What a link in an object's directory means, as a path from the top of the tree: relative ones as the kernel would walk them (whose
 * parent's parent is the top), absolute ones when they lead into the mount. Other words are taken as they are.
 */
static void link_meaning(struct view *dir, const char *target, char *buf, size_t size)
{
	const char *top = session_options()->mountpoint;
	size_t n = strlen(top);

	if (!strncmp(target, "../../", 6))
		snprintf(buf, size, "%s", target + 6);
	else if (!strncmp(target, "../", 3))
		snprintf(buf, size, "%s/%s", space_name(dir->o->space), target + 3);
	else if (!strncmp(target, top, n) && target[n] == '/')
		snprintf(buf, size, "%s", target + n + 1);
	else
		snprintf(buf, size, "%s", target);
	n = strlen(buf);
	while (n && buf[n - 1] == '/')
		buf[--n] = '\0';
}

/* Whether it is a link as those in used_by/ are: up, and to what it is called. */
static bool is_sibling(const char *target, const char *name)
{
	const char *last = strrchr(target, '/');

	return !strncmp(target, "../../../", 9) && !strcmp(last + 1, name);
}

int names_symlink(struct view *dir, const char *name, const char *target, const struct meta *m, uint64_t *ino, struct err *e)
{
	const struct row *r = row_in(dir->row->dir, name);
	_cleanup_view_ struct view v = { 0 };
	char meaning[1024];
	int ret;

	/* A link at the name of a command file (source) is that command with the link's target. */
	if (r && r->link && view_child(dir, name, ino)) {
		ret = view_open(&v, view_row_ino(dir->o, dir->node.slot, r->id), dir->who);
		if (ret)
			return ret;
		*ino = view_row_ino(dir->o, dir->node.slot, r->link);
		v.done = dir->done;
		v.done_arg = dir->done_arg;
		link_meaning(dir, target, meaning, sizeof(meaning));
		ret = view_commit(&v, meaning, strlen(meaning), e);
		if (ret >= 0)
			tomb_drop(dir->ino, name);
		return ret;
	}
	if (!view_child(dir, name, ino))
		return err_set(e, EEXIST, "%s exists", name);
	if (takes_guests(dir) && is_sibling(target, name))
		return take_guest(dir, name, S_IFLNK, m, target, ino, e);
	if (!accepts_scratch(dir) || !is_scratch_name(dir, name, false))
		return err_set(e, EPERM, "%s: no link can be made here", name);
	return new_scratch(dir, name, S_IFLNK, 0, m, target, ino, e);
}

/* ---- removing ---- */

/* Whether an instance may not be removed now; a recursive removal is refused from its first step on. */
static int removal_refused(struct object *o, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { 0 };

	if (o->space != SPACE_INSTANCES)
		return 0;
	if (instance_is_running(o))
		return err_set(e, EBUSY, "%s is %s; stop it first", o->name, inst_state_name(o->run.state));
	if (!config_expand(o, &x, NULL) && expanded_bool(&x, "security.protection.delete", false))
		return err_set(e, EPERM, "%s is protected by security.protection.delete", o->name);
	return 0;
}

static int refuse(struct view *dir, int r)
{
	tomb_restore_object(dir->o->id);
	tomb_refuse(dir->o->id, edit_tgid(dir->who->pid));
	return r;
}

int names_hide(struct view *dir, const char *name, uint64_t ino)
{
	return hide(dir, name, ino, TOMB_FIXED, 0) < 0 ? 0 : -ENOENT;
}

/* A fixed file or directory: it has no removal of its own, only as part of its object's. */
static int hide_fixed(struct view *dir, const char *name, struct view *v, struct err *e)
{
	int r;

	if (dir->o->space == SPACE_DAEMON)
		return err_set(e, EPERM, "%s is part of the tree", name);
	r = v->node.slot && v->row->id != ROW_ENTRY && row_parent(v->row->id) != &instance_row && row_parent(v->row->id)->name == NULL
		? 0 : removal_refused(dir->o, e);
	if (r)
		return refuse(dir, r);
	return hide(dir, name, v->ino, TOMB_FIXED, 0);
}

int names_unlink(struct view *dir, const char *name, struct err *e)
{
	_cleanup_view_ struct view v = { 0 };
	uint64_t ino;
	int r = view_child(dir, name, &ino);

	if (!r)
		r = view_open(&v, ino, dir->who);
	if (r)
		return err_set(e, -r, "%s: no such file", name);
	if (S_ISDIR(v.what == VIEW_SCRATCH ? v.scratch.type : v.row->mode))
		return err_set(e, EISDIR, "%s is a directory", name);
	if (v.what == VIEW_SCRATCH) {
		edit_drop(ino);
		scratch_remove(ino);
		change_child(dir->ino, NULL);
		return 0;
	}
	if (v.what == VIEW_ENTRY && v.kind != ENT_VOLATILE) {
		if (tomb_refused(dir->o->id, edit_tgid(dir->who->pid)))
			return err_set(e, EBUSY, "%s cannot be removed now", dir->o->name);
		const struct entry_change unset = { .kind = v.kind, .name = v.name };

		r = config_check(dir->o, &unset, dir->who, e);
		if (r == -EPERM)
			return r;
		edit_drop(ino);
		return hide(dir, name, ino, TOMB_ENTRY, v.kind);
	}
	return hide_fixed(dir, name, &v, e);
}

/* Removes what was made by mkdir: an object, a snapshot, a command. */
static int remove_made(struct view *dir, const char *name, struct view *v, struct err *e)
{
	const struct children *c = dir->row->dir->children;
	bool own = dir->o != v->o;	/* an object in its space, not a part of one */
	int r;

	if (!own && tomb_walking(dir->o->id))
		return hide(dir, name, v->ino, TOMB_CHILD, 0);
	if (!own && tomb_refused(dir->o->id, edit_tgid(dir->who->pid)))
		return err_set(e, EBUSY, "%s cannot be removed now", dir->o->name);
	r = own ? removal_refused(v->o, e) : 0;
	if (!r)
		r = c->remove(dir, name, e);
	if (r < 0 && own) {
		tomb_restore_object(v->o->id);
		object_error_set(v->o, e);
	} else if (!r && own) {
		tomb_drop_object(v->o->id);
		scratch_remove_object(v->o->id);
	}
	return r;
}

int names_rmdir(struct view *dir, const char *name, struct err *e)
{
	const struct children *c = dir->row->dir ? dir->row->dir->children : NULL;
	_cleanup_view_ struct view v = { 0 };
	uint64_t ino;
	int r = view_child(dir, name, &ino);

	if (!r)
		r = view_open(&v, ino, dir->who);
	if (r)
		return err_set(e, -r, "%s: no such directory", name);
	if (!S_ISDIR(v.what == VIEW_SCRATCH ? v.scratch.type : v.row->mode))
		return err_set(e, ENOTDIR, "%s is not a directory", name);
	if (v.what == VIEW_SCRATCH) {
		if (!scratch_empty(ino))
			return err_set(e, ENOTEMPTY, "%s is not empty", name);
		scratch_remove(ino);
		change_child(dir->ino, NULL);
		return 0;
	}
	if (!v.row->name && c && c->remove)
		return remove_made(dir, name, &v, e);
	return hide_fixed(dir, name, &v, e);
}

/* ---- renaming ---- */

/* The kind of entry that a name in the directory would be, 0: none; for fields the row's name is the entry's. */
static enum entry_kind kind_for(struct view *dir, const char *name)
{
	const struct row *r = row_in(dir->row->dir, name);
	const struct children *c = dir->row->dir ? dir->row->dir->children : NULL;

	if (r)
		return r->flags & ROW_FIELD ? ENT_FIELD : 0;
	return c && c->kind && !config_name_check(dir->o, c->kind, name, NULL) ? c->kind : 0;
}

/* EINVAL, EXDEV, EPERM and EBUSY of a rename make tools print nonsense or copy in place. */
static int for_rename(struct err *e, int r)
{
	if (r == -EINVAL || r == -EXDEV || r == -EPERM || r == -EBUSY) {
		e->code = EBADMSG;
		return -EBADMSG;
	}
	return r;
}

/* Commits a text under a name; slot: the number that the entry gets, 0: its own. The directory does not show the name as hidden any more. */
static int commit_as(struct view *to, const char *new_name, struct view *v, const struct buf *text, const struct meta *m, uint32_t slot,
		     struct err *e)
{
	const struct row *r = row_in(to->row->dir, new_name);
	_cleanup_view_ struct view t = { .o = object_ref(to->o), .who = to->who, .row = &entry_row, .what = VIEW_ENTRY };
	int ret;

	t.kind = kind_for(to, new_name);
	t.node = (struct node){ to->o->id, 0, ROW_ENTRY };
	if (r) {
		t.row = r;
		t.what = VIEW_ROW;
		t.node.row = r->id;
	}
	snprintf(t.name, sizeof(t.name), "%s", new_name);
	t.nonblock = true;
	t.commit_slot = t.kind ? slot : 0;
	t.commit_meta = m;
	if (basis_document(&t))
		t.since = basis_of_rename(&t, v->ino, to->who->pid);
	ret = view_commit(&t, buf_str(text), text->len, e);
	if (ret < 0) {
		tomb_restore(to->ino, new_name);
		return for_rename(e, ret);
	}
	if (basis_document(&t))
		basis_committed(&t, 0, to->who->pid);
	tomb_drop(to->ino, new_name);
	return 0;
}

static int rename_to_value(struct view *from, struct view *v, struct view *to, const char *new_name, struct err *e)
{
	const struct row *r = row_in(to->row->dir, new_name);
	const bool own = v->node.object == to->o->id && v->node.row == ROW_ENTRY;
	_cleanup_buf_ struct buf b = BUF_INIT;
	int ret;

	if (r && !r->store && !kind_for(to, new_name))
		return err_set(e, EACCES, "%s is read-only", new_name);
	ret = edit_read(v->ino, &b);
	if (ret == -ENOENT)
		ret = scratch_read(v->ino, &b);
	if (!ret)
		ret = commit_as(to, new_name, v, &b, &v->scratch.meta, own ? v->node.slot : 0, e);
	if (ret)
		return ret;
	edit_drop(v->ino);
	scratch_remove(v->ino);
	if (from->ino != to->ino)
		change_child(from->ino, NULL);
	change_name(to->ino, new_name);
	return 0;
}

static struct meta meta_of(const struct stat *st)
{
	return (struct meta){ st->st_mode & 07777, st->st_uid, st->st_gid, st->st_mtim, st->st_ctim };
}

/*
 * A value under another name where any name can be one: what a tool wrote beside it cannot be told from one. First the new name, so
 * that nothing is lost in between.
 */
static int rename_entry(struct view *from, struct view *v, struct view *to, const char *new_name, struct err *e)
{
	const struct entry_change gone = { .kind = v->kind, .name = v->name };
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct stat st;
	struct meta m;
	int r = view_render(v, &b, e);

	if (!r)
		r = view_stat(v, 0, &st);
	if (r)
		return r;
	m = meta_of(&st);
	r = commit_as(to, new_name, v, &b, &m, 0, e);
	if (!r)
		r = for_rename(e, config_set(from->o, &gone, from->who, e));
	change_name(to->ino, new_name);
	return r;
}

static bool is_value_name(struct view *v, struct view *to, const char *new_name)
{
	return v->what == VIEW_ENTRY && v->o == to->o && view_any_name(v->kind, v->name) && kind_for(to, new_name) == v->kind &&
	       view_any_name(v->kind, new_name);
}

/* A backup is being made: the value goes on under another name, and its own name is hidden until something new is there. */
static int rename_away(struct view *from, const char *name, struct view *v, struct view *to, const char *new_name, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct scratch s = { .ino = v->ino, .parent = to->ino, .type = S_IFREG };
	struct entry_change moved = { .kind = v->kind, .name = v->name, .moved = true };
	struct stat st;
	int r;

	if (!accepts_scratch(to) || !is_scratch_name(to, new_name, false))
		return is_value_name(v, to, new_name) ? rename_entry(from, v, to, new_name, e) :
							err_set(e, EOPNOTSUPP, "%s cannot be renamed to %s", name, new_name);
	if (tomb_refused(from->o->id, edit_tgid(from->who->pid)))
		return err_set(e, EBUSY, "%s cannot be changed now", from->o->name);
	r = view_render(v, &b, e);
	if (!r)
		r = view_stat(v, 0, &st);
	if (r)
		return r;
	s.meta = meta_of(&st);
	clock_gettime(CLOCK_REALTIME, &s.used);
	s.size = b.len;
	snprintf(s.name, sizeof(s.name), "%s", new_name);
	/* The inode number goes with the backup: the value, should it come back, is another file. */
	moved.value = buf_str(&b);
	moved.len = b.len;
	moved.slot = object_new_slot(from->o, e);
	r = moved.slot ? object_change(from->o, &moved, 1, CHANGED_ENTRIES, e) : -e->code;
	if (r)
		return r;
	r = hide(from, name, view_row_ino(from->o, moved.slot, ROW_ENTRY), v->kind == ENT_FIELD ? TOMB_FIXED : TOMB_ENTRY, v->kind);
	if (!r)
		r = scratch_add(&s, buf_str(&b), b.len);
	if (r)
		tomb_restore(from->ino, name);
	return r;
}

static int rename_scratch(struct view *from, struct view *v, struct view *to, const char *new_name, uint64_t over, struct err *e)
{
	struct scratch old;
	int r;

	if (row_in(to->row->dir, new_name) || kind_for(to, new_name)) {
		if (!S_ISREG(v->scratch.type))
			return err_set(e, EOPNOTSUPP, "%s: only a file can take that name", new_name);
		return rename_to_value(from, v, to, new_name, e);
	}
	if (!accepts_scratch(to))
		return err_set(e, EOPNOTSUPP, "%s: no file can be made there", new_name);
	if (!is_scratch_name(to, new_name, false)) {
		r = to->row->dir->children->kind ? config_name_check(to->o, to->row->dir->children->kind, new_name, e) : 0;
		return r ? for_rename(e, r) : err_set(e, EBADMSG, "%s: no such file belongs here", new_name);
	}
	if (over && scratch_get(over, &old)) {
		if (S_ISDIR(old.type) && !scratch_empty(over))
			return err_set(e, ENOTEMPTY, "%s is not empty", new_name);
		scratch_remove(over);
	}
	if (v->kind)
		scratch_set_kind(v->ino, 0);
	r = scratch_move(v->ino, to->ino, new_name);
	change_child(from->ino, NULL);
	change_child(to->ino, NULL);
	return r;
}

int names_rename(struct view *from, const char *name, struct view *to, const char *new_name, unsigned flags, struct err *e)
{
	const struct children *c = from->row->dir ? from->row->dir->children : NULL;
	_cleanup_view_ struct view v = { 0 };
	uint64_t ino, over = 0;
	int r = view_child(from, name, &ino);

	if (!r)
		r = view_open(&v, ino, from->who);
	if (r)
		return err_set(e, -r, "%s: no such file", name);
	if (flags & ~(unsigned)RENAME_NOREPLACE)
		return err_set(e, EINVAL, "only plain renames and RENAME_NOREPLACE are possible");
	if (!view_child(to, new_name, &over) && flags & RENAME_NOREPLACE)
		return err_set(e, EEXIST, "%s exists", new_name);
	if (over == ino)
		return 0;
	if (v.what == VIEW_SCRATCH)
		return rename_scratch(from, &v, to, new_name, over, e);
	if (v.what == VIEW_ENTRY || v.kind == ENT_FIELD)
		return rename_away(from, name, &v, to, new_name, e);
	if (!v.row->name && c && c->rename && S_ISDIR(v.row->mode)) {
		if (over)
			return err_set(e, EEXIST, "%s exists", new_name);
		return c->rename(from, name, to, new_name, e);
	}
	return err_set(e, EOPNOTSUPP, "%s cannot be renamed", name);
}
