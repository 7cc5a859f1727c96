/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From a node number to the file itself, in a file system whose owner is hostile and changes it at the same time.
 *
 * Every step is one name in one directory descriptor (openat2: beneath, no symbolic links, no mounts), and what is found
 * is compared with the identity that the node has; another file there is ESTALE, on which the kernel looks the name up
 * again. Nothing but directories and verified regular files is ever opened otherwise than O_PATH.
 *
 * Descriptors of directories are cached and let go after some seconds without use.
 */
#pragma once

#include <sys/stat.h>

#include "fs/rootfs_node.h"
#include "fs/rootfs_volume.h"
#include "fs/session.h"

struct rootfs_dir {
	uint64_t ino;
	int fd;			/* O_PATH */
	struct rootfs_volume *v;	/* referenced */
	/* rootfs_place.c's own */
	unsigned refs;
	bool cached;
	long used;
	struct rootfs_dir *next, *newer, *older;
};

/* The directory with that number. ESTALE, ENOTDIR, and what openat2() says. */
int rootfs_dir_get(uint64_t ino, struct rootfs_dir **ret);
struct rootfs_dir *rootfs_dir_put(struct rootfs_dir *d);
static inline void cleanup_rootfs_dir(struct rootfs_dir **d) { rootfs_dir_put(*d); }
#define _cleanup_place_ __attribute__((cleanup(cleanup_rootfs_dir)))

/* As rootfs_dir_get(), for a change below it: EROFS in a snapshot. */
int rootfs_dir_get_write(uint64_t ino, struct rootfs_dir **ret);

/* An O_PATH descriptor of any node, verified, and its volume. For what lost its name: of an open handle, or held. */
int rootfs_open_node(uint64_t ino, struct rootfs_volume **ret_v);

/* The same, but only by its name. */
int rootfs_open_named(uint64_t ino, struct rootfs_volume **ret_v);

/* Attributes of any node, verified, and its volume. */
int rootfs_stat_node(uint64_t ino, struct rootfs_volume **ret_v, struct statx *ret);

/* Opens a regular file or directory behind an O_PATH descriptor. Anything else is -ELOOP, -ENXIO: never opened here. */
int rootfs_reopen(int path_fd, int flags);

/* "/proc/self/fd/N": the way to give an O_PATH descriptor to calls that take a path. */
struct rootfs_fd_path {
	char s[40];
};
struct rootfs_fd_path rootfs_fd_path(int fd);

#define ROOTFS_STATX (STATX_BASIC_STATS | STATX_BTIME)

/*
 * How long the kernel may believe what it was told: for an instant, so that the several calls that ls makes for one file ask once,
 * where a guest, a restore or another mount may change it; long in a snapshot.
 */
#define ROOTFS_TIMEOUT 0.01
#define ROOTFS_TIMEOUT_SNAPSHOT 60.0
static inline double rootfs_volume_timeout(const struct rootfs_volume *v)
{
	return v->slot ? ROOTFS_TIMEOUT_SNAPSHOT : ROOTFS_TIMEOUT;
}

/*
 * Attributes as the guest sees them, and how long the kernel may believe them. It keeps the listing of a directory until it hears of
 * another mtime: where a guest runs, it has to ask each time.
 */
double rootfs_attr(const struct rootfs_volume *v, const struct statx *sx, struct stat *ret);
/* name "": of the descriptor itself. */
int rootfs_stat(int dirfd, const char *name, struct statx *ret);

/* What is behind a name: its node (made when new, one lookup counted) and its attributes. */
int rootfs_entry(struct rootfs_dir *d, const char *name, struct fuse_entry_param *ret);
/* As rootfs_entry() for attributes that the caller has already, seen after that epoch. EAGAIN: they may be outdated. */
int rootfs_entry_from(struct rootfs_dir *d, const char *name, const struct statx *sx, uint64_t epoch,
		      struct fuse_entry_param *ret);

/* Identity of a file in that volume, which is the inode number shown; dev is 0 for the device of the root directory. */
uint64_t rootfs_shown_ino(const struct rootfs_volume *v, uint64_t dev, uint64_t ino);
uint64_t rootfs_identity_of(const struct rootfs_volume *v, const struct statx *sx);
/* What of its birth time a node remembers; 0 when the file system has none. */
uint32_t rootfs_birth(const struct statx *sx);
