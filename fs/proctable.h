/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Directories proc/ and sys/ of the tree, made at start of the table in backends/proc: names, modes and words stand there only. A row
 * has the library's number behind `base`; a CPU's directory has the slot of fs/procdir.h. Filled once, then constant.
 */
#pragma once

#include "backends/proc/proc.h"
#include "fs/row.h"

#define PROCTABLE_ROWS 64

struct proctable {
	unsigned base, deep;		/* deep: of what lies below CPUs, above base; 0: that is not in this one */
	struct dir *proc, *sys;		/* the two tops, to be filled */
	unsigned flags, deps;		/* of files, and of directories that hold CPUs */
	int (*show)(struct view *v, struct buf *out, struct err *e);
	const char *file_doc, *dir_doc;	/* NULL: what the library says */
	const struct children *cpus;	/* of directories that hold CPUs or caches: proctable_cpu_*() */
	bool (*exists)(struct view *v);	/* of what lies below CPUs */

	struct dir dirs[PROCTABLE_ROWS];
	struct row rows[2 * PROCTABLE_ROWS];	/* those of one directory stand together, ended by one without id */
};

void proctable_make(struct proctable *t);

/* The library's file. */
struct proc_place proctable_place(const struct proctable *t, const struct view *v);

/* How many of what has a number are in a directory: CPUs, or caches of one. */
unsigned proctable_count(const struct proctable *t, const struct view *dir, struct proc_source *s);
/* For struct children; n is that number now. */
int proctable_cpu_lookup(const struct proctable *t, const struct view *dir, unsigned n, const char *name, uint64_t *ino);
int proctable_cpu_list(const struct proctable *t, const struct view *dir, unsigned n, uint64_t after, list_fn emit, void *arg);
