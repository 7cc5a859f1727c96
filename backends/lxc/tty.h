/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* `tty`: a pty on the host that is the console. A process of its own (tty_keeper.c) holds it until the container ends. */
#pragma once

#include "backends/core/object.h"

/*
 * Its path, and it belongs to the instance's owner. make: starts the process when there is none; else "" then.
 * -ENOTCONN: the container does not run, or has no console.
 */
int tty_path(struct object *o, bool make, char *buf, size_t size, struct err *e);
