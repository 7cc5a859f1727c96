/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Names of system calls and policies over them, in the form of liblxc. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "backends/core/err.h"

/*
 * A line of security.syscalls.deny or .allow: a name that this architecture (or its 32-bit side) knows, with action also
 * "errno N" or "kill"; blank lines and '#' comments are right too. EINVAL.
 */
int syscalls_check_line(const char *line, size_t len, unsigned number, bool action, struct err *e);

/* A whole policy (raw.seccomp): version, denylist or allowlist, sections of architectures, lines. EINVAL. */
int syscalls_check_policy(const char *text, struct err *e);
