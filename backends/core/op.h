/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Operations: changes that take time. At most one per object (a second gets EBUSY with the name of the first), executed by a pool
 * of workers, with progress, a reply to whoever waits, and a record in the keep: a new server picks up what an earlier one left.
 *
 * An executor must therefore be re-startable: run again with op->again set it finishes (or undoes) what it finds half done.
 */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/caller.h"
#include "backends/core/object.h"

enum op_kind {		/* append only: numbers are in records of a running holder */
	OP_START = 1, OP_STOP, OP_RESTART, OP_FREEZE, OP_THAW,
	OP_SOURCE,		/* arg: text written to `source` of an instance: create or rebuild its root file system */
	OP_SNAPSHOT,		/* arg: name, then mode (octal), uid and gid of the snapshot */
	OP_RESTORE,		/* arg: name */
	OP_IMAGE,		/* unpack and register what was copied into an image */
	OP_IMAGE_SOURCE,	/* arg: text written to `source` of an image */
	OP_PURGE,		/* remove from the trash for ever */
	OP_SNAPSHOT_DELETE,	/* arg: name */
	OP_KIND_MAX,
};

enum {
	OP_FORCE = 1 << 0,
	OP_STATEFUL = 1 << 1,
	OP_DAEMON = 1 << 2,	/* the daemon asks by itself (autostart) */
	OP_SHUTDOWN = 1 << 4,	/* the host goes down: at its next boot the instance counts as running */
	OP_BY_ROOT = 1 << 3,	/* the caller was root: set by op_submit() */
};

struct op {
	uint64_t id;
	enum op_kind kind;
	struct object *obj;		/* holds a reference */
	char arg[512];
	unsigned flags;
	unsigned timeout;		/* seconds, 0: the kind's default */
	uint64_t unique;		/* of the request that asked, 0: none waits (async) */
	struct timespec started;	/* CLOCK_REALTIME */
	bool again;			/* continued after a restart of the server */
	int result;			/* 0 or -errno once done */
	struct err err;
	enum inst_state before;		/* of the instance when the operation was accepted, by whichever server that was */
	enum inst_state after;		/* what op.c sets when it ends; executors change it (under o->lock) as they get on */
	bool begun;			/* a worker has it; under o->lock */
	bool ended;			/* the instance ended by itself meanwhile; under o->lock */
	/* op.c's own */
	struct op *next;
	char progress[160];
	void (*done)(void *arg, int result);
	void *done_arg;
	bool finished;
};

/* Whose rights count while it is carried out: root's, or those of somebody else, whoever that was. */
static inline struct caller op_caller(const struct op *op)
{
	const uid_t id = op->flags & OP_BY_ROOT ? 0 : 65534;

	return (struct caller){ .uid = id, .gid = id };
}

/* One row per kind; OP_KIND_MAX of them in instance.c/image.c, registered before op_init(). */
struct op_class {
	const char *name;		/* "start" */
	enum inst_state during;		/* state of an instance while it runs; INST_STOPPED: the state is left as it is */
	int (*execute)(struct op *op, struct err *e);
	/* May be NULL. After the end: the object is free for the next operation, done() was not called yet. */
	void (*ended)(struct op *op);
};
void op_register(enum op_kind k, const struct op_class *c);

/* The last server died by its own fault: what was being carried out then is suspected, and failed (EIO) when that happened three times. */
void op_suspect(void);

/* Reads what an earlier server left, so that op_busy() and op_known() tell of it; op_init() does it when nobody has. */
void op_load(void);

/* Starts the workers and continues what the keep tells of; call after model_open() and adoption. */
int op_init(unsigned workers, struct err *e);
void op_shutdown(void);		/* waits for nothing: operations are continued by the next server */

/*
 * Asks for an operation. done(arg, result) is called exactly once, from a worker, when it ended; NULL: nobody waits. A request
 * that was seen before (same unique) attaches to the operation it started, or gets its result at once (returns 0, done called).
 * Returns 0 when accepted; -EBUSY (another operation; its name in the sentence), -ENOSPC.
 */
int op_submit(struct object *o, enum op_kind k, const char *arg, unsigned flags, unsigned timeout, const struct caller *who,
	      void (*done)(void *arg, int result), void *done_arg, struct err *e);

/* Whether op_submit() would attach: such a request goes there at once, past checks that its own operation made false. */
bool op_known(uint64_t unique);

/* Whether an operation is accepted or under way for the object; its name is put into buf. Takes no lock of the object. */
bool op_busy(struct object *o, char *buf, size_t size);

/* As op_busy(), but only while a request waits for its end. */
bool op_waited(struct object *o, char *buf, size_t size);

/* The waiter lost interest (FUSE_INTERRUPT, client killed): done will not be called after this returned true; false: too late,
 * it was or is being called. The operation goes on. */
bool op_detach(struct object *o, void *done_arg);

/* Forgets the result kept for a re-sent request. Call after the reply was sent. */
void op_acknowledge(uint64_t unique);

/* For executors: a line for the file `progress` ("unpack 34%"); cheap, at most ten notifications a second are passed on. */
void op_progress(struct op *op, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The file `progress`: what, how far, since when; nothing when idle. */
void op_print_progress(struct object *o, struct buf *out);
