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

/* Whether the knob user.mock.fail names it. */
int mock_told_to_fail(const struct expanded *x, const char *what, struct err *e);

/* mock_device.c: what is attached. The knob's words are attach, change and detach. */
int mock_devices_start(struct object *o, const struct expanded *x, struct err *e);
void mock_devices_forget(struct object *o);
int mock_device(struct object *o, const struct expanded_item *before, const struct expanded_item *after, const struct expanded *now,
		struct err *e);
int mock_device_show(struct object *o, const char *name, struct buf *out, struct err *e);

int mock_exec_start(struct object *o, struct exec_request *x, struct err *e);
int mock_exec_kill(struct object *o, struct exec_request *x, struct err *e);
int mock_exec_adopt(struct object *o, struct exec_request *x, struct err *e);
