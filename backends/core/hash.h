/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* FNV-1a of 64 bits, for names and keys that nobody attacks; results that others remember (on disk, in names) depend on it. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_INIT 0xcbf29ce484222325ULL

/* Goes on from h. */
static inline uint64_t hash_bytes(uint64_t h, const void *data, size_t len)
{
	for (const unsigned char *p = data; len--; p++)
		h = (h ^ *p) * 0x100000001b3ULL;
	return h;
}
