/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * snapshots.pattern: names made of text, one %d, and `{{ creation_date }}` with an optional `|date:'LAYOUT'`, in Go's form
 * (2006-01-02_15-04-05) or with the conversions of strftime. Nothing else: a pattern cannot reach anything.
 */
#pragma once

#include <stddef.h>
#include <time.h>

#include "backends/core/err.h"

/* The name for that moment (local time) and number, checked by the one rule for names. EINVAL. */
int pattern_render(const char *pattern, const struct tm *tm, unsigned number, char *buf, size_t size, struct err *e);
int pattern_check(const char *pattern, struct err *e);
