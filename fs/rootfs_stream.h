/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Streams of directory entries below rootfs/, for listings without handles.
 *
 * A request tells only the directory and the cookie of the last entry that its client has. overlayfs numbers the entries of a merged
 * directory anew for each stream that is opened after a change, so a listing has to go on in the stream in which it began: one that
 * is not at its end waits here for the request that goes on at its cookie. When that stream is gone (a new server, many listings at
 * once, a client that came back after seconds) the listing goes on in a new one at that cookie.
 *
 * A stream belongs to one thread from rootfs_stream_take() to rootfs_stream_give(); it needs no lock. Those that wait are guarded by
 * a leaf mutex of rootfs_stream.c, and let go after some seconds.
 */
#pragma once

#include <stdint.h>

#include "fs/rootfs_place.h"

struct rootfs_dirent {	/* as getdents64() gives it */
	uint64_t ino;
	int64_t cookie;
	uint16_t len;
	uint8_t type;
	char name[];
};

struct rootfs_stream {
	struct rootfs_dir *dir;	/* referenced */
	int64_t cookie;		/* of the entry before the next one */
	/* rootfs_stream.c's own */
	int fd;
	char *entries;		/* read, and from pos on not yet passed */
	size_t pos, len;
	long used;
	struct rootfs_stream *next;
};

/* The stream that stands behind that cookie; 0: from the beginning, always as the directory is now. ESTALE, ENOTDIR, ENOMEM. */
int rootfs_stream_take(uint64_t ino, int64_t cookie, struct rootfs_stream **ret);
/* The next entry, which stays the next until rootfs_stream_pass(). 1, 0 at the end, -errno. */
int rootfs_stream_next(struct rootfs_stream *s, const struct rootfs_dirent **ret);
void rootfs_stream_pass(struct rootfs_stream *s);
/* Keeps it for the request that goes on at its cookie. */
void rootfs_stream_give(struct rootfs_stream *s);
void rootfs_stream_close(struct rootfs_stream *s);
