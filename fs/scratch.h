/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Scratch files: what editors and tools put beside a file that they edit. Ordinary files, directories and links in memory, with the
 * bytes as written, never interpreted, never on disk, limited in size and number, dropped when nobody used them for a while.
 * A file that is being created under the name of a key is a scratch file with `kind` set until its first value is committed.
 *
 * Everything lives in the keep; the table in memory is an index of it. One mutex, a leaf.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "backends/core/buf.h"
#include "backends/core/object.h"

#define SCRATCH_SIZE_MAX (1u << 20)	/* bytes a file */
#define SCRATCH_DIR_MAX 64		/* files a directory */
#define SCRATCH_IDLE 600		/* seconds after which an unused one is dropped */

struct scratch {
	uint64_t ino, parent;
	mode_t type;			/* S_IFREG, S_IFDIR, S_IFLNK */
	enum entry_kind kind;		/* it is to become an entry of that kind, under its name */
	struct meta meta;
	size_t size;
	struct timespec used;
	char name[256];
};

int scratch_init(void);		/* reads the keep */
bool scratch_get(uint64_t ino, struct scratch *ret);
bool scratch_find(uint64_t parent, const char *name, struct scratch *ret);
/* -ENOSPC: too many in that directory. data may be NULL. */
int scratch_add(const struct scratch *s, const void *data, size_t len);
void scratch_remove(uint64_t ino);	/* with everything below it */
void scratch_remove_object(uint32_t object);
int scratch_move(uint64_t ino, uint64_t parent, const char *name);
int scratch_set_meta(uint64_t ino, const struct meta *m);
/* To become an entry, or no more. */
int scratch_set_kind(uint64_t ino, enum entry_kind kind);
bool scratch_empty(uint64_t dir);
int scratch_read(uint64_t ino, struct buf *out);
int scratch_write(uint64_t ino, const void *data, size_t len, off_t off);	/* -EFBIG */
int scratch_truncate(uint64_t ino, size_t len);
/* Ascending inode numbers greater than after. */
int scratch_list(uint64_t parent, uint64_t after, int (*f)(const struct scratch *s, void *arg), void *arg);
/* Drops what was not used for SCRATCH_IDLE seconds and for which is_open(ino) is false. Called before another one is made. */
void scratch_sweep(bool (*is_open)(uint64_t ino));
