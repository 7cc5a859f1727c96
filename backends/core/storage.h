/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Root file systems of instances, behind one small table per driver. The contract is in paths: a driver owns the directory
 * `vol->dir` (instances/NAME in the store) except object.json, run.json and logs there, and needs nothing else to find its way.
 *
 * On disk ids are the guest's. rootfs_mount() makes it visible on the host, shifted for the instance, at
 * RUNDIR/rootfs/ID (or ID.SLOT for a snapshot), where the starter, the passthrough and the usage find it in every
 * state. These mounts are private, stay while the server is away, and go with rootfs_unmount().
 *
 * Bases (unpacked images) are BASES/FINGERPRINT/rootfs in the store; they live while an image or a volume refers to them.
 */
#pragma once

#include "backends/core/idmap.h"
#include "backends/core/object.h"

struct volume {
	char dir[512];		/* absolute path of the object's directory in the store */
	char base[512];		/* absolute path of the base's rootfs, "" when there is none */
	char snap[NAME_LEN_MAX + 1];	/* name of a snapshot of it, "" for the volume itself */
	uint32_t project;		/* number that its files have for quotas; 0: none, as those of snapshots */
};

struct storage_ops {
	const char *name;		/* "overlay", "dir" */
	bool disks;			/* for instances whose image has a disk: virtual machines */
	/* Can it work with that state directory? (reflink, overlay with idmapped layers) */
	int (*probe)(const char *state_dir, struct err *e);
	/* All of these are re-startable: leftovers of an interrupted run are replaced. Progress may be NULL. */
	int (*create)(const struct volume *v, struct op *op, struct err *e);				/* from v->base, or empty */
	int (*copy)(const struct volume *v, const struct volume *from, struct op *op, struct err *e);	/* from a volume or a snapshot */
	int (*snapshot)(const struct volume *v, const char *name, struct op *op, struct err *e);
	int (*snapshot_delete)(const struct volume *v, const char *name, struct err *e);
	int (*snapshot_rename)(const struct volume *v, const char *name, const char *new_name, struct err *e);
	int (*restore)(const struct volume *v, const char *name, struct op *op, struct err *e);
	int (*remove)(const struct volume *v, struct err *e);			/* may be slow: runs from the trash */
	int (*mount)(const struct volume *v, const struct idmap *m, const char *target, struct err *e);	/* snapshots read-only */
	/* Bytes that it takes, and those that it may take (0: no limit). */
	int (*usage)(const struct volume *v, uint64_t *bytes, uint64_t *limit, struct err *e);
	/* How many bytes it may take, *bytes 0: no limit; bytes NULL: only whether that can be held. -EOPNOTSUPP with the reason and with
	 * what would help when it cannot. */
	int (*limit)(const struct volume *v, const uint64_t *bytes, struct err *e);
	/* Calls f for each base that the volume or a snapshot of it needs; v->dir alone is filled, and may hold no volume of
	 * this driver. -errno when that cannot be told: then nothing is deleted. */
	int (*each_base)(const struct volume *v, void (*f)(const char *fingerprint, void *arg), void *arg);
};

/* list ends with NULL. Picks the first driver whose probe succeeds, or default_name (then it must). Call after
 * model_open(), before anything is mounted or unpacked; adds a line to version. */
int storage_init(const struct storage_ops *const *list, const char *default_name, struct buf *version, struct err *e);

/* The driver and the volume of an instance ("driver", "base" are internal fields of it). ENOENT: it has no root file
 * system yet. */
int storage_volume(struct object *o, const char *snap, const struct storage_ops **ret_ops, struct volume *ret, struct err *e);
/* For a new volume: the default driver, or the one for disks, recorded in the object together with base (fingerprint or ""). */
int storage_assign(struct object *o, const char *base, bool disk, struct err *e);
bool storage_exists(struct object *o);		/* has a root file system */

/* Makes sure that it is mounted; path of the mount point. snap "" or NULL: the instance's own. Safe to call often. */
int rootfs_mount(struct object *o, const char *snap, char *path, size_t size, struct err *e);
/* snap NULL: the instance's and all of its snapshots'. Not mounted is success. EBUSY is overcome by a lazy unmount. */
int rootfs_unmount(struct object *o, const char *snap, struct err *e);

/* At a clean end of the daemon: unmounts everything that no running instance has, and with the last of it the directory.
 * Before model_close(); after it only storage_init() makes mounts possible again. */
void rootfs_close(void);

/* ---- bases ---- */
int base_dirfd(const char *fingerprint);	/* of BASES/FINGERPRINT, or -errno */
void base_path(const char *fingerprint, char *buf, size_t size);	/* .../rootfs */
/* Deletes every base that no image, instance, or trashed instance refers to. Slow parts in the background. */
void base_collect(void);
void base_wait(void);		/* until nothing is collected: before model_close() */

/* While held, no base is deleted: between finding a base and the record on disk that refers to it. Shared by any number
 * of threads, not to be taken twice by one. */
void base_hold(void);
void base_release(void);

/*
 * Making one: base_stage() gives BASES/.new-ID, empty and locked against a child of an earlier server that may still
 * write there (-EBUSY after ten seconds), and its path; base_install() writes it to disk and makes it
 * BASES/FINGERPRINT, or drops it when that is there already; base_unstage() drops it. base_dir() is BASES itself, for
 * records beside them (names that begin with a dot).
 */
int base_stage(uint32_t id, char *path, size_t size, struct err *e);
int base_install(uint32_t id, const char *fingerprint, struct err *e);
void base_unstage(uint32_t id);
int base_dir(void);
bool base_is_fingerprint(const char *s);	/* 64 hexadecimal digits */
