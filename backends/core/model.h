/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Inside of the model: what object.c, entry.c, snapshot.c, trash.c, index.c and model.c share. Nobody else includes it.
 *
 * Locks, in this order: object.change -> save -> registry_lock -> object.lock -> leaves. `save` is held by whoever writes or
 * moves the object's directory; with it the entries and snapshots do not change, so that they can be read and written to disk
 * without object.lock, which is taken only for the moment in which the new ones take the place of the old. An object's name
 * and space change with save, registry_lock and object.lock held: any one of them is enough to read them.
 */
#pragma once

#include <stdatomic.h>

#include "backends/core/object.h"
#include "backends/core/record.h"
#include "backends/core/registry.h"
#include "backends/core/store.h"

struct model_object {
	struct object o;
	unsigned refs;			/* atomic; the registry has one */
	bool purging;			/* its directory is trash/.purge-ID; under object.lock */
	pthread_mutex_t save;
	struct json_t *extra;		/* members of object.json that we do not know; under save */
	struct err *broken;		/* object.json could not be read, and will not be overwritten; set before others see it */
};

static inline struct model_object *model_of(struct object *o)
{
	return (struct model_object *)o;
}

static inline struct timespec model_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t;
}

/* ---- index.c; registry_lock held ---- */
int index_load(struct err *e);			/* fills the registry with what is on disk */
void index_put(const struct slot *s);		/* it came or moved */
void index_del(uint32_t id);
void index_forget(void);			/* it was wrong: the next start reads the objects */
void index_close(void);

/* ---- model.c ---- */
bool object_error_keep(struct object *o, const struct err *e);	/* tells nobody: while loading; true when it is a new one */

/* ---- object.c ---- */
struct model_object *object_new(uint32_t id, enum space s, const char *name);
/* From disk, not in the registry. A record that cannot be read gives a broken object; NULL: no memory, no descriptors. */
struct object *object_load(uint32_t id, enum space s, const char *name, bool purging);
void object_set_backend(struct object *o);	/* from the field `type`; o->lock held, or nobody else sees it */
/* Moves it on disk and in memory; with idle only when nothing runs. -EEXIST, -EBUSY, -ENOENT (gone). Caller notifies. */
int object_move(struct object *o, enum space from, enum space to, const char *name, bool idle, struct err *e);
/* Takes it out of the registry; its directory is trash/.purge-ID from then on, to be removed by object_erase(). */
int object_vanish(struct object *o, enum space from, bool idle, struct err *e);
int object_erase(struct object *o, struct err *e);

#define OBJECT_DIR_MAX 128
void object_dir(struct object *o, char buf[OBJECT_DIR_MAX]);	/* in the state directory, as it is now; takes o->lock */
/* Copies its name and returns its space, as they are now. Takes o->lock. */
enum space object_label(struct object *o, char name[sizeof(((struct object *)0)->name)]);

/* True when that error may go away by purging the trash, and something was purged: try again. */
bool object_made_room(int error, struct err *e);

/* ---- entry.c ---- */
/* Writes object.json with the entries, meta, next_slot, generation and configured of want; save held. */
int object_save(struct object *o, const struct record *want, struct err *e);
/* object_change() with save held; *ret tells what it was, for object_tell(). */
int object_change_saved(struct object *o, const struct entry_change *c, size_t n, struct changed *ret, struct err *e);
/* Tells the listener, when anything was touched, and frees the list. No lock held. */
void object_tell(struct object *o, unsigned what, struct changed *c);
/* Counts what can bring an entry boot.after to where it was not: setting one, moving an object to another space, opening a store. */
extern atomic_uint model_orders;
/* Why it cannot be changed: -ENOENT gone, -EIO broken. */
int object_check_alive(struct object *o, struct err *e);

/* ---- snapshot.c ---- */
void snapshots_load(struct object *o, int dirfd);

/* ---- trash.c ---- */
time_t trash_time(const char *name);		/* from NAME@YYYYMMDDTHHMMSS, 0: no such name */
int trash_add(struct object *o, struct err *e);
void trash_leftover(uint32_t id);		/* a .purge-ID that is still there */
void trash_close(void);
