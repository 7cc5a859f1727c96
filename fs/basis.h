/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From which state of an object a document was made, so that of two writers the later one does not undo what the first one did. What
 * a process read last is what it goes on from; who never read the document goes on from what there was when he began to write: when
 * he opened it for writing, or made the file that is renamed over it.
 *
 * Numbers are `configured` + 1 of the object, 0: nothing is known. Everything is in the keep, the table in memory is an index of
 * it. One mutex, a leaf; the oldest go when the table is full, and every reader has a share of it.
 */
#pragma once

#include "fs/view.h"

int basis_init(void);			/* reads the keep */

/* The document that a view is, or will be (a file under its name): its inode number, 0: it is none. */
uint64_t basis_document(const struct view *v);

/* v is a document: it was opened, for writing with the handle fh, else for reading. */
void basis_opened(struct view *v, uint64_t fh);
/* Something was written through fh. */
void basis_written(struct view *v, uint64_t fh);
/* A scratch file was made in the object. */
void basis_made(struct object *o, uint64_t scratch);

/* For the commit of what is pending in v; or of a scratch file that becomes v by the rename of who. */
uint64_t basis_of_edit(struct view *v);
uint64_t basis_of_rename(struct view *v, uint64_t scratch, pid_t who);
/* It was committed: what follows through the same handle, and by the same process, goes on from there. */
void basis_committed(struct view *v, uint64_t fh, pid_t who);
/* The handle, scratch file or pending edit is gone. */
void basis_drop(uint64_t ino, uint64_t fh);
