/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names in directories: listing, making, removing, renaming. What they mean is in the rows; what is hidden is in fs/tomb.h. */
#pragma once

#include "fs/view.h"

/* Names with cookies greater than after, in ascending order; "." and ".." included. emit as list_fn, the number being the cookie. */
int names_list(struct view *dir, uint64_t after, list_fn emit, void *arg);

/* The name is not there for whoever looks for it, until something is made there or nothing happens for a while: -ENOENT; 0: it is. */
int names_hide(struct view *dir, const char *name, uint64_t ino);
/* Each gives 0 or -errno, and the sentence to the object's `error`. m: mode and owner of the new thing. */
int names_mkdir(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e);	/* 1: done() later */
int names_create(struct view *dir, const char *name, int flags, const struct meta *m, uint64_t *ino, struct err *e);
/* 1: done() later */
int names_symlink(struct view *dir, const char *name, const char *target, const struct meta *m, uint64_t *ino, struct err *e);
int names_unlink(struct view *dir, const char *name, struct err *e);
int names_rmdir(struct view *dir, const char *name, struct err *e);
int names_rename(struct view *from, const char *name, struct view *to, const char *new_name, unsigned flags, struct err *e);
