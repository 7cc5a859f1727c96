/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inside of the mock: what "runs", and its commands. */
#pragma once

#include "backends/core/backend.h"

/* In the keep (KEEP_BACKEND, object id): what the kernel would know, so that it outlives the server. */
struct mock_state {
	struct timespec started;
	uint32_t crash;			/* milliseconds, 0: never */
	uint32_t frozen;
};

bool mock_state_get(struct object *o, struct mock_state *ret);

int mock_exec_start(struct object *o, struct exec_request *x, struct err *e);
int mock_exec_kill(struct object *o, struct exec_request *x, struct err *e);
int mock_exec_adopt(struct object *o, struct exec_request *x, struct err *e);
