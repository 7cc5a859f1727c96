/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The directory expanded/ of an instance (the table expanded_dir, fs/dirs.h), and what a change of configuration means for it. */
#pragma once

#include <stddef.h>

#include "backends/core/object.h"

/* The configuration that applies to the instance changed: invalidates what the kernel was told of it, and returns how many names. */
size_t expanded_changed(struct object *o);
