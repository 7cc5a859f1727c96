/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Run records: instances/NAME/run.json in the store says that an instance runs, since when and as which processes. It is
 * there from just before the start until the instance stopped; after a boot of the host it tells which instances were
 * running.
 */
#pragma once

#include "backends/core/object.h"

/* Writes o->run. durable: on disk before it returns; otherwise only safe against the death of the server. */
int run_save(struct object *o, bool durable, struct err *e);

/* It was stopped because the host goes down: at the next boot it counts as running then. Durable. */
int run_save_halted(struct object *o, struct err *e);

/* -ENOENT: no record. -EINVAL: not readable. *this_boot: false when the record was written before the host was booted. */
int run_load(struct object *o, struct run *ret, bool *this_boot, struct err *e);
void run_remove(struct object *o);

/* Whether an instance of that name has one; without loading the object. */
bool run_exists(const char *name);

/* Whether this is the first server on this state directory since the boot; run_boot_done() makes it false. */
bool run_booted(void);
int run_boot_done(struct err *e);
