/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tombstones. unlink hides a name at once but keeps what it stood for, because nobody can tell yet what it is part of:
 *  - a replacement (install, tar, vim: unlink or rename away, then create): the commit of the new value ends it;
 *  - a recursive removal: the rmdir of the object ends it, or its refusal brings everything back;
 *  - a removal of a key in its own right: after TOMB_GRACE_MS without any of the above the key is unset.
 * Fixed files have no meaning of their own: they come back after the grace, and with them everything of the object.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backends/core/object.h"

#define TOMB_GRACE_MS 1000

/* A row; an entry; a snapshot or exec in a removal; a scratch file that goes then. */
enum tomb_what { TOMB_FIXED = 1, TOMB_ENTRY, TOMB_CHILD, TOMB_GUEST };

struct tomb {
	uint64_t ino;		/* of what is hidden */
	uint64_t parent;
	uint32_t object;
	uint32_t tgid;		/* who hid it */
	uint32_t uid, gid;	/* with whose rights it will be unset */
	uint32_t what;
	uint32_t kind;		/* enum entry_kind of TOMB_ENTRY */
	uint64_t when;		/* CLOCK_MONOTONIC, ms */
	char name[256];
};

int tomb_init(void);			/* reads the keep, arms the timer */
int tomb_add(const struct tomb *t);	/* replaces one of the same parent and name */
bool tomb_find(uint64_t parent, const char *name, struct tomb *ret);
bool tomb_hides(uint64_t parent, const char *name);
/* The name has a new value: the old one is gone for good. */
void tomb_drop(uint64_t parent, const char *name);
void tomb_drop_object(uint32_t object);			/* removed: nothing to bring back */
void tomb_restore_object(uint32_t object);		/* refused: everything is as before */
void tomb_restore(uint64_t parent, const char *name);
/* A recursive removal of the object is under way: one of its own fixed files is hidden. */
bool tomb_walking(uint32_t object);
/* Remembers that a removal by that process was refused; further unlinks by it are refused, too, for a while. */
void tomb_refuse(uint32_t object, pid_t tgid);
bool tomb_refused(uint32_t object, pid_t tgid);
/* Applies what waits in that directory now (fsync of a directory). */
void tomb_settle(uint64_t parent);
