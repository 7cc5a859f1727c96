/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start, end, and finding again. Entries of struct backend_ops, see there. */
#pragma once

#include "backends/core/backend.h"

int launch_vm_start(struct object *o, const struct expanded *x, struct op *op, struct err *e);
int launch_vm_stop(struct object *o, struct op *op, struct err *e);
int launch_vm_adopt(struct object *o, struct err *e);
