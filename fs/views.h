/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The view server: a mount of its own (RUNDIR/views) with one directory per instance, ID/proc and ID/sys, whose files are bound over
 * those of containers. Read-only, a process of its own with a holder of its own; it knows the board, and nothing of the model.
 */
#pragma once

#include "backends/core/err.h"

/* What a server of that mount does. */
int views_serve(struct err *e);
