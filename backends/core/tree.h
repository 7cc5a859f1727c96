/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directory trees with contents that somebody else made (guests, images): deleted, measured, replaced. Nothing here
 * ever follows a symbolic link or leaves the mount it began in, and depth is bounded whatever the tree looks like.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backends/core/err.h"

/* Deletes dirfd/name with all below it; immutable flags are cleared on the way. Not there: 0. EBUSY: a mount is in it. */
int tree_remove(int dirfd, const char *name, struct err *e);

/* Bytes of disk that dirfd/name takes: blocks, a file with several links once. May run while the tree changes.
 * Directories nested deeper than 200 are not counted. */
int tree_usage(int dirfd, const char *name, uint64_t *bytes, struct err *e);

/*
 * Replacing a directory with nothing lost at any moment: tree_stage() makes dirfd/.NAME.new afresh and opens it; the
 * caller fills it; tree_commit() writes everything to disk, puts it in the place of dirfd/NAME in one step, and deletes
 * what was there. tree_stage_abandon() deletes an unfinished one; after a crash the next tree_stage() does.
 */
#define TREE_NAME_MAX 96
int tree_stage(int dirfd, const char *name, struct err *e);
int tree_commit(int dirfd, const char *name, struct err *e);
/* The same for a few files that the caller has written to disk itself (fsync), directories included: syncfs() waits for
 * everybody's. */
int tree_commit_synced(int dirfd, const char *name, struct err *e);
void tree_stage_abandon(int dirfd, const char *name);
void tree_stage_name(const char *name, char buf[TREE_NAME_MAX]);

/* Deletes dirfd/NAME, which is out of sight (.NAME.old, on disk) before the first of its files goes. */
int tree_discard(int dirfd, const char *name, struct err *e);

/* openat2() for our own directories: below dirfd, no symbolic links, no other mounts. */
int tree_open(int dirfd, const char *path, int flags);
