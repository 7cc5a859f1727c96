// SPDX-License-Identifier: LGPL-2.1-or-later
/* snapshots/ of an instance, and the files of a snapshot. */
#include <errno.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/instance.h"
#include "backends/core/storage.h"
#include "backends/core/value.h"
#include "fs/dirs.h"
#include "fs/view.h"

static int snap_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	HOLD_LOCK(&dir->o->lock);
	const struct snapshot *s = object_snapshot(dir->o, name);

	if (!s)
		return -ENOENT;
	*ino = view_row_ino(dir->o, s->slot, ROW_SNAPSHOT);
	return 0;
}

static int snap_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	char name[NAME_LEN_MAX + 1];

	for (;;) {
		uint32_t slot = 0;
		int r;

		pthread_mutex_lock(&dir->o->lock);
		for (size_t i = 0; i < dir->o->n_snaps; i++)
			if (dir->o->snaps[i]->slot > after && (!slot || dir->o->snaps[i]->slot < slot)) {
				slot = dir->o->snaps[i]->slot;
				snprintf(name, sizeof(name), "%s", dir->o->snaps[i]->name);
			}
		pthread_mutex_unlock(&dir->o->lock);
		if (!slot)
			return 0;
		r = emit(arg, slot, name, view_row_ino(dir->o, slot, ROW_SNAPSHOT), S_IFDIR);
		if (r)
			return r;
		after = slot;
	}
}

static int snap_make(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e)
{
	int r = instance_snapshot(dir->o, name, m, dir->who, dir->done_arg ? dir->done : NULL, dir->done_arg, e);

	return r ? r : snap_lookup(dir, name, ino);
}

static int snap_remove(struct view *dir, const char *name, struct err *e)
{
	return instance_snapshot_delete(dir->o, name, dir->who, dir->done_arg ? dir->done : NULL, dir->done_arg, e);
}

static int snap_rename(struct view *from, const char *name, struct view *to, const char *new_name, struct err *e)
{
	if (from->o != to->o || from->row != to->row)
		return err_set(e, EOPNOTSUPP, "a snapshot stays with its instance; write its name to another one's source to copy it");
	return instance_snapshot_rename(from->o, name, new_name, e);
}

static const struct children snap_children = {
	.lookup = snap_lookup, .list = snap_list, .make = snap_make, .remove = snap_remove, .rename = snap_rename,
};
const struct dir snapshots_dir = { NULL, &snap_children };

/* ---- a snapshot ---- */

/* A copy of what the files show. False: it is gone. */
struct snap_facts {
	char name[NAME_LEN_MAX + 1];
	char description[4096];
	time_t created, expires;
};

static bool facts_of(struct view *v, struct snap_facts *f)
{
	HOLD_LOCK(&v->o->lock);
	const struct snapshot *s = object_snapshot_by_slot(v->o, v->node.slot);

	if (!s)
		return false;
	snprintf(f->name, sizeof(f->name), "%s", s->name);
	snprintf(f->description, sizeof(f->description), "%s", s->description);
	f->created = s->created.tv_sec;
	f->expires = s->expires;
	return true;
}

static int show_snap_created(struct view *v, struct buf *out, struct err *e)
{
	struct snap_facts f;

	if (!facts_of(v, &f))
		return -ESTALE;
	value_print_time(out, f.created);
	buf_addch(out, '\n');
	return 0;
}

static int show_expires(struct view *v, struct buf *out, struct err *e)
{
	struct snap_facts f;

	if (!facts_of(v, &f))
		return -ESTALE;
	if (!f.expires)
		buf_addstr(out, "never\n");
	else
		value_print_time(out, f.expires), buf_addch(out, '\n');
	return 0;
}

static int parse_expires(const char *value, size_t len, time_t *ret, struct err *e)
{
	char text[64];

	while (len && value[len - 1] == '\n')
		len--;
	if (len >= sizeof(text))
		return err_set(e, EINVAL, "too long for a time");
	memcpy(text, value, len);
	text[len] = '\0';
	return value_time(text, ret, e);
}

static int store_expires(struct view *v, const char *value, size_t len, struct err *e)
{
	struct snap_facts f;
	time_t t;
	int r = parse_expires(value, len, &t, e);

	if (r)
		return r;
	return facts_of(v, &f) ? object_snapshot_set(v->o, f.name, t, f.description, e) : -ESTALE;
}

static int show_snap_size(struct view *v, struct buf *out, struct err *e)
{
	const struct storage_ops *ops;
	struct volume vol;
	struct snap_facts f;
	uint64_t bytes = 0, limit;
	int r;

	if (!facts_of(v, &f))
		return -ESTALE;
	r = storage_volume(v->o, f.name, &ops, &vol, e);
	if (!r)
		r = ops->usage(&vol, &bytes, &limit, e);
	if (!r)
		buf_addf(out, "%llu\n", (unsigned long long)bytes);
	return r;
}

static int show_snap_description(struct view *v, struct buf *out, struct err *e)
{
	struct snap_facts f;

	if (!facts_of(v, &f))
		return -ESTALE;
	buf_addstr(out, f.description);
	return 0;
}

static int store_snap_description(struct view *v, const char *value, size_t len, struct err *e)
{
	struct snap_facts f;

	if (len >= sizeof(f.description))
		return err_set(e, EFBIG, "a snapshot's description has at most %zu bytes", sizeof(f.description) - 1);
	if (value_text(value, len, e))
		return -EINVAL;
	if (!facts_of(v, &f))
		return -ESTALE;
	memcpy(f.description, value, len);
	f.description[len] = '\0';
	return object_snapshot_set(v->o, f.name, f.expires, f.description, e);
}

static int show_snap_yaml(struct view *v, struct buf *out, struct err *e)
{
	int r = -ESTALE;

	/* Snapshots are immutable but for two values, and this one's record cannot go while the object's lock is held. */
	HOLD_LOCK(&v->o->change);
	const struct snapshot *s;

	pthread_mutex_lock(&v->o->lock);
	s = object_snapshot_by_slot(v->o, v->node.slot);
	pthread_mutex_unlock(&v->o->lock);
	if (s)
		r = config_print_yaml(v->o, s, false, out, e);
	return r;
}

static int show_snap_rootfs(struct view *v, struct buf *out, struct err *e)
{
	struct snap_facts f;

	if (!facts_of(v, &f))
		return -ESTALE;
	buf_addf(out, "../../../../rootfs/%s@%s", v->o->name, f.name);
	return 0;
}

static const struct row rows[] = {
	{ .id = ROW_SNAP_CREATED, .name = "created", .mode = S_IFREG | 0444, .show = show_snap_created, .doc = "RFC 3339, UTC" },
	{ .id = ROW_SNAP_EXPIRES, .name = "expires", .mode = S_IFREG | 0644, .deps = CHANGED_SNAPSHOTS, .show = show_expires,
	  .store = store_expires, .doc = "RFC 3339, UTC, or never; +DURATION counts from now" },
	{ .id = ROW_SNAP_SIZE, .name = "size", .mode = S_IFREG | 0444, .deps = CHANGED_SNAPSHOTS, .show = show_snap_size,
	  .doc = "bytes on disk that are its own" },
	{ .id = ROW_SNAP_DESCRIPTION, .name = "description", .mode = S_IFREG | 0644, .deps = CHANGED_SNAPSHOTS,
	  .show = show_snap_description, .store = store_snap_description, .doc = "free text" },
	{ .id = ROW_SNAP_CONFIG_YAML, .name = "config.yaml", .mode = S_IFREG | 0444, .deps = CHANGED_SNAPSHOTS, .show = show_snap_yaml,
	  .doc = "the configuration at that moment" },
	{ .id = ROW_SNAP_ROOTFS, .name = "rootfs", .mode = S_IFLNK | 0777, .deps = CHANGED_NAME | CHANGED_SNAPSHOTS, .show = show_snap_rootfs,
	  .doc = "link to the frozen root file system, read-only" },
	{ 0 },
};
const struct dir snapshot_dir = { rows, NULL };
const struct row snapshot_row = { .id = ROW_SNAPSHOT, .mode = S_IFDIR | 0755, .dir = &snapshot_dir, .doc = "a snapshot" };
