/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Unpacking a unified image: metadata.yaml, templates/ and either rootfs/ or, for virtual machines, rootfs.img with what may stand
 * beside it (kernel, initrd, cmdline) of a tar archive with any compression, into a directory.
 * The archive is hostile: nothing is ever written outside of the directory, whatever names and links are in it, and limits hold.
 *
 * Owners are taken by number, holes, hard links, extended attributes (security.capability, user.*) and ACLs are kept. Device nodes
 * and sockets are skipped and counted. Members beside those are ignored.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backends/core/err.h"
#include "mkimage/metadata.h"

struct archive;

struct unpack_limits {
	uint64_t bytes;		/* of file contents, holes not counted; 0: no limit */
	uint64_t entries;	/* members; 0: no limit */
	uint64_t ratio;		/* contents over what was read of the archive, from UNPACK_RATIO_FROM bytes on; 0: no limit */
	int64_t ids;		/* owners must be below */
};

#define UNPACK_RATIO_FROM (UINT64_C(1) << 30)
#define UNPACK_LIMITS_DEFAULT { .entries = 2000000, .ratio = 500, .ids = 65536 }

struct unpacked {
	struct metadata metadata;
	uint64_t entries, bytes, devices;
	bool has_metadata, has_rootfs;
	bool has_disk;		/* rootfs.img */
};

/* An archive on a descriptor, which stays the caller's: all compressions that are built in (no external programs), tar only. */
struct archive *unpack_open(int fd, struct err *e);

/*
 * Reads to the end of the archive. target: an empty directory of the caller's; -1: nothing is written, only looked at. On failure
 * the sentence names the member, and the target is left as it is. EINVAL: not an archive, damaged, or against the rules;
 * EOPNOTSUPP: an image of a kind that cannot be unpacked; EFBIG, ENOSPC: limits.
 */
int unpack_archive(struct archive *a, int target, const struct unpack_limits *l, struct unpacked *ret, struct err *e);

static inline const char *unpacked_type(const struct unpacked *u)
{
	return u->has_disk ? "virtual-machine" : "container";
}
