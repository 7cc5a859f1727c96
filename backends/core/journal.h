/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file `journal`: object.json of what was changed in the last second, so that a change costs one fdatasync(2) of blocks that are
 * there already, and not the commits of the file system that a new file and its name cost. It is text in blocks of 4096 bytes:
 *
 *     instfs-journal CHECK EPOCH 0 0 -               all that is in the blocks below has reached its place, unless
 *     instfs-journal CHECK EPOCH N LENGTH DIR        it is of this epoch, in row from 1, and undamaged; then
 *     {...                                           this is what DIR/object.json must say
 *
 * The files follow a second later (or when the journal is full): object.json.tmp, which was written before the record so that a full
 * disk is known in time, becomes object.json, both are synced, and a new epoch begins. A daemon that finds records brings their files
 * up to date before it looks at them. Without a journal (no room for it) each change is written to its place at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "backends/core/err.h"

/* By store_open() and store_close() only. is_new: what stands there is of a daemon that did not know it, and not believed. */
int journal_open(bool is_new, struct err *e);
void journal_close(void);

/* Whether there is one. */
bool journal_is_used(void);

/* Replaces DIR/object.json; durable when it returns. dir: of an object, from the state directory on. After an error it is as before. */
int journal_save(const char *dir, const void *text, size_t len, struct err *e);

/* Before that directory gets another name: nothing in the journal speaks of it any more. No save of this object is under way. */
int journal_settle(const char *dir, struct err *e);

/* The files of all records, without keeping others from saving meanwhile. Done a second after a save when watch_init() was called. */
int journal_settle_all(struct err *e);
void journal_wake(void);	/* for saves from before watch_init() */
