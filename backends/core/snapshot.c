// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Records of snapshots: snapshots/NAME/snapshot.json in the directory of the instance. What else is in that directory belongs to
 * the storage driver. Changes are made with `save` held; the list itself is guarded by object.lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/fs.h>

#include "backends/core/cleanup.h"
#include "backends/core/model.h"

static size_t search(struct object *o, const char *name, bool *found)
{
	size_t i = 0;

	while (i < o->n_snaps && strcmp(o->snaps[i]->name, name) < 0)
		i++;
	*found = i < o->n_snaps && !strcmp(o->snaps[i]->name, name);
	return i;
}

struct snapshot *object_snapshot(struct object *o, const char *name)
{
	bool found;
	size_t at = search(o, name, &found);

	return found ? o->snaps[at] : NULL;
}

struct snapshot *object_snapshot_by_slot(struct object *o, uint32_t slot)
{
	for (size_t i = 0; i < o->n_snaps; i++)
		if (o->snaps[i]->slot == slot)
			return o->snaps[i];
	return NULL;
}

static int insert(struct object *o, struct snapshot *s)
{
	struct snapshot **list = realloc(o->snaps, (o->n_snaps + 1) * sizeof(struct snapshot *));
	bool found;
	size_t at;

	if (!list)
		return -ENOMEM;
	o->snaps = list;
	at = search(o, s->name, &found);
	memmove(&list[at + 1], &list[at], (o->n_snaps - at) * sizeof(struct snapshot *));
	list[at] = s;
	o->n_snaps++;
	return 0;
}

static struct snapshot *take_out(struct object *o, const char *name)
{
	bool found;
	size_t at = search(o, name, &found);
	struct snapshot *s;

	if (!found)
		return NULL;
	s = o->snaps[at];
	o->n_snaps--;
	memmove(&o->snaps[at], &o->snaps[at + 1], (o->n_snaps - at) * sizeof(struct snapshot *));
	return s;
}

/* ---- loading ---- */

struct loading {
	struct object *o;
	int dirfd;
};

static int load_one(const char *name, uint64_t ino, unsigned char type, void *arg)
{
	struct loading *l = arg;
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[NAME_MAX + 32];
	struct err e = ERR_INIT;
	struct snapshot *s = NULL;
	int r;

	if (name_check("snapshot", name, NULL) < 0)
		return 0;
	snprintf(path, sizeof(path), "%s/snapshot.json.tmp", name);
	unlinkat(l->dirfd, path, 0);
	snprintf(path, sizeof(path), "%s/snapshot.json", name);
	r = buf_read_file(&b, l->dirfd, path, STORE_FILE_MAX);
	/* Without a record it is a step of the storage driver that was not finished. */
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	r = r < 0 ? err_sys(&e, -r, "cannot read it") : record_parse_snapshot(buf_str(&b), b.len, &s, &e);
	if (r || !s) {
		err_wrap(&e, "%s/snapshots/%s", l->o->name, path);
		object_error_keep(l->o, &e);
		return 0;
	}
	snprintf(s->name, sizeof(s->name), "%s", name);
	if (s->slot >= l->o->next_slot)
		l->o->next_slot = l->o->slots_reserved = s->slot + 1;
	if (insert(l->o, s) < 0)
		snapshot_free(s);
	return 0;
}

void snapshots_load(struct object *o, int dirfd)
{
	_cleanup_close_ int fd = openat(dirfd, "snapshots", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct loading l = { .o = o, .dirfd = fd };

	if (fd >= 0)
		store_each_name(fd, load_one, &l);
}

/* ---- on disk; save held ---- */

static int open_sub(int dirfd, const char *name, bool make, bool *made)
{
	int fd;

	if (make && !mkdirat(dirfd, name, 0700))
		*made = true;
	fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The directory snapshots/, or with name one in it; with make they are made, on disk before it returns. */
static int open_snapshots(struct object *o, const char *name, bool make, struct err *e)
{
	_cleanup_close_ int dir = object_dirfd(o), snaps = -1;
	bool made = false;
	int fd = dir;

	if (dir >= 0)
		fd = snaps = open_sub(dir, "snapshots", make, &made);
	if (snaps >= 0 && made && fsync(dir) < 0)
		fd = -errno;
	made = false;
	if (fd >= 0 && name)
		fd = open_sub(snaps, name, make, &made);
	if (fd >= 0 && made && fsync(snaps) < 0) {
		int r = -errno;

		close(fd);
		fd = r;
	}
	if (fd == snaps)
		steal_fd(&snaps);
	return fd < 0 ? err_sys(e, -fd, "cannot open the directory of snapshot %s", name ? name : "") : fd;
}

static int save(struct object *o, const struct snapshot *s, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_close_ int fd = -1;
	int r = object_check_alive(o, e);

	if (!r)
		r = record_print_snapshot(s, &b, e);
	if (r < 0)
		return r;
	fd = open_snapshots(o, s->name, true, e);
	return fd < 0 ? fd : store_write(fd, "snapshot.json", b.data, b.len, e);
}

/* ---- adding ---- */

static bool is_kept(const struct entry *en)
{
	return en->kind == ENT_FIELD || en->kind == ENT_CONFIG || en->kind == ENT_DEVICE;
}

static int copy_entries(struct object *o, struct snapshot *s, struct err *e)
{
	s->entries = calloc(o->n_entries + 1, sizeof(struct entry *));
	s->n_entries = 0;
	for (size_t i = 0; s->entries && i < o->n_entries; i++) {
		const struct entry *en = o->entries[i];

		if (!is_kept(en))
			continue;
		s->entries[s->n_entries] = entry_new(en->kind, en->name, en->value, en->len, en->slot, &en->meta);
		if (!s->entries[s->n_entries])
			return err_set(e, ENOMEM, "out of memory");
		s->n_entries++;
	}
	return s->entries ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int prepare(struct snapshot *s, struct err *e)
{
	const struct timespec now = model_now();

	if (!s->created.tv_sec)
		s->created = now;
	if (!s->meta.mtime.tv_sec)
		s->meta.mtime = s->created;
	if (!s->meta.ctime.tv_sec)
		s->meta.ctime = s->meta.mtime;
	if (!s->description)
		s->description = strdup("");
	return s->description ? name_check("snapshot", s->name, e) : err_set(e, ENOMEM, "out of memory");
}

static int add_once(struct object *o, struct snapshot *s, struct err *e)
{
	int r;

	HOLD_LOCK(&model_of(o)->save);
	if (object_snapshot(o, s->name))
		return err_set(e, EEXIST, "there is a snapshot %s already", s->name);
	entries_free(s->entries, s->n_entries);
	s->entries = NULL;
	s->n_entries = 0;
	r = copy_entries(o, s, e);
	if (!r)
		r = save(o, s, e);
	if (r < 0)
		return r;
	HOLD_LOCK(&o->lock);
	return insert(o, s) < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

int object_snapshot_add(struct object *o, struct snapshot *s, struct err *e)
{
	int r = prepare(s, e);

	if (!r && !s->slot) {
		s->slot = object_new_slot(o, e);
		r = s->slot ? 0 : e && e->code ? -e->code : -ENOSPC;
	}
	if (!r) {
		r = add_once(o, s, e);
		if (object_made_room(r, e))
			r = add_once(o, s, e);
	}
	if (r < 0)
		snapshot_free(s);
	else
		object_changed(o, CHANGED_SNAPSHOTS);
	return r;
}

/* ---- removing, renaming, setting ---- */

static int no_snapshot(const char *name, struct err *e)
{
	return err_set(e, ENOENT, "there is no snapshot %.80s", name);
}

/* A driver may have taken the directory away already. */
static int delete_record(struct object *o, const char *name, struct err *e)
{
	_cleanup_close_ int snaps = open_snapshots(o, NULL, false, e), fd = -1;

	if (snaps < 0)
		return snaps == -ENOENT ? 0 : snaps;
	fd = openat(snaps, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "cannot open the directory of snapshot %s", name);
	if (unlinkat(fd, "snapshot.json", 0) < 0 && errno != ENOENT)
		return err_sys(e, errno, "cannot remove snapshot %s", name);
	if (!unlinkat(snaps, name, AT_REMOVEDIR))
		return store_sync(snaps, e);
	return store_sync(fd, e);
}

static int remove_saved(struct object *o, const char *name, struct err *e)
{
	struct snapshot *s;
	int r;

	HOLD_LOCK(&model_of(o)->save);
	if (!object_snapshot(o, name))
		return no_snapshot(name, e);
	r = delete_record(o, name, e);
	if (r < 0)
		return r;
	pthread_mutex_lock(&o->lock);
	s = take_out(o, name);
	pthread_mutex_unlock(&o->lock);
	snapshot_free(s);
	return 0;
}

int object_snapshot_remove(struct object *o, const char *name, struct err *e)
{
	int r = remove_saved(o, name, e);

	if (!r)
		object_changed(o, CHANGED_SNAPSHOTS);
	return r;
}

/* The driver may have renamed it before us, the record going with it. */
static int rename_on_disk(struct object *o, const char *name, const char *new_name, struct err *e)
{
	_cleanup_close_ int snaps = open_snapshots(o, NULL, false, e);
	char path[NAME_LEN_MAX + 32];

	if (snaps < 0)
		return snaps;
	snprintf(path, sizeof(path), "%s/snapshot.json", new_name);
	if (syscall(SYS_renameat2, snaps, name, snaps, new_name, RENAME_NOREPLACE) < 0 &&
	    !(errno == ENOENT && !faccessat(snaps, path, F_OK, 0)))
		return err_sys(e, errno, "cannot rename snapshot %s to %s", name, new_name);
	return store_sync(snaps, e);
}

static int rename_saved(struct object *o, const char *name, const char *new_name, struct err *e)
{
	struct snapshot *s;
	int r;

	HOLD_LOCK(&model_of(o)->save);
	if (!object_snapshot(o, name))
		return no_snapshot(name, e);
	if (object_snapshot(o, new_name))
		return err_set(e, EEXIST, "there is a snapshot %s already", new_name);
	r = rename_on_disk(o, name, new_name, e);
	if (r < 0)
		return r;
	HOLD_LOCK(&o->lock);
	s = take_out(o, name);
	snprintf(s->name, sizeof(s->name), "%s", new_name);
	return insert(o, s) < 0 ? err_set(e, ENOMEM, "out of memory") : 0;
}

int object_snapshot_rename(struct object *o, const char *name, const char *new_name, struct err *e)
{
	int r = name_check("snapshot", new_name, e);

	if (r < 0)
		return r;
	r = rename_saved(o, name, new_name, e);
	if (!r)
		object_changed(o, CHANGED_SNAPSHOTS);
	return r;
}

static int set_once(struct object *o, const char *name, time_t expires, const char *description, struct err *e)
{
	char *old = NULL, *text;
	struct snapshot *s, copy;
	int r;

	HOLD_LOCK(&model_of(o)->save);
	s = object_snapshot(o, name);
	if (!s)
		return no_snapshot(name, e);
	text = strdup(description ? description : s->description);
	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	copy = *s;
	copy.expires = expires;
	copy.description = text;
	copy.meta.mtime = copy.meta.ctime = model_now();
	r = save(o, &copy, e);
	if (!r) {
		HOLD_LOCK(&o->lock);
		old = s->description;
		*s = copy;
		text = old;
	}
	free(text);
	return r;
}

int object_snapshot_set(struct object *o, const char *name, time_t expires, const char *description, struct err *e)
{
	int r = set_once(o, name, expires, description, e);

	if (object_made_room(r, e))
		r = set_once(o, name, expires, description, e);
	if (!r)
		object_changed(o, CHANGED_SNAPSHOTS);
	return r;
}

/* ---- going back ---- */

static bool is_recalled(const struct entry *en)
{
	static const char *const fields[] = { "description", "profiles", "ephemeral" };

	if (en->kind != ENT_FIELD)
		return en->kind == ENT_CONFIG || en->kind == ENT_DEVICE;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!strcmp(en->name, fields[i]))
			return true;
	return false;
}

/* Removals of what the snapshot has not, then everything it has; same values change nothing in object_change_saved(). */
static size_t recall_changes(struct object *o, const struct snapshot *s, struct entry_change *c)
{
	size_t n = 0;
	bool found;

	for (size_t i = 0; i < o->n_entries; i++) {
		const struct entry *en = o->entries[i];

		entry_search(s->entries, s->n_entries, en->kind, en->name, &found);
		if (is_recalled(en) && !found)
			c[n++] = (struct entry_change){ .kind = en->kind, .name = en->name };
	}
	for (size_t i = 0; i < s->n_entries; i++) {
		const struct entry *en = s->entries[i];

		if (is_recalled(en))
			c[n++] = (struct entry_change){ .kind = en->kind, .name = en->name, .value = en->value, .len = en->len };
	}
	return n;
}

static int recall_once(struct object *o, const char *name, struct changed *ret, struct err *e)
{
	struct entry_change *c;
	struct snapshot *s;
	int r;

	HOLD_LOCK(&model_of(o)->save);
	s = object_snapshot(o, name);
	if (!s)
		return no_snapshot(name, e);
	c = calloc(o->n_entries + s->n_entries + 1, sizeof(*c));
	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	r = object_change_saved(o, c, recall_changes(o, s, c), ret, e);
	free(c);
	return r;
}

int object_snapshot_recall(struct object *o, const char *name, struct err *e)
{
	struct changed changed = { 0 };
	int r = recall_once(o, name, &changed, e);

	if (object_made_room(r, e))
		r = recall_once(o, name, &changed, e);
	object_tell(o, CHANGED_ENTRIES, &changed);
	return r;
}
