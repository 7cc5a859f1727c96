/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * exec/NAME/: commands in running instances. Everything about one is in RUNDIR/exec/OBJECT.SLOT/ (tmpfs, root only): the inputs
 * `command argv stdin env user cwd`, then `output stdout stderr status`. The record is in the keep, so that a new server finds
 * it.
 */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/caller.h"
#include "backends/core/object.h"

struct exec_request {
	uint32_t object, slot;
	char name[NAME_LEN_MAX + 1];
	struct meta meta;
	struct timespec started, ended;	/* 0 while not */
	pid_t pid;			/* of the helper that attached, on the host; 0 while not started */
	uint64_t pid_start;
	int status;			/* as wait(2) gives it once ended */
	bool running, finished;
};

int exec_create(struct object *o, const char *name, const struct meta *m, struct exec_request *ret, struct err *e);
int exec_remove(struct object *o, const char *name, struct err *e);	/* kills what still runs */
bool exec_find(struct object *o, const char *name, struct exec_request *ret);
bool exec_find_slot(struct object *o, uint32_t slot, struct exec_request *ret);
/* Ascending slots greater than after; f returns non-zero to stop. */
int exec_each(struct object *o, uint32_t after, int (*f)(const struct exec_request *x, void *arg), void *arg);
void exec_dir(const struct exec_request *x, char *buf, size_t size);

/* Writes one of the inputs; `command` or `argv` starts it. EBUSY after it was started or while the instance is frozen, ENOTCONN
 * when it does not run. */
int exec_set(struct object *o, uint32_t slot, const char *item, const char *data, size_t len, const struct caller *who,
	     struct err *e);
/* Writes into `stdin` of one that was not started (else EBUSY); data NULL empties it. */
int exec_stdin(struct object *o, uint32_t slot, const char *data, size_t len, off_t off, struct err *e);
/* Reads any file of it ("status": exit status in decimal, or 128 + signal, with newline; empty while running). */
int exec_get(struct object *o, uint32_t slot, const char *item, struct buf *out, struct err *e);

/* From the backend, while its process waits to be run (spawn.h, born): notes x->pid and x->pid_start, so that a kill of the
 * server cannot lose it. */
int exec_record(const struct exec_request *x);
/* From the backend, any thread. */
void exec_finished(uint32_t object, uint32_t slot, int status);
/* Calls f(arg) once when it ended (at once when it has). Cancel as event_cancel(). */
uint64_t exec_wait(struct object *o, uint32_t slot, void (*f)(void *arg), void *arg);
bool exec_wait_cancel(uint64_t id);
/* The instance stopped or was removed; after a restart of the server: watch again. */
void exec_instance_gone(struct object *o);
void exec_adopt_all(void);
