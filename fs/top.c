// SPDX-License-Identifier: LGPL-2.1-or-later
/* The top level of the tree: its fixed files, the spaces in which objects are made, rootfs/, settings/. */
#include "fs/top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/event.h"
#include "backends/core/exec.h"
#include "backends/core/image.h"
#include "backends/core/instance.h"
#include "backends/core/lifecycle.h"
#include "backends/core/network.h"
#include "backends/core/op.h"
#include "backends/core/upkeep.h"
#include "backends/core/value.h"
#include "fs/asked.h"
#include "fs/change.h"
#include "fs/copier.h"
#include "fs/edit.h"
#include "fs/events.h"
#include "fs/metrics.h"
#include "fs/rootfs.h"
#include "fs/tomb.h"

/* ---- fixed files ---- */

static const char readme[] =
	"instfs: containers and virtual machines as files. Below this directory:\n"
	"\n"
	"  instances/NAME/   state, source, config/KEY, devices/NAME, snapshots/NAME/, exec/NAME/, usage/, error, ...\n"
	"  images/NAME/      image (the original bytes), properties/, used_by/\n"
	"  profiles/NAME/    config/KEY, devices/NAME, used_by/: configuration shared by instances\n"
	"  networks/NAME/    managed bridges: config/KEY, state, leases, used_by/\n"
	"  rootfs/NAME/      root file systems, with the owners that the instance sees\n"
	"  trash/            removed instances, for a while: mv one back and it is as it was\n"
	"  settings/KEY      settings of the daemon;  events.log  what happened lately;  version\n"
	"\n"
	"Ten commands to try, here:\n"
	"\n"
	"  mkdir images/busybox && cp /tmp/busybox.tar.xz images/busybox/image\n"
	"  mkdir instances/c1\n"
	"  echo images/busybox > instances/c1/source\n"
	"  echo 256MiB > instances/c1/config/limits.memory\n"
	"  echo running > instances/c1/state\n"
	"  cat instances/c1/usage/memory.current\n"
	"  mkdir instances/c1/exec/e && echo 'uname -a' > instances/c1/exec/e/command && cat instances/c1/exec/e/wait instances/c1/exec/e/output\n"
	"  mkdir instances/c1/snapshots/before\n"
	"  echo stopped > instances/c1/state\n"
	"  rmdir instances/c1\n"
	"\n"
	"A write that cannot be done fails, and the file `error` beside it says why in a sentence.\n"
	"Files that block or stream are not listed: events, instances/NAME/{wait/STATE,tty,exec/NAME/wait}.\n";

static char version_text[512];

void top_set_version(const char *text)
{
	snprintf(version_text, sizeof(version_text), "%s", text);
}

static int show_readme(struct view *v, struct buf *out, struct err *e)
{
	buf_addstr(out, readme);
	return 0;
}

static int show_version(struct view *v, struct buf *out, struct err *e)
{
	buf_addstr(out, version_text);
	return 0;
}

/* ---- shared by the tables ---- */

int show_field(struct view *v, struct buf *out, struct err *e)
{
	const char *name = v->row->item ? v->row->item : v->row->name;
	struct entry *en;

	HOLD_LOCK(&v->o->lock);
	en = object_entry(v->o, ENT_FIELD, name);
	if (!en || !en->len)
		return -ENODATA;
	buf_add(out, en->value, en->len);
	if (en->value[en->len - 1] != '\n' && !(v->row->flags & ROW_FIELD))
		buf_addch(out, '\n');
	return 0;
}

int show_error(struct view *v, struct buf *out, struct err *e)
{
	struct err last = ERR_INIT;

	object_error_get(v->o, &last);
	if (last.code)
		buf_addf(out, "%s\n", last.text);
	return 0;
}

int show_progress(struct view *v, struct buf *out, struct err *e)
{
	op_print_progress(v->o, out);
	return 0;
}

int show_created(struct view *v, struct buf *out, struct err *e)
{
	value_print_time(out, v->o->created.tv_sec);
	buf_addch(out, '\n');
	return 0;
}

int show_yaml(struct view *v, struct buf *out, struct err *e)
{
	return config_print_yaml(v->o, NULL, false, out, e);
}

/* ---- spaces ---- */

static const struct {
	uint16_t dir, row;
	enum space space;
} spaces[] = {
	{ ROW_INSTANCES, ROW_INSTANCE, SPACE_INSTANCES },
	{ ROW_IMAGES, ROW_IMAGE, SPACE_IMAGES },
	{ ROW_PROFILES, ROW_PROFILE, SPACE_PROFILES },
	{ ROW_TRASH, ROW_TRASHED, SPACE_TRASH },
	{ ROW_NETWORKS, ROW_NETWORK, SPACE_NETWORKS },
};

static size_t space_of(const struct view *dir)
{
	size_t i = 0;

	while (spaces[i].dir != dir->row->id)
		i++;
	return i;
}

static int space_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	size_t i = space_of(dir);
	_cleanup_object_ struct object *o = object_find(spaces[i].space, name);

	/* Instance names are the same in either case; the tree shows only the one that was given. */
	if (!o || strcmp(o->name, name))
		return -ENOENT;
	*ino = view_row_ino(o, 0, spaces[i].row);
	return 0;
}

struct space_list {
	list_fn emit;
	void *arg;
	uint16_t row;
};

static int space_emit(uint32_t id, const char *name, void *arg)
{
	const struct space_list *l = arg;

	return l->emit(l->arg, id, name, node_ino((struct node){ id, 0, l->row }), S_IFDIR);
}

static int space_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	size_t i = space_of(dir);
	struct space_list l = { emit, arg, spaces[i].row };

	return object_each(spaces[i].space, (uint32_t)after, space_emit, &l);
}

/* "image-created" and the like, for those of which nobody else tells. */
static void tell(size_t space, const char *what, struct object *o, const char *old_name)
{
	static const char *const nouns[] = { "instance", "image", "profile", "instance", "network" };
	_cleanup_buf_ struct buf extra = BUF_INIT;
	char type[64];

	snprintf(type, sizeof(type), "%s-%s", nouns[space], what);
	if (old_name)
		event_add_member(&extra, "old_name", old_name);
	event_emit(type, o, old_name ? buf_str(&extra) : NULL);
}

static int instance_make(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e)
{
	_cleanup_object_ struct object *o = NULL;
	int r = instance_create(name, m, dir->who, &o, e);

	if (!r)
		*ino = view_row_ino(o, 0, ROW_INSTANCE);
	return r;
}

static int profile_make(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e)
{
	_cleanup_object_ struct object *o = NULL;
	int r = name_check("profile", name, e);

	if (!r)
		r = object_create(SPACE_PROFILES, name, m, &o, e);
	if (r)
		return r;
	copier_made(o, dir->who);
	*ino = view_row_ino(o, 0, ROW_PROFILE);
	tell(space_of(dir), "created", o, NULL);
	return 0;
}

static int network_make(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e)
{
	_cleanup_object_ struct object *o = NULL;
	int r;

	/* A bridge, its addresses and what it lets through are the host's. */
	if (dir->who && dir->who->uid)
		return err_set(e, EPERM, "only root may make networks");
	r = network_create(name, m, &o, e);
	if (r)
		return r;
	*ino = view_row_ino(o, 0, ROW_NETWORK);
	tell(space_of(dir), "created", o, NULL);
	return 0;
}

static int image_make(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e)
{
	_cleanup_object_ struct object *o = NULL;
	int r = image_create(name, m, dir->who, &o, e);

	if (r)
		return r;
	*ino = view_row_ino(o, 0, ROW_IMAGE);
	tell(space_of(dir), "created", o, NULL);
	return 0;
}

/* What a backend keeps by the name goes before the name does; of one that runs it is needed, and the name stays. */
static void forget_name(struct object *o)
{
	if (o->space == SPACE_INSTANCES && !instance_is_running(o))
		backend_forget(o);
}

static int space_remove(struct view *dir, const char *name, struct err *e)
{
	_cleanup_object_ struct object *o = object_find(spaces[space_of(dir)].space, name);

	if (!o)
		return err_set(e, ENOENT, "%s: no such directory", name);
	if (o->space == SPACE_PROFILES && !strcmp(name, "default"))
		return err_set(e, EPERM, "the profile default stays; empty it instead");
	forget_name(o);
	if (o->space == SPACE_NETWORKS ? network_remove(o, e) : object_remove(o, e))
		return -e->code;
	if (spaces[space_of(dir)].space == SPACE_INSTANCES) {
		exec_instance_gone(o);
		wait_notify(o);
	}
	tell(space_of(dir), "deleted", o, name);
	upkeep_wake();
	return 0;
}

static int trash_remove(struct view *dir, const char *name, struct err *e)
{
	_cleanup_object_ struct object *o = object_find(SPACE_TRASH, name);
	int r;

	if (!o)
		return err_set(e, ENOENT, "%s: no such directory", name);
	r = object_purge_later(o, e);
	upkeep_now();
	return r;
}

/* What more than the name changes. */
static int (*rename_of(enum space s))(struct object *o, const char *new_name, struct err *e)
{
	return s == SPACE_NETWORKS ? network_rename : s == SPACE_INSTANCES || s == SPACE_PROFILES ? config_rename : object_rename;
}

static int space_rename(struct view *from, const char *name, struct view *to, const char *new_name, struct err *e)
{
	enum space s = spaces[space_of(from)].space;
	_cleanup_object_ struct object *o = object_find(s, name);

	if (!o)
		return err_set(e, ENOENT, "%s: no such directory", name);
	if (s == SPACE_TRASH && to->row->id == ROW_INSTANCES) {
		change_returning(o->id);
		return object_restore(o, new_name, e);
	}
	if (from->row != to->row)
		return err_set(e, EOPNOTSUPP, "%s cannot become %s/%s", name, to->row->name ? to->row->name : to->o->name, new_name);
	if (s == SPACE_TRASH)
		return err_set(e, EPERM, "what is in the trash can only be moved back to instances/");
	forget_name(o);
	if (!rename_of(s)(o, new_name, e)) {
		tell(space_of(from), "renamed", o, name);
		return 0;
	}
	object_error_set(o, e);
	return -e->code;
}

/* cp x.tar.xz images/: the image is called as the file without its endings, and the file is its data. */
static int image_accept(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e)
{
	_cleanup_object_ struct object *o = NULL;
	char stem[NAME_LEN_MAX + 1];
	const char *dot = strstr(name, ".tar");
	struct meta dm = *m;
	int r;

	if (!dot)
		dot = strstr(name, ".tgz");
	if (!dot || dot == name || (size_t)(dot - name) >= sizeof(stem))
		return err_set(e, EINVAL, "%s: images are directories; make one, or copy a file named NAME.tar.xz", name);
	snprintf(stem, sizeof(stem), "%.*s", (int)(dot - name), name);
	dm.mode |= 0111;
	r = image_create(stem, &dm, dir->who, &o, e);
	if (!r)
		*ino = view_row_ino(o, 0, ROW_IMG_DATA);
	return r;
}

static int image_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	_cleanup_object_ struct object *o = NULL;
	const char *dot = strstr(name, ".tar");
	char stem[NAME_LEN_MAX + 1];
	int r = space_lookup(dir, name, ino);

	if (!dot)
		dot = strstr(name, ".tgz");
	if (!r || !dot || dot == name || (size_t)(dot - name) >= sizeof(stem))
		return r;
	snprintf(stem, sizeof(stem), "%.*s", (int)(dot - name), name);
	o = object_find(SPACE_IMAGES, stem);
	if (!o || !(image_uploading(o) || edit_has_writers(view_row_ino(o, 0, ROW_IMG_DATA))))
		return -ENOENT;
	*ino = view_row_ino(o, 0, ROW_IMG_DATA);
	return 0;
}

static const struct children instances_children = {
	.lookup = space_lookup, .list = space_list, .make = instance_make, .remove = space_remove, .rename = space_rename,
};
static const struct children profiles_children = {
	.lookup = space_lookup, .list = space_list, .make = profile_make, .remove = space_remove, .rename = space_rename,
};
static const struct children images_children = {
	.lookup = image_lookup, .list = space_list, .make = image_make, .remove = space_remove, .rename = space_rename,
	.accept = image_accept,
};
static const struct children networks_children = {
	.lookup = space_lookup, .list = space_list, .make = network_make, .remove = space_remove, .rename = space_rename,
};
static const struct children trash_children = {
	.lookup = space_lookup, .list = space_list, .remove = trash_remove, .rename = space_rename,
};

/* ---- images/.by-fingerprint ---- */

struct fingerprint_find {
	const char *want;
	list_fn emit;
	void *arg;
	uint32_t found;
};

static int fingerprint_is(uint32_t id, const char *name, void *arg)
{
	struct fingerprint_find *f = arg;
	_cleanup_object_ struct object *o = object_get(id);
	char fp[80];

	if (o && object_value(o, ENT_FIELD, "fingerprint", fp, sizeof(fp)) && !strcmp(f->want, fp))
		f->found = id;
	return f->found != 0;
}

/* Of several images with the same bytes the oldest one has the link. */
static int fingerprint_emit(uint32_t id, const char *name, void *arg)
{
	struct fingerprint_find *f = arg;
	_cleanup_object_ struct object *o = object_get(id);
	char fp[80];
	struct fingerprint_find first = { .want = fp };

	if (!o || !object_value(o, ENT_FIELD, "fingerprint", fp, sizeof(fp)))
		return 0;
	object_each(SPACE_IMAGES, 0, fingerprint_is, &first);
	if (first.found != id)
		return 0;
	return f->emit(f->arg, id, fp, node_ino((struct node){ id, 0, ROW_BY_FINGERPRINT_LINK }), S_IFLNK);
}

static int fingerprint_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	struct fingerprint_find f = { .want = name };

	object_each(SPACE_IMAGES, 0, fingerprint_is, &f);
	*ino = node_ino((struct node){ f.found, 0, ROW_BY_FINGERPRINT_LINK });
	return f.found ? 0 : -ENOENT;
}

static int fingerprint_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	struct fingerprint_find f = { .emit = emit, .arg = arg };

	return object_each(SPACE_IMAGES, (uint32_t)after, fingerprint_emit, &f);
}

static int show_fingerprint_link(struct view *v, struct buf *out, struct err *e)
{
	buf_addf(out, "../%s", v->o->name);
	return 0;
}

static const struct children fingerprint_children = { .dynamic = true, .lookup = fingerprint_lookup, .list = fingerprint_list };
static const struct row fingerprint_rows[] = {
	{ .id = ROW_BY_FINGERPRINT_LINK, .mode = S_IFLNK | 0777, .show = show_fingerprint_link,
	  .doc = "link to the image whose sha256 is the name" },
	{ 0 },
};
static const struct dir fingerprint_dir = { fingerprint_rows, &fingerprint_children };
static const struct row images_rows[] = {
	{ .id = ROW_BY_FINGERPRINT, .name = ".by-fingerprint", .mode = S_IFDIR | 0555, .dir = &fingerprint_dir,
	  .doc = "images by sha256" },
	{ 0 },
};

/* ---- rootfs/ ---- */

/* Those of a virtual machine are on a disk of its own. */
static bool has_files(struct object *o)
{
	char driver[32];

	return object_value(o, ENT_FIELD, "driver", driver, sizeof(driver)) && !(backend_caps(o) & BACKEND_DISK);
}

static int rootfs_find(const char *name, struct object **o, char *snap, size_t size)
{
	const char *at = strchr(name, '@');
	char inst[NAME_LEN_MAX + 1];
	int r = -ENOENT;

	if ((at ? (size_t)(at - name) : strlen(name)) >= sizeof(inst))
		return -ENOENT;
	snprintf(inst, sizeof(inst), "%.*s", at ? (int)(at - name) : (int)strlen(name), name);
	snprintf(snap, size, "%s", at ? at + 1 : "");
	*o = object_find(SPACE_INSTANCES, inst);
	if (*o && !strcmp((*o)->name, inst) && has_files(*o))
		r = 0;
	if (r)
		*o = object_put(*o);
	return r;
}

int top_rootfs_lookup(const char *name, struct fuse_entry_param *ret)
{
	_cleanup_object_ struct object *o = NULL;
	char snap[NAME_LEN_MAX + 1];
	struct err e = ERR_INIT;
	int r = rootfs_find(name, &o, snap, sizeof(snap));

	if (r)
		return r;
	r = rootfs_lookup_root(o, snap, ret, &e);
	if (r && r != -ENOENT)
		object_error_set(o, &e);
	return r;
}

static int rootfs_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	_cleanup_object_ struct object *o = NULL;
	char snap[NAME_LEN_MAX + 1];
	int r = rootfs_find(name, &o, snap, sizeof(snap));
	uint32_t slot = 0;

	if (!r && snap[0]) {
		HOLD_LOCK(&o->lock);
		const struct snapshot *s = object_snapshot(o, snap);

		slot = s ? s->slot : 0;
		r = s ? 0 : -ENOENT;
	}
	if (!r)
		*ino = rootfs_root_ino(o->id, slot);
	return r;
}

struct rootfs_list {
	list_fn emit;
	void *arg;
	uint64_t after;
};

static int rootfs_emit(uint32_t id, const char *name, void *arg)
{
	const struct rootfs_list *l = arg;
	_cleanup_object_ struct object *o = object_get(id);
	char text[2 * NAME_LEN_MAX + 2];
	int r = 0;

	if (!o || !has_files(o))
		return 0;
	if ((uint64_t)id << NODE_SLOT_BITS > l->after)
		r = l->emit(l->arg, (uint64_t)id << NODE_SLOT_BITS, name, rootfs_root_ino(id, 0), S_IFDIR);
	for (uint32_t last = 0; !r;) {
		uint32_t slot = 0;

		pthread_mutex_lock(&o->lock);
		for (size_t i = 0; i < o->n_snaps; i++)
			if (o->snaps[i]->slot > last && (!slot || o->snaps[i]->slot < slot)) {
				slot = o->snaps[i]->slot;
				snprintf(text, sizeof(text), "%s@%s", name, o->snaps[i]->name);
			}
		pthread_mutex_unlock(&o->lock);
		if (!slot)
			break;
		last = slot;
		if (((uint64_t)id << NODE_SLOT_BITS | slot) > l->after)
			r = l->emit(l->arg, (uint64_t)id << NODE_SLOT_BITS | slot, text, rootfs_root_ino(id, slot), S_IFDIR);
	}
	return r;
}

static int rootfs_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	struct rootfs_list l = { emit, arg, after };
	uint64_t id = after >> NODE_SLOT_BITS;

	return object_each(SPACE_INSTANCES, id ? (uint32_t)id - 1 : 0, rootfs_emit, &l);
}

fuse_ino_t rootfs_dir_ino(void)
{
	return ROW_ROOTFS_DIR;
}

/* The names are told to be believed for no time at all by rootfs_lookup_root(). */
static const struct children rootfs_children = { .lookup = rootfs_lookup, .list = rootfs_list };
static const struct children settings_children = { .kind = ENT_CONFIG, .editable = true };

static const struct dir instances_dir = { NULL, &instances_children };
static const struct dir images_dir = { images_rows, &images_children };
static const struct dir profiles_dir = { NULL, &profiles_children };
static const struct dir rootfs_dir = { NULL, &rootfs_children };
static const struct dir networks_dir = { NULL, &networks_children };
static const struct dir trash_dir = { NULL, &trash_children };
static const struct dir settings_dir = { NULL, &settings_children };

static const struct row top_rows[] = {
	{ .id = ROW_README, .name = "README", .mode = S_IFREG | 0444, .show = show_readme, .doc = "what this is, and ten commands to try" },
	{ .id = ROW_VERSION, .name = "version", .mode = S_IFREG | 0444, .show = show_version,
	  .doc = "versions of the daemon and of the libraries and backends that it found" },
	{ .id = ROW_TOP_ERROR, .name = "error", .mode = S_IFREG | 0444, .deps = CHANGED_ERROR, .flags = ROW_VOLATILE_ALWAYS,
	  .show = show_error, .doc = "the last failure that belongs to no object" },
	{ .id = ROW_EVENTS, .name = "events", .mode = S_IFREG | 0444, .flags = ROW_UNLISTED | ROW_VOLATILE_ALWAYS, .stream = &events_stream,
	  .doc = "a stream of JSON lines, one per change; reading blocks until the next one" },
	{ .id = ROW_EVENTS_LOG, .name = "events.log", .mode = S_IFREG | 0444, .flags = ROW_VOLATILE_ALWAYS, .stream = &events_log_stream,
	  .doc = "the recent events, at most 1 MiB" },
	{ .id = ROW_METRICS, .name = "metrics", .mode = S_IFREG | 0444, .flags = ROW_VOLATILE_ALWAYS, .show = metrics_show,
	  .doc = "OpenMetrics text over all instances" },
	{ .id = ROW_INSTANCES, .name = "instances", .mode = S_IFDIR | 0755, .dir = &instances_dir,
	  .doc = "one directory per instance; mkdir defines one, rmdir moves it to the trash, mv renames it" },
	{ .id = ROW_IMAGES, .name = "images", .mode = S_IFDIR | 0755, .dir = &images_dir, .doc = "one directory per image" },
	{ .id = ROW_PROFILES, .name = "profiles", .mode = S_IFDIR | 0755, .dir = &profiles_dir, .doc = "one directory per profile" },
	{ .id = ROW_ROOTFS_DIR, .name = "rootfs", .mode = S_IFDIR | 0700, .dir = &rootfs_dir,
	  .doc = "root file systems: NAME of an instance, NAME@SNAPSHOT read-only; owners are those inside" },
	{ .id = ROW_TRASH, .name = "trash", .mode = S_IFDIR | 0755, .dir = &trash_dir,
	  .doc = "removed instances as NAME@TIME until settings/trash.expiry; mv one to instances/ brings it back, rmdir purges it" },
	{ .id = ROW_SETTINGS, .name = "settings", .mode = S_IFDIR | 0755, .dir = &settings_dir,
	  .doc = "settings of the daemon, one key per file; absent means the default" },
	{ .id = ROW_NETWORKS, .name = "networks", .mode = S_IFDIR | 0755, .dir = &networks_dir,
	  .doc = "managed bridges; mkdir makes one, rmdir takes it down when nobody uses it" },
	{ .id = ROW_ASKED_PROC, .name = "proc", .mode = S_IFDIR | 0555, .dir = &asked_proc_dir,
	  .doc = "files of /proc, to each reader those of his container; with sys/ in place of /var/lib/lxcfs" },
	{ .id = ROW_ASKED_SYS, .name = "sys", .mode = S_IFDIR | 0555, .dir = &asked_sys_dir,
	  .doc = "files of /sys, to each reader those of his container" },
	{ 0 },
};
static const struct dir top_dir = { top_rows, NULL };

const struct row root_row = { .id = ROW_ROOT, .mode = S_IFDIR | 0755, .dir = &top_dir, .doc = "the tree" };
