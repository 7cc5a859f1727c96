/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The state directory: version, lock, spaces, files that are replaced as a whole, and the numbers of objects.
 *
 *     STATE/version lock ids index journal daemon/ instances/ profiles/ images/ trash/
 *
 * A directory in a space is one object. Names that begin with a dot are steps under way: `.new-ID` an object that is being made,
 * `.purge-ID` (in trash/) one that is being deleted for ever.
 *
 * store_open() and store_close() are called by one thread; everything else by any.
 */
#pragma once

#include <stdint.h>

#include "backends/core/buf.h"
#include "backends/core/object.h"

#define STORE_VERSION 2		/* 1: without a journal (backends/core/journal.h) */
#define STORE_FILE_MAX (16u << 20)	/* of a record; far above what the tree lets anybody write */

/*
 * Opens the state directory and makes what is missing in it. -EPROTO: a newer format, nothing was touched. -EBUSY: another
 * daemon has it open. The lock is a flock() on a descriptor that no child inherits, so that it ends with the process.
 */
int store_open(const char *dir, struct err *e);
void store_close(void);

int store_fd(void);
int store_space_fd(enum space s);	/* stays the store's */
const char *store_dir(void);
const char *store_rundir(void);

/* Replaces dirfd/name: written to name.tmp, on disk before it takes the place, and the new name on disk before it returns. */
int store_write(int dirfd, const char *name, const void *data, size_t len, struct err *e);

/* The same in a directory that nobody looks at yet: without the detour, which would cost one more commit of the journal. */
int store_write_new(int dirfd, const char *name, const void *data, size_t len, struct err *e);

int store_write_at(int fd, const void *data, size_t len, size_t at);	/* all of it, or -errno */

/* fsync() of a directory. */
int store_sync(int dirfd, struct err *e);

/* Syncs both spaces after something moved between them. */
int store_sync_spaces(enum space a, enum space b, struct err *e);

/* A number for a new object. Durable: never given again after any crash. store_ids_start() tells the highest one that is in use. */
int store_new_id(uint32_t *ret, struct err *e);
void store_ids_start(uint32_t above);

/* Calls f for each name in a directory (d_ino as readdir gives it, dots left out), stops at the first non-zero and returns it. */
int store_each_name(int dirfd, int (*f)(const char *name, uint64_t ino, unsigned char type, void *arg), void *arg);
