/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the server knows and must not forget when it is killed, but which does not belong on disk: open handles, pending
 * edits, scratch files, tombstones, running operations, requests under way.
 *
 * A map (kind, key) -> bytes in memory shared with the holder (a memfd, or a file on tmpfs in tests). Changes are grouped in
 * transactions, which are appended to a log and become visible by one atomic store: a server killed at any instruction leaves
 * the map before or after a transaction, never between. When a log area is full, the live records move to the other area and
 * one store switches. A new server calls keep_attach() and finds the map as it was.
 *
 * Any thread may call; one short mutex inside, which is a leaf in the lock order.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/core/buf.h"

enum keep_kind {		/* append only: the numbers live in a running holder across upgrades */
	KEEP_HANDLE = 1,	/* fh -> struct handle                                   fs/edit.c */
	KEEP_PENDING = 2,	/* ino -> bytes of an edit that is not committed          fs/edit.c */
	KEEP_SCRATCH = 3,	/* ino -> scratch node: meta, parent, name                fs/scratch.c */
	KEEP_SCRATCH_DATA = 4,	/* ino -> its bytes                                       fs/scratch.c */
	KEEP_TOMB = 5,		/* ino -> tombstone                                       fs/tomb.c */
	KEEP_REQUEST = 6,	/* unique -> result of a mutation that may be re-sent     fs/request.c */
	KEEP_DEFERRED = 7,	/* unique -> raw request that waits for its reply         fs/request.c */
	KEEP_POLL = 8,		/* kh -> ino of a waiting poller                          fs/session.c */
	KEEP_OP = 9,		/* op id -> running operation                             core/op.c */
	KEEP_STREAM = 10,	/* fh -> position of a reader of `events`                 fs/ */
	KEEP_EVENTS = 11,	/* number -> part of the event log                        core/event.c */
	KEEP_COUNTER = 12,	/* name hash -> uint64_t                                  anybody */
	KEEP_DIRTY = 13,	/* object id -> change under way, caches to be dropped    fs/ */
	KEEP_ROOTFS = 14,	/* inode -> place below a root file system                fs/rootfs*.c */
	KEEP_ERROR = 15,	/* object id -> its last failure                          core/object.c */
	KEEP_EXEC = 16,		/* (object, slot) -> running command                      core/exec.c */
	KEEP_BACKEND = 17,	/* object id -> whatever a backend wants to find again    backends */
	KEEP_BASIS = 18,	/* number -> what a document was made from                fs/basis.c */
	KEEP_CPUS = 19,		/* ino of a directory -> of how many CPUs the kernel has names  fs/proc.c */
	KEEP_MAKER = 20,	/* number -> who made a profile                           fs/copier.c */
	KEEP_SEEN = 24,		/* object id -> inodes in expanded/ that the kernel knows   fs/expanded.c */
	KEEP_KIND_MAX = 32,
};

/* Size of the shared memory that holds both log areas and the header. Untouched pages cost nothing. */
#define KEEP_SIZE (128u << 20)

/* Uses fd (KEEP_SIZE bytes, any MAP_SHARED-able file); an empty one is formatted. 0, -EPROTO (a version that we do not know). */
int keep_attach(int fd);

/* For tests and for programs without a holder: an anonymous map. */
int keep_attach_private(void);
void keep_detach(void);

/*
 * One change. For several at once: keep_begin(), any number of keep_put() and keep_del() from the same thread, keep_end().
 * keep_begin() takes the mutex, so that nothing slow belongs in between. Returns 0 or -ENOSPC; after -ENOSPC keep_end()
 * drops the whole transaction and returns -ENOSPC as well.
 */
void keep_begin(void);
int keep_end(void);
int keep_put(enum keep_kind kind, uint64_t key, const void *data, size_t len);
int keep_del(enum keep_kind kind, uint64_t key);

/* Adds a copy of the record to out. True when there is one. */
bool keep_get(enum keep_kind kind, uint64_t key, struct buf *out);

/* Copies a record of exactly len bytes. False when there is none or its length differs. */
bool keep_get_struct(enum keep_kind kind, uint64_t key, void *out, size_t len);

bool keep_has(enum keep_kind kind, uint64_t key);

/* Calls f for each record of the kind, on copies: f may call keep_put() and keep_del(). Stops at and returns the first non-zero. */
int keep_each(enum keep_kind kind, int (*f)(uint64_t key, const void *data, size_t len, void *arg), void *arg);
