/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * size= of the root disk (path=/): a quota of the storage for all that the instance has written. No state: what holds is what the
 * storage says.
 */
#pragma once

#include "backends/core/config.h"

/* The size that the configuration asks for, or none, holds from now on, where the storage can hold it. */
int root_size_write(struct object *o, const struct expanded *x, struct err *e);

/* One line for runtime/devices/NAME when that is the root disk and has a size: what holds, or why nothing does. */
void root_size_describe(struct object *o, const char *name, struct buf *out);

/* "devices/NAME: why" when the storage cannot hold it. */
void root_size_warnings(struct object *o, const struct expanded *x, struct buf *out);
