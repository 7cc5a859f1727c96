/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an instance of the model to what the library of /proc files must know of it. */
#pragma once

#include "backends/core/object.h"
#include "backends/proc/proc.h"

/* No lock held. Whatever cannot be told (a configuration that does not expand) is as if it were not limited. */
void facts_of(struct object *o, struct proc_facts *ret);
