/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The console. Its pty belongs to the monitor, where liblxc copies what the guest prints into console.log. What is typed is
 * written to the monitor's end of the pty, borrowed with pidfd_getfd(): liblxc's own way in (lxc-console) makes the monitor of
 * 5.0.2 crash when it is used a second time.
 */
#pragma once

#include "backends/core/backend.h"

int console_read(struct object *o, struct buf *out, struct err *e);
int console_write(struct object *o, const char *data, size_t len, struct err *e);
int console_log(struct object *o, struct buf *out, struct err *e);	/* liblxc's log */
