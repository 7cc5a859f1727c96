/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the drivers share. A driver keeps a volume in one directory below the object's, named like the driver (`overlay/`,
 * `dir/`), and a snapshot of it in `snapshots/NAME/`, with the same files in it; both are made aside and put in place
 * by one rename.
 */
#pragma once

#include "backends/core/op.h"
#include "backends/core/storage.h"

/* Copies the tree at from_fd/name to to_fd/name, which must not exist: holes, hard links, owners, times, extended
 * attributes (those of overlay included), devices; blocks are shared where the file system can. what: for progress,
 * "snapshot". */
int copy_tree(int from_fd, int to_fd, const char *name, const char *to_name, struct op *op, const char *what, struct err *e);

/* A small file (a fingerprint) of our own, on disk when it returns; read: -ENOENT when there is none. */
int copy_write_text(int dirfd, const char *name, const char *text, struct err *e);
int copy_read_text(int dirfd, const char *name, char *buf, size_t size);

/* .../bases/FINGERPRINT/rootfs -> FINGERPRINT */
void copy_fingerprint(const char *base, char *buf, size_t size);
/* Calls f with what the file `base` of an open volume says, unless that is empty. payload < 0: nothing. */
void copy_tell_base(int payload, void (*f)(const char *fingerprint, void *arg), void *arg);

/* Directory of the object, of its snapshots (made when missing and make), or of the tree that the volume stands for
 * (DIR/kind or DIR/snapshots/SNAP). A descriptor or -errno. */
int copy_open_dir(const struct volume *v, struct err *e);
int copy_open_snapshots(const struct volume *v, bool make, struct err *e);
int copy_open_payload(const struct volume *v, const char *kind, struct err *e);

/* The parts of storage_ops that do not depend on what is in a volume. */
int copy_snapshot_delete(const struct volume *v, const char *name, struct err *e);
int copy_snapshot_rename(const struct volume *v, const char *name, const char *new_name, struct err *e);
int copy_remove(const struct volume *v, const char *kind, struct err *e);

/* tree_stage() for a volume: what is made there counts as the project's. Old and new are there together for a while, so that its limit is
 * taken away; the next start gives it back. */
int copy_stage(int parent, const char *name, uint32_t project, struct err *e);
/* storage_ops.usage, of the tree `what` when nobody counts; storage_ops.limit. */
int copy_usage(const struct volume *v, const char *kind, const char *what, uint64_t *bytes, uint64_t *limit, struct err *e);
int copy_limit(const struct volume *v, const char *kind, const uint64_t *bytes, struct err *e);
