/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/err.h"

/* Addresses in the network namespace of a process, "eth0 inet 10.0.3.5/24" per line; loopback's and link-local ones too. */
int address_list(int pidfd, struct buf *out, struct err *e);
