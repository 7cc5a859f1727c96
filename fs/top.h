/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "fs/session.h"
#include "fs/view.h"

/* rootfs/NAME and rootfs/NAME@SNAP, by name. */
int top_rootfs_lookup(const char *name, struct fuse_entry_param *ret);
/* Text of the file `version`, gathered at start. */
void top_set_version(const char *text);

/* ---- shared by the tables ---- */
/* The value of an entry of the object, for rows whose bytes are kept as an internal field named r->item (or r->name). */
int show_field(struct view *v, struct buf *out, struct err *e);
int show_error(struct view *v, struct buf *out, struct err *e);
int show_progress(struct view *v, struct buf *out, struct err *e);
int show_created(struct view *v, struct buf *out, struct err *e);
int show_yaml(struct view *v, struct buf *out, struct err *e);
