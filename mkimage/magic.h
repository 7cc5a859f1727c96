/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a file is, by its first bytes (features.md section 4.2). */
#pragma once

#include <stddef.h>

#define MAGIC_BYTES 512		/* enough to tell */

enum magic {
	MAGIC_UNKNOWN, MAGIC_EMPTY, MAGIC_TAR, MAGIC_GZIP, MAGIC_BZIP2, MAGIC_XZ, MAGIC_LZMA, MAGIC_ZSTD, MAGIC_LZ4, MAGIC_SQUASHFS, MAGIC_QCOW2,
};

enum magic magic_detect(const void *data, size_t len);
const char *magic_name(enum magic m);		/* "gzip", "squashfs", ... */
