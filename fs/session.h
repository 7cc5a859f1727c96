/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The FUSE session as a server process sees it: requests come from the descriptor that the holder keeps, straight into slots of
 * the shared memory; a server that takes over replays INIT, gets back what was in flight, and goes on.
 */
#pragma once

#include <stdbool.h>

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include "backends/core/caller.h"
#include "backends/core/err.h"

/* The operations of the control tree; fs/ops.c. */
extern const struct fuse_lowlevel_ops fs_ops;
extern const struct fuse_lowlevel_ops rootfs_ops;	/* fs/rootfs.c: the same table for inodes with ROOTFS_BIT set */

/*
 * Of fs/ops.c: called once, after the model and the backends stand and before any request is handled. first: nothing can be known
 * of an earlier server; else drops from the kernel's caches what changed while no server was looking (KEEP_DIRTY).
 */
void fs_takeover(bool first);

/* What one kind of mount serves. Its operations and capabilities must never change while a mount lives. */
struct session_class {
	const struct fuse_lowlevel_ops *ops;	/* without init */
	unsigned caps;				/* FUSE_CAP_*, wanted if the kernel has them; no others */
	int readers;				/* threads, at most SHM_READERS */
};

/*
 * Whether the kernel takes ENOSYS for an answer to OPENDIR: it asks no more on the whole mount, and keeps every listing until the
 * directory's mtime is another one. So there are no handles of directories, and who changes a listing moves the mtime.
 */
bool session_without_opendir(void);

/* Runs until the file system is unmounted. Called by the server's main() after everything else stands. */
int session_run(const struct session_class *c, struct err *e);

/* ---- for handlers ---- */
/* Who asks. Valid in the thread that handles the request, until it returns; copy it to keep it. */
void request_caller(fuse_req_t req, struct caller *ret);

/*
 * Mutations (mkdir, rename, unlink, a committed write, ...) that were carried out but whose reply was lost must not be carried out
 * again. Before changing anything, with all checks passed, a handler calls request_begin(); afterwards, in the same keep transaction
 * as its own records if it has any, request_result(). The record vanishes when the reply was sent.
 *   REQUEST_NEW    first time.
 *   REQUEST_AGAIN  an earlier server had begun: do it again, and take "it is already so" (EEXIST, ENOENT) for success.
 *   REQUEST_DONE   it was done: *result (0 or -errno) and *ino (of what was made) are what to reply.
 * request_seen() tells the same without beginning.
 */
enum { REQUEST_NEW, REQUEST_AGAIN, REQUEST_DONE };
int request_begin(const struct caller *who, int *result, uint64_t *ino);
int request_seen(const struct caller *who, int *result, uint64_t *ino);
void request_result(const struct caller *who, int result, uint64_t ino);

/*
 * The handler will reply later, from any thread: saves the raw request so that the next server handles it again.
 * cancel(arg) is called, from the session's thread, when the client is interrupted (EINTR is then the handler's to reply).
 * Must be called before the handler returns and before anybody can reply.
 */
void request_defer(fuse_req_t req, void (*cancel)(fuse_req_t req, void *arg), void *arg);
/* It will be answered before the handler returns after all: when this returns, cancel() is not running and will not be called. */
void request_undefer(fuse_req_t req);

/* ---- cache invalidation: a transactional ring in the shared memory, sent by the holder. Cheap, any thread, never blocks. ---- */
void notify_inode(uint64_t ino, bool data);			/* attributes, and with data the pages or the cached listing */
void notify_hush(uint64_t ino);		/* this thread tells nothing of that one, the kernel knows already; 0: ends that */
void notify_entry(uint64_t parent, const char *name);		/* a name came, went, or means something else */
void notify_poll(uint64_t ino);					/* wakes pollers of that file */
/* Drops the pages of a file at that time of shm_clock(): who reads them by sendfile(2) or mmap(2) asks for no attributes first. */
void notify_expire(uint64_t ino, uint64_t when_ns);
/* Has the kernel ask for the attributes of a path (relative to the mount point): a file became longer than it knows. */
void notify_look(const char *path);
/* As a program would: opens and closes the path (relative to the mount point) for writing or touches a directory, so that inotify
 * sees a change that the daemon made by itself. Sent by a helper of the holder; its requests have session_is_poker(pid). */
void notify_touch(const char *path);
bool session_is_poker(pid_t pid);

/* poll(2) on a file: remembers the handle of the request across servers. To be called by the handler of POLL instead of keeping ph. */
void poll_remember(fuse_req_t req, uint64_t ino, struct fuse_pollhandle *ph);

/* The mount point, and options that handlers need. */
struct session_options {
	const char *mountpoint;		/* absolute */
	bool read_only;
	bool allow_other;
	uid_t owner;			/* who mounted */
};
const struct session_options *session_options(void);
