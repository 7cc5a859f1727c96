/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Start and stop of containers: the entries of the backend with these names (backend.h). */
#pragma once

#include "backends/core/backend.h"

int launch_start(struct object *o, const struct expanded *x, struct op *op, struct err *e);
int launch_stop(struct object *o, struct op *op, struct err *e);
int launch_adopt(struct object *o, struct err *e);
