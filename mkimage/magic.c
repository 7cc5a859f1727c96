// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mkimage/magic.h"

#include <string.h>

static const struct {
	const char *name;
	size_t at, len;
	const char *bytes;
} kinds[] = {
	[MAGIC_UNKNOWN] = { "unknown", 0, 0, "" },
	[MAGIC_EMPTY] = { "empty", 0, 0, "" },
	[MAGIC_TAR] = { "tar", 257, 5, "ustar" },
	[MAGIC_GZIP] = { "gzip", 0, 2, "\x1f\x8b" },
	[MAGIC_BZIP2] = { "bzip2", 0, 2, "BZ" },
	[MAGIC_XZ] = { "xz", 0, 5, "\xfd" "7zXZ" },
	[MAGIC_LZMA] = { "lzma", 0, 3, "\x5d\0\0" },
	[MAGIC_ZSTD] = { "zstd", 0, 4, "\x28\xb5\x2f\xfd" },
	[MAGIC_LZ4] = { "lz4", 0, 4, "\x04\x22\x4d\x18" },
	[MAGIC_SQUASHFS] = { "squashfs", 0, 4, "hsqs" },
	[MAGIC_QCOW2] = { "qcow2", 0, 3, "QFI" },
};

enum magic magic_detect(const void *data, size_t len)
{
	if (!len)
		return MAGIC_EMPTY;
	for (size_t i = MAGIC_TAR; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (len >= kinds[i].at + kinds[i].len && !memcmp((const char *)data + kinds[i].at, kinds[i].bytes, kinds[i].len))
			return (enum magic)i;
	}
	return MAGIC_UNKNOWN;
}

const char *magic_name(enum magic m)
{
	return kinds[m].name;
}
