// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/change.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/instance.h"
#include "backends/core/keep.h"
#include "backends/core/network.h"
#include "backends/core/upkeep.h"
#include "fs/expanded.h"
#include "fs/rootfs.h"
#include "fs/row.h"
#include "fs/session.h"
#include "fs/view.h"
#include "fs/views_daemon.h"

/* Stamps in the keep. Objects: one time per CHANGED_* bit; directories: by inode number, with a bit that objects never have. */
#define STAMP_BITS 8
#define STAMP_DIR (1ULL << 62)
/* What a list of touched entries is about. */
#define BY_ENTRIES (CHANGED_ENTRIES | CHANGED_META)
#define RETURNS (1ULL << 61)	/* of an object, how often it came back from the trash: a number, not a time */

static struct timespec now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t;
}

static uint64_t stamp_key(uint32_t object, unsigned bit)
{
	return (uint64_t)object * STAMP_BITS + bit;
}

struct timespec change_stamp(struct object *o, unsigned what)
{
	struct timespec best = { 0 }, t;

	for (unsigned bit = 0; bit < STAMP_BITS; bit++)
		if (what & 1u << bit && keep_get_struct(KEEP_COUNTER, stamp_key(o->id, bit), &t, sizeof(t)) &&
		    (t.tv_sec > best.tv_sec || (t.tv_sec == best.tv_sec && t.tv_nsec > best.tv_nsec)))
			best = t;
	return best;
}

bool change_dir_stamp(uint64_t ino, struct timespec *ret)
{
	return keep_get_struct(KEEP_COUNTER, ino | STAMP_DIR, ret, sizeof(*ret));
}

void change_set_dir_stamp(uint64_t ino, struct timespec t)
{
	keep_put(KEEP_COUNTER, ino | STAMP_DIR, &t, sizeof(t));
}

uint64_t change_returns(uint32_t object)
{
	uint64_t n = 0;

	(void)keep_get_struct(KEEP_COUNTER, RETURNS | object, &n, sizeof(n));
	return n;
}

void change_returning(uint32_t object)
{
	uint64_t n = change_returns(object) + 1;

	keep_put(KEEP_COUNTER, RETURNS | object, &n, sizeof(n));
}

void change_inode(uint64_t ino)
{
	notify_inode(ino, false);
}

void change_child(uint64_t parent, const char *name)
{
	change_set_dir_stamp(parent, now());
	notify_inode(parent, false);
	if (name)
		notify_entry(parent, name);
}

void change_name(uint64_t parent, const char *name)
{
	notify_inode(parent, false);
	notify_entry(parent, name);
}

static bool touches(const struct changed *c, enum entry_kind kind, const char *name)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->touched[i].kind == kind && !strcmp(c->touched[i].name, name))
			return true;
	return false;
}

/* Whether it shows another thing because of the entries that were touched. What changes by itself the kernel does not keep. */
static bool shows_touched(const struct changed *c, const struct row *r, bool running)
{
	const char *field = view_field(r);

	if (r->dir && r->dir->children && r->dir->children->kind)
		return touches(c, ENT_META, view_meta_name(r));
	if (!(r->deps & CHANGED_ENTRIES) || (running && r->flags & ROW_VOLATILE_RUN))
		return false;
	return !field || touches(c, ENT_FIELD, field);
}

static bool concerns(const struct changed *c, const struct row *r, bool running)
{
	const unsigned what = c->touched ? c->what & ~BY_ENTRIES : c->what;

	if (r->deps & what || what & CHANGED_META || (what & CHANGED_STATE && r->flags & ROW_VOLATILE_RUN))
		return true;
	return c->touched && c->what & BY_ENTRIES && shows_touched(c, r, running);
}

/* Rows without a name stand for many files, each with a slot of its own: their directory tells of them. */
static void change_rows(struct object *o, const struct dir *d, uint32_t slot, const struct changed *c, bool running)
{
	for (const struct row *r = d->rows; r && r->id; r++) {
		if (!r->name)
			continue;
		if (concerns(c, r, running))
			notify_inode(view_row_ino(o, slot, r->id), false);
		if (c->what & (CHANGED_ENTRIES | CHANGED_STATE) && r->dir && r->dir->children && r->dir->children->changed)
			r->dir->children->changed(o, r);
		if (r->dir && o->space != SPACE_DAEMON)
			change_rows(o, r->dir, slot, c, running);
	}
}

static const struct changed everything = { .what = ~0u };

/* Values and snapshots of the object itself. */
static void change_entries(struct object *o, const struct changed *c)
{
	const unsigned what = c->touched ? c->what & ~BY_ENTRIES : c->what;

	/* The number that a name had before means nothing any more: who looks at it is told so, and looks the name up again. */
	for (size_t i = 0; i < c->n; i++) {
		if (c->touched[i].slot)
			notify_inode(view_row_ino(o, c->touched[i].slot, ROW_ENTRY), false);
		if (c->touched[i].was && c->touched[i].was != c->touched[i].slot)
			notify_inode(view_row_ino(o, c->touched[i].was, ROW_ENTRY), false);
	}
	HOLD_LOCK(&o->lock);
	for (size_t i = 0; what & (CHANGED_ENTRIES | CHANGED_META | CHANGED_NAME) && i < o->n_entries; i++)
		if (o->entries[i]->slot)
			notify_inode(view_row_ino(o, o->entries[i]->slot, ROW_ENTRY), false);
	for (size_t i = 0; what & (CHANGED_SNAPSHOTS | CHANGED_META) && i < o->n_snaps; i++) {
		notify_inode(view_row_ino(o, o->snaps[i]->slot, ROW_SNAPSHOT), false);
		change_rows(o, &snapshot_dir, o->snaps[i]->slot, &everything, false);
	}
}

static int change_user(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = object_get(id);
	const struct changed *c = arg;
	struct timespec t = now();

	if (!o)
		return 0;
	keep_put(KEEP_COUNTER, stamp_key(id, 0), &t, sizeof(t));
	change_rows(o, view_class(o), 0, &(struct changed){ .what = CHANGED_ENTRIES, .touched = c->touched, .n = c->n },
		    instance_is_running(o));
	expanded_changed(o);
	network_note_instance(o);
	views_daemon_changed(o, CHANGED_ENTRIES);
	return 0;
}

void change_listener(struct object *o, const struct changed *c)
{
	static const uint16_t homes[SPACE_MAX] = {
		[SPACE_INSTANCES] = ROW_INSTANCES, [SPACE_PROFILES] = ROW_PROFILES,
		[SPACE_IMAGES] = ROW_IMAGES, [SPACE_TRASH] = ROW_TRASH, [SPACE_NETWORKS] = ROW_NETWORKS,
	};
	static const uint16_t tops[SPACE_MAX] = {
		[SPACE_INSTANCES] = ROW_INSTANCE, [SPACE_PROFILES] = ROW_PROFILE,
		[SPACE_IMAGES] = ROW_IMAGE, [SPACE_TRASH] = ROW_TRASHED, [SPACE_NETWORKS] = ROW_NETWORK,
	};
	const unsigned what = c->what;
	struct timespec t = now();

	views_daemon_changed(o, what);
	for (unsigned bit = 0; bit < STAMP_BITS; bit++)
		if (what & 1u << bit)
			keep_put(KEEP_COUNTER, stamp_key(o->id, bit), &t, sizeof(t));
	if (what & CHANGED_NAME) {
		for (int s = SPACE_INSTANCES; s < SPACE_MAX; s++)
			notify_inode(node_ino((struct node){ 0, 0, homes[s] }), false);
		/* Whoever walks over the old name meets inodes that are stale, and looks the name up again. */
		if (o->space == SPACE_INSTANCES || o->space == SPACE_TRASH) {
			notify_inode(view_row_ino(o, 0, ROW_INSTANCE), false);
			notify_inode(view_row_ino(o, 0, ROW_TRASHED), false);
			change_rows(o, &instance_dir, 0, &everything, false);
		}
		if (homes[o->space])
			notify_entry(node_ino((struct node){ 0, 0, homes[o->space] }), o->name);
	}
	if (what & (CHANGED_NAME | CHANGED_SNAPSHOTS) && (o->space == SPACE_INSTANCES || o->space == SPACE_TRASH))
		change_child(rootfs_dir_ino(), NULL);
	if (what & CHANGED_SNAPSHOTS && o->space == SPACE_INSTANCES)
		change_child(view_row_ino(o, 0, ROW_SNAPSHOTS), NULL);
	if (tops[o->space] && (!c->touched || what & ~BY_ENTRIES))
		notify_inode(view_row_ino(o, 0, tops[o->space]), false);
	change_rows(o, view_class(o), 0, c, o->space == SPACE_INSTANCES && instance_is_running(o));
	change_entries(o, c);
	if (what & (CHANGED_ENTRIES | CHANGED_NAME) && (o->space == SPACE_INSTANCES || o->space == SPACE_TRASH)) {
		expanded_changed(o);
		network_note_instance(o);
	}
	if (what & CHANGED_ENTRIES && o->space == SPACE_DAEMON)
		upkeep_wake();
	if (what & CHANGED_ENTRIES && o->space == SPACE_PROFILES)
		profile_each_user(o, change_user, (void *)(uintptr_t)c);
	if (what & CHANGED_STATE && o->space == SPACE_INSTANCES) {
		char path[NAME_LEN_MAX + 64];

		notify_poll(view_row_ino(o, 0, ROW_STATE));
		snprintf(path, sizeof(path), "%s/%s/%s", space_name(o->space), o->name, row_by_id(ROW_STATE)->name);
		notify_touch(path);
	}
}

void change_begin(uint32_t object)
{
	const uint8_t yes = 1;

	keep_put(KEEP_DIRTY, object, &yes, sizeof(yes));
}

void change_end(uint32_t object)
{
	keep_del(KEEP_DIRTY, object);
}

static int refresh(uint64_t key, const void *data, size_t len, void *arg)
{
	_cleanup_object_ struct object *o = object_get((uint32_t)key);

	if (o)
		change_listener(o, &everything);
	keep_del(KEEP_DIRTY, key);
	return 0;
}

void change_takeover(void)
{
	keep_each(KEEP_DIRTY, refresh, NULL);
}

/* ---- over unmount and mount ---- */

static int print_stamp(uint64_t key, const void *data, size_t len, void *arg)
{
	struct timespec t;

	if (len == sizeof(t)) {
		memcpy(&t, data, len);
		fprintf(arg, "%llx %lld.%09ld\n", (unsigned long long)key, (long long)t.tv_sec, t.tv_nsec);
	}
	return 0;
}

void change_save(void)
{
	int fd = openat(model_dirfd(), "stamps.tmp", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	_cleanup_file_ FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	if (!f)
		return;
	keep_each(KEEP_COUNTER, print_stamp, f);
	if (!fflush(f))
		renameat(model_dirfd(), "stamps.tmp", model_dirfd(), "stamps");
}

void change_load(void)
{
	int fd = openat(model_dirfd(), "stamps", O_RDONLY | O_CLOEXEC);
	_cleanup_file_ FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
	unsigned long long key;
	long long sec;
	long nsec;

	while (f && fscanf(f, "%llx %lld.%ld", &key, &sec, &nsec) == 3) {
		const struct timespec t = { sec, nsec };

		keep_put(KEEP_COUNTER, key, &t, sizeof(t));
	}
	/* Believed once: after a crash of the host it would be older than what it tells of. */
	unlinkat(model_dirfd(), "stamps", 0);
}
