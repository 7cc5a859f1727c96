/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Stopping all instances of a mount before the host goes down; a client of the tree as any other. */
#pragma once

#include "backends/core/err.h"

/*
 * Highest boot.stop.priority first, those of one priority together; one that did not stop within its boot.host_shutdown_timeout is
 * killed. They count as running when the host boots again. The sentence names one that could not be stopped.
 */
int halt_all(const char *mountpoint, struct err *e);
