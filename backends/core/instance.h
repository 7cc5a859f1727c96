/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Instances: what their state file, source and snapshots do. Executors of the operations; the only caller of backends. */
#pragma once

#include "backends/core/backend.h"
#include "backends/core/caller.h"
#include "backends/core/op.h"

/* mkdir instances/NAME: defined, stopped, with the profile `default` when that exists; uuid made. */
int instance_create(const char *name, const struct meta *m, const struct caller *who, struct object **ret, struct err *e);

/* The text written to `state`, checked only: "running", "stopped [force] [timeout=S]", "frozen", "restarted", "... async". */
int instance_check_state(struct object *o, const char *text, struct err *e);

/*
 * Carries it out. Returns 0: done already (or accepted, when nonblock or "async"); 1: accepted, done(arg, result) comes later;
 * -errno. Writing the state that is already there succeeds at once and changes nothing.
 */
int instance_set_state(struct object *o, const char *text, bool nonblock, const struct caller *who,
		       void (*done)(void *arg, int result), void *arg, struct err *e);

/* The text written to `source` (or the target of a symbolic link of that name): same contract as instance_set_state(). */
int instance_set_source(struct object *o, const char *text, bool nonblock, const struct caller *who,
			void (*done)(void *arg, int result), void *arg, struct err *e);

/* mkdir, rmdir, mv in snapshots/, and a write to `restore`. All but renaming are operations (same contract). */
int instance_snapshot(struct object *o, const char *name, const struct meta *m, const struct caller *who,
		      void (*done)(void *arg, int result), void *arg, struct err *e);
int instance_snapshot_delete(struct object *o, const char *name, const struct caller *who, void (*done)(void *arg, int result),
			     void *arg, struct err *e);
int instance_snapshot_rename(struct object *o, const char *name, const char *new_name, struct err *e);
int instance_restore(struct object *o, const char *name, bool nonblock, const struct caller *who,
		     void (*done)(void *arg, int result), void *arg, struct err *e);

/* From a backend's watch, any thread, no lock held: the instance ended by itself (halt, crash, kill). Never for an earlier run:
 * a backend drops its watch before its stop() returns. */
void instance_stopped(struct object *o);

/* For backends, after they changed something that run.json keeps: writes it. */
int instance_save_run(struct object *o, struct err *e);

/* Tells op.c of the executors; done by instance_adopt_all(), for programs that do not call that. */
void instance_register(void);

/*
 * At start of a server, before op_init(): adopts every instance that run records tell of, then the autostart when the host
 * was booted since.
 */
int instance_adopt_all(struct err *e);

/* Name of what the instance waits on or does, "" when idle: for EBUSY sentences. */
bool instance_is_running(struct object *o);	/* any state but stopped and error; takes o->lock */

/* By its `architecture`: its programs have the personality of 32-bit ones. */
bool instance_is_32_bit(struct object *o);

/*
 * Waiting for a state ("running", "stopped", "frozen", "address", "ready"): calls f once, from any thread; cancel as
 * event_wait().
 */
/* 0: f was called already, or, with e->code set, the word is none of these. */
uint64_t instance_wait(struct object *o, const char *state, void (*f)(void *arg), void *arg, struct err *e);
bool instance_wait_cancel(uint64_t id);
