/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backends/core/exec.h"

#define EXEC_INPUT_MAX (1 << 20)

/* Whether these bytes can be `command argv stdin env user cwd`. EINVAL, EFBIG and a sentence. */
int exec_input_check(const char *item, const char *data, size_t len, struct err *e);

/* Keeps them in the request's directory: all or, when it fails, what was there before. */
int exec_input_write(const struct exec_request *x, const char *item, const char *data, size_t len, struct err *e);
