/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What the parts of the instances share: instance.c, lifecycle.c, instance_source.c, instance_snapshot.c, adopt.c, wait.c.
 * Nobody else.
 */
#pragma once

#include "backends/core/instance.h"

/* ---- lifecycle.c ---- */
void lifecycle_register(void);
/* Has it something to start from: a root file system, or for a backend without such a `source`. */
bool lifecycle_has_root(struct object *o);
/* -ENOENT or -ENODATA, as code says, and the sentence. */
int lifecycle_no_root(struct object *o, int code, struct err *e);
/* The state that the instance really is in while an operation runs, and what it will be when that ends. */
enum inst_state lifecycle_state(struct op *op);
void lifecycle_set_state(struct op *op, enum inst_state s);
/* To be called by `ended` of every class of instances: what follows when the instance stopped, and who waits for its state. */
void lifecycle_ended(struct op *op);
/* An ephemeral instance stopped: removes it. */
void lifecycle_drop_ephemeral(struct object *o);
/* The op classes' execute: adds what is common to all. */
int lifecycle_execute(struct op *op, int (*f)(struct op *op, struct err *e), struct err *e);

/* ---- instance_source.c, instance_snapshot.c ---- */
void instance_source_register(void);
void instance_snapshot_register(void);
/* While another instance is copied from it: its files are not replaced and its snapshots not deleted. */
int instance_copy_begin(struct object *o, struct err *e);
void instance_copy_end(struct object *o);
/* -EBUSY while that is so. An operation that replaces or reads files of its own object passes here first. */
int instance_copy_check(struct object *o, struct err *e);

/* ---- wait.c ---- */
/* The state of the instance changed, or it is gone. No lock held. */
void wait_notify(struct object *o);
