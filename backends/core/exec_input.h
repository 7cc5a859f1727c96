/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backends/core/exec.h"

#define EXEC_INPUT_MAX (1 << 20)
#define EXEC_STDIN_MAX (64 << 20)	/* as much as is kept of an output; on tmpfs */

/* Whether these bytes can be `command argv env user cwd`. EINVAL, EFBIG and a sentence. */
int exec_input_check(const char *item, const char *data, size_t len, struct err *e);

/* Keeps them in the request's directory: all or, when it fails, what was there before. */
int exec_input_write(const struct exec_request *x, const char *item, const char *data, size_t len, struct err *e);
/* Writes into the standard input of a command that was not started. data NULL: empties it. */
int exec_input_stdin(const struct exec_request *x, const char *data, size_t len, off_t off, struct err *e);
