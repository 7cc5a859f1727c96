// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * expanded/: what is in force after profiles. Its names follow from the entries of several objects, so a change of one entry can change,
 * bring or take any of them. Most are never looked at: those that the kernel was told of stand in a record of the keep (KEEP_SEEN),
 * object -> inode numbers, and only these are invalidated by a change, which costs nothing where nobody reads. `seen` guards the record.
 */
#include "fs/expanded.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/keep.h"
#include "fs/change.h"
#include "fs/dirs.h"
#include "fs/session.h"
#include "fs/view.h"

static pthread_mutex_t seen = PTHREAD_MUTEX_INITIALIZER;

/* ---- what the kernel was told ---- */

static bool has(const struct buf *b, uint64_t ino)
{
	uint64_t one;

	for (size_t at = 0; at < b->len; at += sizeof(one)) {
		memcpy(&one, b->data + at, sizeof(one));
		if (one == ino)
			return true;
	}
	return false;
}

/* Before the names are told: a change that comes behind the telling finds them. */
static int see(struct object *o, const uint64_t *inos, size_t n)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	size_t before;

	HOLD_LOCK(&seen);
	keep_get(KEEP_SEEN, o->id, &b);
	before = b.len;
	for (size_t i = 0; i < n; i++)
		if (!has(&b, inos[i]))
			buf_add(&b, &inos[i], sizeof(inos[i]));
	if (b.len == before)
		return buf_error(&b);
	return buf_error(&b) ? buf_error(&b) : keep_put(KEEP_SEEN, o->id, b.data, b.len);
}

size_t expanded_changed(struct object *o)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t ino;

	change_child(view_row_ino(o, 0, ROW_EXPANDED_CONFIG), NULL);
	change_child(view_row_ino(o, 0, ROW_EXPANDED_DEVICES), NULL);
	pthread_mutex_lock(&seen);
	if (keep_get(KEEP_SEEN, o->id, &b))
		keep_del(KEEP_SEEN, o->id);
	pthread_mutex_unlock(&seen);
	for (size_t at = 0; at < b.len; at += sizeof(ino)) {
		memcpy(&ino, b.data + at, sizeof(ino));
		change_inode(ino);
	}
	return b.len / sizeof(ino);
}

/* ---- the tables ---- */

static enum entry_kind expanded_kind(const struct view *v)
{
	return v->row->id == ROW_EXPANDED_CONFIG || v->row->id == ROW_EXPANDED_KEY ? ENT_CONFIG : ENT_DEVICE;
}

static uint64_t expanded_ino(const struct view *dir, const char *name)
{
	return view_row_ino(dir->o, node_name_slot(name),
			    dir->row->id == ROW_EXPANDED_CONFIG ? ROW_EXPANDED_KEY : ROW_EXPANDED_DEVICE);
}

static int expanded_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	int r = config_expand(dir->o, &x, NULL);

	if (r)
		return r;
	if (!expanded_find(&x, expanded_kind(dir), name))
		return -ENOENT;
	*ino = expanded_ino(dir, name);
	return see(dir->o, ino, 1);
}

static int see_all(struct view *dir, const struct expanded *x)
{
	_cleanup_free_ uint64_t *inos = calloc(x->n + 1, sizeof(*inos));
	size_t n = 0;

	for (size_t i = 0; inos && i < x->n; i++)
		if (x->items[i].kind == expanded_kind(dir))
			inos[n++] = expanded_ino(dir, x->items[i].name);
	return inos ? see(dir->o, inos, n) : -ENOMEM;
}

/* In the order of their numbers, which are few: each step looks for the next one. */
static int expanded_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	int r = config_expand(dir->o, &x, NULL);

	if (!r)
		r = see_all(dir, &x);
	while (!r) {
		const struct expanded_item *next = NULL;
		uint64_t best = UINT64_MAX;

		for (size_t i = 0; i < x.n; i++) {
			uint64_t n = node_name_slot(x.items[i].name);

			if (x.items[i].kind == expanded_kind(dir) && n > after && n < best) {
				best = n;
				next = &x.items[i];
			}
		}
		if (!next)
			break;
		after = best;
		r = emit(arg, best, next->name, expanded_ino(dir, next->name), S_IFREG);
	}
	return r;
}

static int show_expanded(struct view *v, struct buf *out, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	int r = config_expand(v->o, &x, e);

	if (r)
		return r;
	for (size_t i = 0; i < x.n; i++)
		if (x.items[i].kind == expanded_kind(v) && node_name_slot(x.items[i].name) == v->node.slot) {
			buf_add(out, x.items[i].value, x.items[i].len);
			return 0;
		}
	return -ESTALE;
}

static int show_expanded_yaml(struct view *v, struct buf *out, struct err *e)
{
	return config_print_yaml(v->o, NULL, true, out, e);
}

static const struct children expanded_children = { .lookup = expanded_lookup, .list = expanded_list };
static const struct row expanded_key_rows[] = {
	{ .id = ROW_EXPANDED_KEY, .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES, .show = show_expanded,
	  .doc = "the value that is in force; the xattr user.instfs.source names where it comes from" },
	{ 0 },
};
static const struct row expanded_device_rows[] = {
	{ .id = ROW_EXPANDED_DEVICE, .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES, .show = show_expanded,
	  .doc = "the device that is in force; the xattr user.instfs.source names where it comes from" },
	{ 0 },
};
static const struct dir expanded_config_dir = { expanded_key_rows, &expanded_children };
static const struct dir expanded_devices_dir = { expanded_device_rows, &expanded_children };
static const struct row expanded_rows[] = {
	{ .id = ROW_EXPANDED_YAML, .name = "config.yaml", .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES | CHANGED_NAME | CHANGED_STATE,
	  .show = show_expanded_yaml, .doc = "the whole configuration, as lxc config show --expanded prints it" },
	{ .id = ROW_EXPANDED_CONFIG, .name = "config", .mode = S_IFDIR | 0555, .dir = &expanded_config_dir,
	  .doc = "keys in force" },
	{ .id = ROW_EXPANDED_DEVICES, .name = "devices", .mode = S_IFDIR | 0555, .dir = &expanded_devices_dir,
	  .doc = "devices in force" },
	{ 0 },
};
const struct dir expanded_dir = { expanded_rows, NULL };
