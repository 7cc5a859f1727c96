/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From main() to the process that was meant: the command line, the holder, a server, or one of their helpers. */
#pragma once

#include <spawn.h>
#include <sys/types.h>

#include "backends/core/err.h"
#include "fs/shm.h"

/* What a server does, once the shared memory is attached: sets everything up and calls session_run(). */
typedef int (*start_serve_fn)(struct err *e);

/* serve[]: by enum shm_kind; NULL: this program does not serve that. */
int start_main(int argc, char **argv, const start_serve_fn *serve);

/* Starts this very program (also when its file is gone) in a session of its own with one of its internal commands. 0 or -errno. */
int start_self(const char *command, const char *arg, const posix_spawn_file_actions_t *fa, pid_t *ret);

/* What a holder keeps locked, so that there is one of its kind only. */
int start_open_lock(const struct options *o, enum shm_kind kind);

/* The same for one that needs the shared memory and nothing else. */
int start_helper(const char *command, pid_t *ret);

/* Whether the program at path would take over: asks it. */
int start_check(const char *path, struct err *e);
