/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Row tables. One row is one file (or directory, or link) of the tree: its name stands here and nowhere else. Lookup, attributes,
 * listings, access checks, invalidation, documentation (doc/tree.md is checked against them) and tests all come from the rows.
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>

#include "backends/core/buf.h"
#include "backends/core/caller.h"
#include "backends/core/object.h"
#include "fs/node.h"

/* Explicit and append-only: they are part of inode numbers that clients keep. 1 is the root; 2 is kept free for "..". */
enum row_id {
	ROW_ROOT = 1,
	/* the top level */
	ROW_README = 3, ROW_VERSION = 4, ROW_TOP_ERROR = 5, ROW_EVENTS = 6, ROW_EVENTS_LOG = 7, ROW_METRICS = 8,
	ROW_INSTANCES = 9, ROW_IMAGES = 10, ROW_PROFILES = 11, ROW_ROOTFS_DIR = 12, ROW_TRASH = 13, ROW_SETTINGS = 14,
	ROW_BY_FINGERPRINT = 15, ROW_BY_FINGERPRINT_LINK = 16,
	/* made by name */
	ROW_ENTRY = 32, ROW_SCRATCH_DIR = 33, ROW_INSTANCE = 34, ROW_PROFILE = 35, ROW_IMAGE = 36, ROW_TRASHED = 37,
	ROW_SNAPSHOT = 38, ROW_EXEC = 39,
	/* an instance */
	ROW_TYPE = 64, ROW_SOURCE = 65, ROW_STATE = 66, ROW_DESCRIPTION = 67, ROW_PROFILES_LIST = 68, ROW_ARCHITECTURE = 69,
	ROW_EPHEMERAL = 70, ROW_CREATED = 71, ROW_LAST_USED = 72, ROW_CONFIG_YAML = 73, ROW_RESTORE = 74, ROW_CONSOLE = 75,
	ROW_TTY = 76, ROW_LOG = 77, ROW_ROOTFS_LINK = 78, ROW_PROGRESS = 79, ROW_ERROR = 80,
	ROW_CONFIG = 81, ROW_DEVICES = 82, ROW_EXPANDED = 83, ROW_SNAPSHOTS = 84, ROW_EXECS = 85, ROW_USAGE = 86,
	ROW_RUNTIME = 87, ROW_VOLATILE = 88, ROW_WAIT = 89,
	ROW_EXPANDED_YAML = 96, ROW_EXPANDED_CONFIG = 97, ROW_EXPANDED_DEVICES = 98, ROW_EXPANDED_KEY = 99,
	ROW_EXPANDED_DEVICE = 100,
	ROW_USAGE_CPU = 112, ROW_USAGE_CPU_USER = 113, ROW_USAGE_CPU_SYSTEM = 114, ROW_USAGE_MEMORY = 115,
	ROW_USAGE_MEMORY_PEAK = 116, ROW_USAGE_MEMORY_LIMIT = 117, ROW_USAGE_SWAP = 118, ROW_USAGE_PIDS = 119,
	ROW_USAGE_PIDS_LIMIT = 120, ROW_USAGE_DISK = 121, ROW_USAGE_NETWORK = 122, ROW_USAGE_DISK_ITEM = 123,
	ROW_USAGE_NETWORK_ITEM = 124, ROW_USAGE_DISK_LIMIT = 440,
	ROW_SOURCE_LINK = 90,
	ROW_RUNTIME_PID = 128, ROW_RUNTIME_STARTED = 129, ROW_RUNTIME_CGROUP = 130, ROW_RUNTIME_ADDRESSES = 131,
	ROW_RUNTIME_PENDING = 132, ROW_RUNTIME_EFFECTIVE = 133, ROW_RUNTIME_WARNINGS = 134,
	ROW_RUNTIME_DEVICES = 140, ROW_RUNTIME_DEVICE = 141,
	ROW_VOLATILE_KEY = 144,
	ROW_WAIT_RUNNING = 145, ROW_WAIT_STOPPED = 146, ROW_WAIT_FROZEN = 147, ROW_WAIT_ADDRESS = 148, ROW_WAIT_READY = 149,
	/* a snapshot */
	ROW_SNAP_CREATED = 160, ROW_SNAP_EXPIRES = 161, ROW_SNAP_SIZE = 162, ROW_SNAP_DESCRIPTION = 163,
	ROW_SNAP_CONFIG_YAML = 164, ROW_SNAP_ROOTFS = 165,
	/* a command */
	ROW_EXEC_COMMAND = 176, ROW_EXEC_ARGV = 177, ROW_EXEC_STDIN = 178, ROW_EXEC_ENV = 179, ROW_EXEC_USER = 180,
	ROW_EXEC_CWD = 181, ROW_EXEC_OUTPUT = 182, ROW_EXEC_STDOUT = 183, ROW_EXEC_STDERR = 184, ROW_EXEC_STATUS = 185,
	ROW_EXEC_WAIT = 186,
	/* an image */
	ROW_IMG_TYPE = 192, ROW_IMG_ARCHITECTURE = 193, ROW_IMG_FINGERPRINT = 194, ROW_IMG_SIZE = 195, ROW_IMG_CREATED = 196,
	ROW_IMG_EXPIRES = 197, ROW_IMG_UPLOADED = 198, ROW_IMG_LAST_USED = 199, ROW_IMG_SOURCE = 200, ROW_IMG_METADATA = 201,
	ROW_IMG_DATA = 202, ROW_IMG_PROPERTIES = 203, ROW_IMG_USED_BY = 204, ROW_IMG_PROGRESS = 205, ROW_IMG_ERROR = 206,
	ROW_IMG_USER_LINK = 207, ROW_IMG_PUBLIC = 208,
	/* a profile */
	ROW_PRO_DESCRIPTION = 224, ROW_PRO_CONFIG_YAML = 225, ROW_PRO_CONFIG = 226, ROW_PRO_DEVICES = 227, ROW_PRO_USED_BY = 228,
	ROW_PRO_ERROR = 229, ROW_PRO_USER_LINK = 230,
	/* networks */
	ROW_NETWORKS = 320, ROW_NETWORK = 321, ROW_NET_DESCRIPTION = 322, ROW_NET_CONFIG_YAML = 323, ROW_NET_CONFIG = 324,
	ROW_NET_VOLATILE = 325, ROW_NET_STATE = 326, ROW_NET_LEASES = 327, ROW_NET_USED_BY = 328, ROW_NET_ERROR = 329,
	ROW_NET_USER_LINK = 330,
	/* what lies in the trash */
	ROW_TRASH_REMOVED = 240, ROW_TRASH_EXPIRES = 241, ROW_TRASH_CONFIG_YAML = 242, ROW_TRASH_ERROR = 243,
	/* proc/ and sys/ of an instance: the library's numbers behind this one, up to 319 */
	ROW_PROC = 256, ROW_PROC_DIR = 257, ROW_SYS_DIR = 276,
	/* proc/ and sys/ at the top: the library's numbers behind this one, up to 431 */
	ROW_ASKED = 400, ROW_ASKED_PROC = 401, ROW_ASKED_SYS = 420,
	/* below CPUs there: the library's numbers behind this one */
	ROW_ASKED_DEEP = 512,
	ROW_MAX = 576,
};

enum {
	ROW_UNLISTED = 1 << 0,		/* can be opened by name, is not in listings */
	ROW_FIELD = 1 << 1,		/* bytes are an ENT_FIELD of the same name, set through config_set() */
	ROW_VOLATILE_ALWAYS = 1 << 2,	/* changes by itself: never cached */
	ROW_VOLATILE_RUN = 1 << 3,	/* changes by itself while the instance is not stopped */
	ROW_COMMAND = 1 << 4,		/* a write is a request, not content: edits start from nothing */
	ROW_DOCUMENT = 1 << 5,		/* several lines make one value: never committed by a single write */
	ROW_FACT = 1 << 7,		/* what copies write to it is dropped */
	ROW_TEXT = 1 << 6,		/* a ROW_FIELD that reads as it was written as long as that is what it says, see config.yaml */
};

struct view;
struct children;

/* Files whose content is not one value: images (large), the console, output of commands. Entries may be NULL. */
struct stream {
	int (*open)(struct view *v, bool trunc, struct err *e);		/* for writing */
	int (*read)(struct view *v, size_t size, off_t off, struct buf *out, struct err *e);
	int (*size)(struct view *v, uint64_t *ret, struct err *e);
	int (*write)(struct view *v, const char *data, size_t len, off_t off, struct err *e);
	/* last: nobody writes any more; else the opener closed its descriptor. 0, 1 (v->done comes later), -errno */
	int (*finish)(struct view *v, bool last, struct err *e);
	/* Reading blocks: fh is what open_read() gave. 0: out is the answer, empty at the end. 1: v->ready(v->done_arg) is called
	 * once, from any thread, when it is worth to try again; v->wait_id is set, for cancel(), before it can be called. */
	int (*wait)(struct view *v, uint64_t fh, size_t size, off_t off, struct buf *out, struct err *e);
	bool (*cancel)(uint64_t wait_id);				/* true: ready will not be called any more */
	uint64_t (*open_read)(struct view *v);				/* a number without anything behind it that could be lost */
};

/* What a directory holds: fixed rows (ended by id 0) and what is made by name. */
struct dir {
	const struct row *rows;
	const struct children *children;
};

struct row {
	uint16_t id;
	uint16_t link;			/* id of the row that it looks like right after a symlink() at this name */
	const char *name;		/* NULL: the parent's children give the names */
	mode_t mode;			/* type and default permissions */
	unsigned flags;
	unsigned deps;			/* CHANGED_*: what makes a cached copy wrong */
	const struct dir *dir;
	/* The whole content (link target for links). -ENODATA: reads as empty. */
	int (*show)(struct view *v, struct buf *out, struct err *e);
	/* One whole value. 0 done, 1: v->done() is called later, -errno. */
	int (*store)(struct view *v, const char *value, size_t len, struct err *e);
	const struct stream *stream;
	/* Whether it is there now. NULL: always. */
	bool (*exists)(struct view *v);
	const char *item;		/* for rows that share functions */
	const char *doc;
};

/* One name in a listing. number: ascending within the directory, the cookie. */
typedef int (*list_fn)(void *arg, uint64_t number, const char *name, uint64_t ino, mode_t type);

/* What a directory holds besides fixed rows. NULL entries: not possible here (EPERM). */
struct children {
	enum entry_kind kind;		/* files here are entries of that kind; 0: no */
	bool editable;			/* scratch files are accepted */
	bool guests;			/* links that copies bring are taken, for a moment */
	bool dynamic;			/* names come and go by themselves: listings and names are not cached */
	int (*lookup)(struct view *dir, const char *name, uint64_t *ino);	/* 0, -ENOENT */
	int (*list)(struct view *dir, uint64_t after, list_fn emit, void *arg);
	int (*make)(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e);	/* mkdir; 1: later */
	int (*remove)(struct view *dir, const char *name, struct err *e);					/* rmdir; 1: later */
	int (*rename)(struct view *from, const char *name, struct view *to, const char *new_name, struct err *e);
	/* A file of any name is created (images/NAME.tar.xz); ino of what it really is. */
	int (*accept)(struct view *dir, const char *name, const struct meta *m, uint64_t *ino, struct err *e);
	/* Of dynamic ones in a directory that changes by itself only while the instance runs: the names that the kernel was allowed to
	 * keep may be wrong now. */
	void (*changed)(struct object *o, const struct row *dir);
};

extern const struct row root_row, entry_row, scratch_dir_row;
extern const struct row instance_row, profile_row, image_row, trashed_row, snapshot_row, exec_row, network_row;
extern const struct dir instance_dir, profile_dir, image_dir, trashed_dir, snapshot_dir, exec_dir_class, network_dir;

/* The row with that id, NULL: none. Rows are found by walking from root_row and the rows made by name, once, at start. */
const struct row *row_by_id(unsigned id);
const struct row *row_in(const struct dir *d, const char *name);
/* The document of such objects, NULL: none. */
const struct row *row_text(const struct dir *d);
/* The row of the directory in which it stands, NULL for the root. */
const struct row *row_parent(unsigned id);
int row_init(void);	/* -EINVAL: two rows with one id (a programming error, found by the table test) */
/* Calls f for every row with its path in the tree ("instances/NAME/state"). */
int row_each(int (*f)(const char *path, const struct row *r, void *arg), void *arg);
