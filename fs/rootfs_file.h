/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Open files below rootfs/. Directories have no handles: fs/rootfs_stream.h.
 *
 * A handle is a real descriptor in this process and a record in the keep (which node, which flags). When the server is
 * killed, the next one gets the descriptor back from the holder, when it first needs it. Most files are open for a moment
 * only, so the holder is given a descriptor when it has been open for a second, or before the file loses a name; one that
 * was not given is opened again through its node.
 */
#pragma once

#include <pthread.h>

#include "fs/rootfs_place.h"

struct rootfs_file {
	uint64_t fh, ino;
	int fd;
	int flags;		/* as opened, without O_CREAT, O_EXCL, O_TRUNC */
	struct rootfs_volume *v;	/* referenced */

	/* rootfs_file.c's own */
	unsigned refs;
	bool listed, stored;
	uint64_t unique;	/* of the request that opened it */
	long opened;
	struct rootfs_file *next, *next_fresh, **prev_fresh;
};

/* Takes over fd. The number goes to *ret; 0 is never one. */
int rootfs_file_new(const struct caller *who, uint64_t ino, int fd, int flags, struct rootfs_volume *v, uint64_t *ret);
/* The handle that the same request made before the server was killed, 0: none. */
uint64_t rootfs_file_again(const struct caller *who);

/* ESTALE: lost (the file had been removed by the guest and the holder does not have the descriptor). */
int rootfs_file_get(uint64_t fh, struct rootfs_file **ret);
struct rootfs_file *rootfs_file_put(struct rootfs_file *f);
static inline void cleanup_rootfs_file(struct rootfs_file **f) { rootfs_file_put(*f); }
#define _cleanup_handle_ __attribute__((cleanup(cleanup_rootfs_file)))
void rootfs_file_release(uint64_t fh);

/* Gives the holder all descriptors of that node now: it is about to lose a name. 0 is fine. */
void rootfs_file_secure(uint64_t ino);

/* An O_PATH descriptor of a file that somebody has open, and its volume; -ESTALE. */
int rootfs_file_of(uint64_t ino, struct rootfs_volume **ret_v);

/*
 * Appends exactly once: when the request was seen before, what may have been appended then is looked for behind the size
 * that the file had. Returns the count or -errno.
 */
ssize_t rootfs_file_append(struct rootfs_file *f, const struct caller *who, const char *data, size_t len);

