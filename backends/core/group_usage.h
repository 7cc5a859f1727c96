/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Numbers of usage/ that control groups and storage count, whatever runs in the group. */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/object.h"

/* As usage of struct backend_ops. -ENODATA: stopped, not counted on this kernel, or no such number. */
int group_usage(struct object *o, const char *item, struct buf *out, struct err *e);
