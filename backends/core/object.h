/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Objects: instances, profiles, images and the daemon itself, with what an administrator configured about them.
 *
 * An object has an id that is never reused (32 bits; the inode numbers of its files are computed from it), a name that can
 * change, owner and mode, and a list of entries: (kind, name) -> the very bytes that were written, with mode and times. The
 * truth is one directory per object below the state directory, with everything in `object.json`; memory is a cache of it.
 * Objects are loaded when they are first looked at: 10,000 of them cost nothing at start.
 *
 * Locks, in this order: model (inside object.c) -> object.change -> object.lock -> leaf locks (keep, event, op). None is held
 * across a backend call that can take long, a fuse_reply_*() or a notification; object.change may be held across
 * backend_apply() because that is short and bounded.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "backends/core/err.h"
#include "backends/core/name.h"

/* A directory of the tree in which objects stand; also the name of the directory in the store. */
enum space {
	SPACE_DAEMON,		/* the one object with id 0 and no name: settings */
	SPACE_INSTANCES,
	SPACE_PROFILES,
	SPACE_IMAGES,
	SPACE_TRASH,		/* removed instances, named NAME@YYYYMMDDTHHMMSS */
	SPACE_NETWORKS,
	SPACE_MAX,
};

const char *space_name(enum space s);	/* "instances", ...; "daemon" for SPACE_DAEMON */

#define META_INHERIT UINT32_MAX

struct meta {
	uint32_t mode;		/* permission bits only */
	uint32_t uid, gid;	/* META_INHERIT in an entry: the object's */
	struct timespec mtime, ctime;
};

enum entry_kind {
	ENT_FIELD = 1,		/* a fixed writable file: description, profiles, source, ...; also internal facts (type, base) */
	ENT_CONFIG,		/* config/KEY, and settings/KEY of the daemon */
	ENT_DEVICE,		/* devices/NAME */
	ENT_PROPERTY,		/* properties/KEY of an image */
	ENT_VOLATILE,		/* volatile/KEY */
	ENT_META,		/* no value: mode, owner and times of a fixed directory or file, by its path in the object ("config") */
	ENT_KIND_MAX,
};

const char *entry_kind_name(enum entry_kind k);	/* the member of object.json: "fields", "config", ... */

struct entry {
	enum entry_kind kind;
	uint32_t slot;		/* number within the object, for the inode number; 0: a fixed file that was never replaced */
	struct meta meta;
	size_t len;
	char *value;		/* as written, UTF-8, NUL behind it */
	char name[];
};

struct snapshot {
	uint32_t slot;
	char name[NAME_LEN_MAX + 1];
	struct meta meta;
	struct timespec created;
	time_t expires;		/* 0: never */
	char *description;	/* never NULL */
	struct entry **entries;	/* configuration at that moment: fields, config, devices, sorted as in an object */
	size_t n_entries;
};

enum inst_state {
	INST_STOPPED, INST_STARTING, INST_RUNNING, INST_FREEZING, INST_FROZEN, INST_THAWING, INST_STOPPING, INST_RESTARTING, INST_ERROR,
};

const char *inst_state_name(enum inst_state s);	/* "stopped", ... as in the file `state` */

struct op;
struct backend_ops;

/* What is true of an instance now; rebuilt by adoption after a restart, never on disk except in run.json. */
struct run {
	enum inst_state state;
	pid_t init_pid;			/* in the host's pid namespace, 0 when stopped */
	uint64_t init_start;		/* field 22 of /proc/PID/stat: a recycled pid is never mistaken */
	pid_t monitor_pid;
	uint64_t monitor_start;
	struct timespec started;	/* wall clock */
	struct op *op;			/* the running operation or NULL; changed under object.lock by op.c only */
	char cgroup[160];		/* path of the payload below each hierarchy, "" when stopped */
};

struct object {
	uint32_t id;
	enum space space;		/* changes when an instance goes to the trash and back */
	char name[NAME_LEN_MAX + 20];
	bool loaded, gone;

	pthread_mutex_t change;		/* held by whoever changes configuration, over validate, apply and save */
	pthread_mutex_t lock;		/* guards everything below, for short */
	struct meta meta;
	struct timespec created;
	struct timespec removed;	/* in the trash since */
	uint32_t next_slot, slots_reserved;
	uint64_t generation;		/* + 1 with every change of an entry */
	uint64_t configured;		/* generation at the last change of what an administrator configures */
	struct entry **entries;		/* sorted by kind, then name */
	size_t n_entries;
	struct snapshot **snaps;	/* sorted by name */
	size_t n_snaps;
	struct run run;			/* instances only */
	const struct backend_ops *backend;	/* instances only; NULL: none of this daemon's can do its type */
};

/* What changed; for the listener, which invalidates caches, and for the event log. */
enum {
	CHANGED_ENTRIES = 1 << 0,	/* bytes or presence of entries */
	CHANGED_STATE = 1 << 1,
	CHANGED_ERROR = 1 << 2,
	CHANGED_META = 1 << 3,		/* owner, mode, times */
	CHANGED_SNAPSHOTS = 1 << 4,	/* root file systems came or went: snapshots, the instance's own */
	CHANGED_PROGRESS = 1 << 5,
	CHANGED_NAME = 1 << 6,		/* created, removed, renamed, trashed, restored: the space's directory changed */
	CHANGED_RUNTIME = 1 << 7,	/* exec results, devices attached, addresses */
};

/* An entry that was set or removed. */
struct touched {
	enum entry_kind kind;
	uint32_t slot, was;		/* its number now and before; 0: none */
	char name[256];
};

struct changed {
	unsigned what;			/* CHANGED_* */
	struct touched *touched;	/* CHANGED_ENTRIES and CHANGED_META are about these; NULL: about everything */
	size_t n;
};

/* ---- life of the model ---- */

/* Opens (creates) the store; one of a newer format is refused with EPROTO, untouched. Sweeps leftovers of interrupted steps. */
int model_open(const char *state_dir, struct err *e);
void model_close(void);
int model_dirfd(void);			/* O_PATH-like directory descriptor of the state directory */
const char *model_dir(void);		/* its absolute path */
const char *model_rundir(void);		/* a directory on tmpfs for this store (/run/instfs/HASH), made by model_open() */

/* Called after each change with no lock held, from any thread; set once before threads exist. */
void model_listen(void (*f)(struct object *o, const struct changed *c));
/* what: CHANGED_*. Any entry may be another one. */
void object_changed(struct object *o, unsigned what);

/* ---- finding; each returns a reference to be dropped with object_put(), or NULL. A returned object is loaded. Not to be called
 * with an object.lock held. ---- */
struct object *object_get(uint32_t id);
struct object *object_find(enum space s, const char *name);
struct object *object_ref(struct object *o);
struct object *object_put(struct object *o);	/* NULL is fine; returns NULL */
static inline void cleanup_object(struct object **o) { object_put(*o); }
#define _cleanup_object_ __attribute__((cleanup(cleanup_object)))

/*
 * Lists a space without loading anything, in ascending ids greater than after: stable while objects come and go. f gets id
 * and name and returns non-zero to stop. Called with no lock held on copies.
 */
int object_each(enum space s, uint32_t after, int (*f)(uint32_t id, const char *name, void *arg), void *arg);
size_t object_count(enum space s);
struct timespec space_mtime(enum space s);	/* last time a name came, went or changed there; survives restarts */

/* ---- making, renaming, removing: on disk before they return ---- */
int object_create(enum space s, const char *name, const struct meta *m, struct object **ret, struct err *e);
int object_rename(struct object *o, const char *new_name, struct err *e);	/* EEXIST, EBUSY (running, operation) */
/* Instances go to the trash, everything else vanishes; EBUSY when running or in use, EPERM when security.protection.delete. */
int object_remove(struct object *o, struct err *e);
int object_restore(struct object *o, const char *name, struct err *e);	/* out of the trash */
int object_purge(struct object *o, struct err *e);			/* from the trash, for ever; storage included */
/* The same; its files are only named as such when this returns: trash_expire() deletes them, of this server or of the next. */
int object_purge_later(struct object *o, struct err *e);
bool trash_has_leftovers(void);		/* files of what was purged are still there */
/* Purges what is older than settings/trash.expiry; with force the oldest one in any case. Returns how many went. Also finishes
 * purges that a killed daemon left; call it now and then. */
int trash_expire(bool force);

/* ---- entries; the caller holds o->lock for the ones that return pointers, and until it is done with them ---- */
struct entry *object_entry(struct object *o, enum entry_kind k, const char *name);
struct entry *object_entry_by_slot(struct object *o, uint32_t slot);
/* Entries of one kind: index of the first and one behind the last. */
void object_entries(struct object *o, enum entry_kind k, size_t *first, size_t *end);
struct snapshot *object_snapshot(struct object *o, const char *name);
struct snapshot *object_snapshot_by_slot(struct object *o, uint32_t slot);

/* Another number after each change of an entry; takes o->lock. */
uint64_t object_generation(struct object *o);

/* Copies the value, one trailing newline removed, into buf (cut to size, always terminated). False when unset. Takes o->lock. */
bool object_value(struct object *o, enum entry_kind k, const char *name, char *buf, size_t size);

/* A slot that was never used in this object. Durable: never handed out again after any crash. Takes o->lock. */
uint32_t object_new_slot(struct object *o, struct err *e);

/*
 * Raw changes without validation (callers: config.c, instance.c, image.c). Each is saved before it returns; on failure memory
 * and disk are as before. value NULL removes. slot 0 keeps the present slot (fields) or takes a new one. meta NULL: keep, or
 * for a new entry mode 0644, inherited owner, now. Same bytes and no meta: no change at all. Take o->lock.
 */
struct entry_change {
	enum entry_kind kind;
	const char *name;
	const char *value;	/* NULL: remove */
	size_t len;
	uint32_t slot;
	const struct meta *meta;
	uint64_t since;			/* of a document: `configured` + 1 when it was read, 0: no matter; -EAGAIN when it moved */
	unsigned line;			/* of the document in which it stands, 0: none */
	bool moved;			/* the same thing under another number: `configured` stays as it is */
};
int object_change(struct object *o, const struct entry_change *c, size_t n, unsigned what, struct err *e);
static inline int object_set(struct object *o, enum entry_kind k, const char *name, const char *value, size_t len, struct err *e)
{
	const struct entry_change c = { .kind = k, .name = name, .value = value, .len = len };

	return object_change(o, &c, 1, CHANGED_ENTRIES, e);
}

/* Sets mode, owner or times of the object itself (kind 0), of an entry, or of a fixed file or directory (ENT_META, path). */
int object_set_meta(struct object *o, enum entry_kind k, const char *name, const struct meta *m, struct err *e);

/* Snapshots' records: add takes over *s (whatever it returns), the present fields, config and devices are copied into it. */
int object_snapshot_add(struct object *o, struct snapshot *s, struct err *e);
int object_snapshot_remove(struct object *o, const char *name, struct err *e);
int object_snapshot_rename(struct object *o, const char *name, const char *new_name, struct err *e);
int object_snapshot_set(struct object *o, const char *name, time_t expires, const char *description, struct err *e);
/* Makes fields (description, profiles, ephemeral), config and devices equal to the snapshot's; the caller checked them. */
int object_snapshot_recall(struct object *o, const char *name, struct err *e);

/* Directory of the object in the store; dirfd is the caller's to close, or -errno. */
int object_dirfd(struct object *o);
void object_path(struct object *o, char *buf, size_t size);

/* Called for an instance that is purged, before its directory (object_path()) is deleted: unmounts, storage. May be slow. When it
 * fails the rest stays for the next trash_expire(). Set once before threads exist. */
void object_on_purge(int (*f)(struct object *o, struct err *e));

/* ---- last failure of an object (file `error`), kept over kill -9; o NULL: failures that belong to no object ---- */
void object_error_set(struct object *o, const struct err *e);	/* code 0 clears */
void object_error_get(struct object *o, struct err *ret);
