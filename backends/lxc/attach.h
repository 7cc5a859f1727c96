/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Commands in running containers: the exec entries of the backend (backend.h). One helper process each (helper_exec.c). */
#pragma once

#include "backends/core/backend.h"
#include "backends/core/exec.h"

int attach_start(struct object *o, struct exec_request *x, struct err *e);
int attach_kill(struct object *o, struct exec_request *x, struct err *e);
int attach_adopt(struct object *o, struct exec_request *x, struct err *e);
