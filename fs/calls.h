/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* System calls of containers that the view server answers from what it shows (backends/core/intercept.h). */
#pragma once

/* Starts the thread that does; once the board and proc are there. rundir: the daemon's. -errno. */
int calls_start(const char *rundir);
