/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* iproute2, nft and their like: found at fixed places, run with argument vectors and text on their standard input, never by a shell. */
#pragma once

#include <sys/types.h>

#include "backends/core/buf.h"
#include "backends/core/err.h"

enum program { PROGRAM_IP, PROGRAM_TC, PROGRAM_BRIDGE, PROGRAM_NFT, PROGRAM_DNSMASQ, PROGRAM_NSENTER, PROGRAM_MAX };

/* Its path, or NULL: it is not installed. */
const char *program_path(enum program p);

/*
 * Lines for `ip -batch`, `tc -batch`, `bridge -batch` or `nft -f`, done in order up to the first that fails; nft does all or
 * nothing. The sentence has the program's own words and the line. EEXIST, EBUSY, ENODEV, EOPNOTSUPP where those words mean it,
 * else EIO. Empty text: nothing is run.
 */
int program_batch(enum program p, const struct buf *text, struct err *e);

/* `ip -batch` in the network namespace of a process. */
int program_ip_in(pid_t pid, const struct buf *text, struct err *e);

/* With arguments; argv[0] included, ended by NULL. */
int program_run(enum program p, const char *const *argv, struct err *e);
