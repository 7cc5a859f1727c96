/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The policy over system calls that liblxc gets, from security.syscalls.* or raw.seccomp. */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/config.h"

/* False: none is needed (everything is allowed). */
bool seccomp_make(const struct expanded *x, struct buf *out);

/* Whether this kernel can hand system calls to somebody else (security.syscalls.intercept.*; Linux 5.5). */
bool seccomp_intercepts(void);
