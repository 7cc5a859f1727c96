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
	unsigned base;
	struct dir *proc, *sys;		/* the two tops, to be filled */
	unsigned flags, deps;		/* of files, and of directories that hold CPUs */
	int (*show)(struct view *v, struct buf *out, struct err *e);
	const char *file_doc, *dir_doc;	/* NULL: what the library says */
	const struct children *cpus;	/* of directories that hold CPUs: proctable_cpu_*() */

	struct dir dirs[PROCTABLE_ROWS];
	struct row rows[2 * PROCTABLE_ROWS];	/* those of one directory stand together, ended by one without id */
};

void proctable_make(struct proctable *t);

/* The library's file. */
struct proc_place proctable_place(const struct proctable *t, const struct view *v);

/* For struct children; n is the number of CPUs now. */
int proctable_cpu_lookup(const struct proctable *t, const struct view *dir, unsigned n, const char *name, uint64_t *ino);
int proctable_cpu_list(const struct view *dir, unsigned n, uint64_t after, list_fn emit, void *arg);
