/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was found out about this machine by trying, which costs milliseconds that a takeover does not have: remembered in the keep, for
 * servers of the same program file.
 */
#pragma once

#include <stdbool.h>

#include "backends/core/buf.h"

/* The result (0 or -errno) and text of an earlier trial of that name. False: none. text may be NULL. */
bool probe_known(const char *what, int *result, struct buf *text);
void probe_remember(const char *what, int result, const char *text);
