/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * For streams (fs/row.h) whose bytes are a file's: both take over the descriptor, which may be a negative errno; ENOENT and ENODATA
 * read as empty.
 */
#pragma once

#include <stdint.h>
#include <sys/types.h>

#include "backends/core/buf.h"

int stream_read_fd(int file, size_t size, off_t off, struct buf *out);
int stream_size_fd(int file, uint64_t *ret);
