/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a text is YAML that a guest may be given: one document, well-formed, of sane depth. */
#pragma once

#include <stddef.h>

#include "backends/core/err.h"

/* EINVAL with line and column. */
int yaml_check(const char *text, size_t len, struct err *e);
