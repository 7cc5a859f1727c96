/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a container or VM technology must do. One constant table per backend, every entry filled: what a backend cannot do is
 * backend_unsupported_*(), which returns EOPNOTSUPP with a sentence. The core calls only the backend_*() wrappers of backend.c.
 *
 * Entries run in worker threads with no lock held unless said otherwise; they may take o->lock for short. All of start, stop,
 * freeze and thaw are re-startable: called again (op->again) after a restart of the server they pick up what they find.
 */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/config.h"
#include "backends/core/keys.h"
#include "backends/core/op.h"

struct exec_request;	/* exec.h */
struct proc_machine;	/* backends/proc/proc.h */

enum {
	BACKEND_CONTAINER = 1 << 0,
	BACKEND_VM = 1 << 1,
	BACKEND_EXEC = 1 << 2,
	BACKEND_CONSOLE = 1 << 3,
	BACKEND_ROOTFS = 1 << 4,	/* a storage driver keeps the root file system */
	BACKEND_DEVICES = 1 << 5,	/* devices come, change and go while an instance runs */
	BACKEND_DISK = 1 << 6,		/* the root file system is on a disk: it is kept by a storage driver, but cannot be mounted */
	BACKEND_LIMITS = 1 << 7,	/* limits change while an instance runs */
	BACKEND_TTY = 1 << 8,		/* the console can have a pty on the host */
};

struct backend_ops {
	const char *name;		/* "lxc" */
	unsigned caps;			/* BACKEND_* */

	/* At start of the daemon: can it work here? Adds lines to the file `version` ("lxc 5.0.2"). */
	int (*probe)(struct buf *version, struct err *e);

	/* Starts with the expanded configuration; returns when the instance runs and o->run is filled. On failure nothing is left. */
	int (*start)(struct object *o, const struct expanded *x, struct op *op, struct err *e);
	/* Clean stop within op->timeout (default 30 s), then ETIMEDOUT; OP_FORCE kills. Returns when everything is gone. */
	int (*stop)(struct object *o, struct op *op, struct err *e);
	int (*freeze)(struct object *o, struct op *op, struct err *e);
	int (*thaw)(struct object *o, struct op *op, struct err *e);

	/*
	 * One live key of a running instance: value NULL means unset. Short (cgroup writes). On failure the kernel's state
	 * is as before.
	 */
	int (*apply)(struct object *o, const struct key *k, const char *name, const char *value, const struct expanded *now,
		     struct err *e);

	/*
	 * One device of a running instance: before NULL attaches, after NULL detaches, both change it in place (DEVICE_LIVE). Short,
	 * and can be repeated: what is already so is success. On failure the device is as before. now is the whole configuration.
	 */
	int (*device)(struct object *o, const struct expanded_item *before, const struct expanded_item *after, const struct expanded *now,
		      struct err *e);
	/* runtime/devices/NAME: "attached source=/srv path=/mnt", "missing: REASON"; name NULL: the names, one per line. -ENOENT. */
	int (*device_show)(struct object *o, const char *name, struct buf *out, struct err *e);

	/* At start of a server: is it running (run.json, o->run prefilled from there)? Fills o->run, installs the watch that calls
	 * instance_stopped(). Returns 1 running, 0 not. Called with no lock, before requests are served. */
	int (*adopt)(struct object *o, struct err *e);

	/* One number for usage/ITEM ("memory.current"), in base units with newline; -ENODATA when stopped or unknown on this kernel. */
	int (*usage)(struct object *o, const char *item, struct buf *out, struct err *e);
	/* runtime/addresses: "eth0 inet 10.0.3.5/24" per line. */
	int (*addresses)(struct object *o, struct buf *out, struct err *e);
	/* runtime/effective: what the kernel was told, in words, one limit per line. */
	int (*effective)(struct object *o, struct buf *out, struct err *e);
	/* runtime/warnings: "KEY: why" for what is configured and cannot be enforced here. Of stopped instances too. */
	int (*warnings)(struct object *o, struct buf *out, struct err *e);

	/* A running instance: puts its virtual files (views.h) in place where they are missing or dead. At any time, more than once. */
	int (*refresh)(struct object *o, struct err *e);

	/* A virtual machine, stopped too: what proc/ and sys/ are made of besides its group. Must not wait longer than a moment. */
	int (*machine)(struct object *o, struct proc_machine *ret, struct err *e);

	int (*console_read)(struct object *o, struct buf *out, struct err *e);		/* scrollback */
	int (*console_write)(struct object *o, const char *data, size_t len, struct err *e);
	/* Path of a pty on the host for `tty`; make: there is one from now on, else "" when there is none yet. */
	int (*tty)(struct object *o, bool make, char *buf, size_t size, struct err *e);
	int (*log)(struct object *o, struct buf *out, struct err *e);

	/* Starts a command in a running instance; the end is told by exec_finished() (exec.h). Survives the server. */
	int (*exec_start)(struct object *o, struct exec_request *x, struct err *e);
	int (*exec_kill)(struct object *o, struct exec_request *x, struct err *e);
	/* After a restart of the server: watch it again, or report that it ended. */
	int (*exec_adopt)(struct object *o, struct exec_request *x, struct err *e);

	/* The instance is being removed or renamed (stopped): drop what is kept outside of the store. */
	void (*forget)(struct object *o);
};

int backend_unsupported(struct object *o, const char *what, struct err *e);	/* EOPNOTSUPP: "this backend (mock) cannot ..." */

int backend_no_machine(struct object *o, struct proc_machine *ret, struct err *e);	/* for those of containers */

/* The list, ended by NULL, given by fs/main.c; default_name picks the one for containers ("lxc", "mock"). */
int backend_init(const struct backend_ops *const *list, const char *default_name, struct buf *version, struct err *e);
const struct backend_ops *backend_for(const char *type);	/* "container" or "virtual-machine"; NULL: none can */
int backend_missing(const char *type, struct err *e);		/* then EOPNOTSUPP, and why */

/* The entries of o->backend: the same contracts, and besides: a failure always has a sentence, success never leaves one. */
int backend_start(struct object *o, const struct expanded *x, struct op *op, struct err *e);
int backend_stop(struct object *o, struct op *op, struct err *e);
int backend_freeze(struct object *o, struct op *op, struct err *e);
int backend_thaw(struct object *o, struct op *op, struct err *e);
int backend_apply(struct object *o, const struct key *k, const char *name, const char *value, const struct expanded *now,
		  struct err *e);
int backend_device(struct object *o, const struct expanded_item *before, const struct expanded_item *after,
		   const struct expanded *now, struct err *e);
int backend_device_show(struct object *o, const char *name, struct buf *out, struct err *e);
int backend_adopt(struct object *o, struct err *e);
int backend_usage(struct object *o, const char *item, struct buf *out, struct err *e);
int backend_addresses(struct object *o, struct buf *out, struct err *e);
int backend_effective(struct object *o, struct buf *out, struct err *e);
int backend_refresh(struct object *o, struct err *e);
int backend_machine(struct object *o, struct proc_machine *ret, struct err *e);
int backend_warnings(struct object *o, struct buf *out, struct err *e);
int backend_console_read(struct object *o, struct buf *out, struct err *e);
int backend_console_write(struct object *o, const char *data, size_t len, struct err *e);
int backend_tty(struct object *o, bool make, char *buf, size_t size, struct err *e);
int backend_log(struct object *o, struct buf *out, struct err *e);
int backend_exec_start(struct object *o, struct exec_request *x, struct err *e);
int backend_exec_kill(struct object *o, struct exec_request *x, struct err *e);
int backend_exec_adopt(struct object *o, struct exec_request *x, struct err *e);
void backend_forget(struct object *o);
/* BACKEND_* of the instance's backend, 0 while it has none. */
unsigned backend_caps(struct object *o);
