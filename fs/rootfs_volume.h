/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One mounted root file system as the passthrough sees it: where it is, whose ids, whether it may be written.
 *
 * A volume never changes once made; when the file system is mounted anew (another mount id at its path) a new one takes
 * its place. Each holds a descriptor of its root, which is why all of them are let go when nobody uses them for a while: a
 * file system that was unmounted lazily is not gone before.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backends/core/caller.h"
#include "backends/core/idmap.h"
#include "backends/core/object.h"

struct rootfs_volume {
	struct object *o;	/* referenced */
	uint32_t slot;		/* of the snapshot, 0: the instance itself */
	bool read_only;
	int fd;			/* O_PATH, of the root directory */
	uint64_t mount_id, dev, root_ino;
	struct idmap map;
	char path[512];
	/* rootfs_volume.c's own */
	unsigned refs;
	long used;		/* seconds, coarse */
	struct rootfs_volume *next;
};

/* Mounts when needed. ESTALE: the instance or the snapshot is gone. */
int rootfs_volume_get(uint32_t object, uint32_t slot, struct rootfs_volume **ret, struct err *e);
struct rootfs_volume *rootfs_volume_ref(struct rootfs_volume *v);
struct rootfs_volume *rootfs_volume_put(struct rootfs_volume *v);	/* NULL is fine; returns NULL */
static inline void cleanup_rootfs_volume(struct rootfs_volume **v) { rootfs_volume_put(*v); }
#define _cleanup_volume_ __attribute__((cleanup(cleanup_rootfs_volume)))

/* Whether a volume that was got earlier is still what is mounted there. */
bool rootfs_volume_current(const struct rootfs_volume *v);

/* Whether files can be linked and renamed between the two. */
static inline bool rootfs_volume_same(const struct rootfs_volume *a, const struct rootfs_volume *b)
{
	return a == b || (a->o == b->o && a->slot == b->slot && a->mount_id == b->mount_id);
}

/* Ids as the guest sees them and back; a caller's id that the guest cannot have: false. */
uint32_t rootfs_to_guest(const struct rootfs_volume *v, bool group, uint32_t host);
bool rootfs_to_host(const struct rootfs_volume *v, bool group, uint32_t guest, uint32_t *ret);

/* Seconds since boot, coarse and cheap. */
long rootfs_now(void);

/*
 * Makes new files belong to the caller and have exactly the mode asked for: sets fsuid, fsgid and umask of this thread,
 * keeping its capabilities, until rootfs_leave(). EOVERFLOW: the guest has no such id. Nothing but the one system call
 * belongs in between.
 */
struct rootfs_identity_held {
	bool held;
	uint32_t umask;
};
int rootfs_enter(const struct rootfs_volume *v, const struct caller *who, struct rootfs_identity_held *ret);
/* The same as somebody whom the guest knows, for link and rename, which make nothing but refuse those whom it does not. */
int rootfs_enter_anybody(const struct rootfs_volume *v, struct rootfs_identity_held *ret);
void rootfs_leave(struct rootfs_identity_held *h);
