/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Telling the kernel what changed. Attributes are invalidated at once, from the thread that made the change, before its request is
 * answered: that call never waits for anybody. The kernel then asks again, sees another mtime or size, and drops its pages and
 * listings by itself (AUTO_INVAL_DATA). Names are invalidated by the holder, because that can wait for a client.
 *
 * Stamps: times of last change of what is derived, kept over kill -9; see change_stamp().
 */
#pragma once

#include <stdint.h>
#include <time.h>

#include "backends/core/object.h"

/* The model's listener. */
void change_listener(struct object *o, const struct changed *c);
/* One file or directory. */
void change_inode(uint64_t ino);
/* A name in a directory came, went, or means something else; sets the directory's stamp. */
void change_child(uint64_t parent, const char *name);

/* The same when the model keeps the directory's time itself. */
void change_name(uint64_t parent, const char *name);

/* When what depends on these CHANGED_* bits of the object last changed. */
struct timespec change_stamp(struct object *o, unsigned what);
/* When the children of a directory last changed, or as utimens set it; false: not since it is remembered. */
bool change_dir_stamp(uint64_t ino, struct timespec *ret);
void change_set_dir_stamp(uint64_t ino, struct timespec t);

/*
 * How often an object came back from the trash, which is the generation of its inodes: the kernel has marked as dead what was removed,
 * and where somebody still has that open it must take what comes back for something else.
 */
uint64_t change_returns(uint32_t object);
void change_returning(uint32_t object);

/* A mutation of the object begins and ends: a server killed in between leaves caches that the next one drops. */
void change_begin(uint32_t object);
void change_end(uint32_t object);
/* The stamps, in the file `stamps` of the store: written when the tree is unmounted, read when it is mounted, so that times of what is
 * derived survive that as well. A cache: without it they begin anew. */
void change_save(void);
void change_load(void);

/* At takeover: drops what the kernel may believe wrongly. */
void change_takeover(void);
