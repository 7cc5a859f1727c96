/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Virtual machines that run: one row each, with a watch on the end of its QEMU, the monitor, and the console, which is copied to a file
 * while it comes. Rows are counted: who has one may use it even when the machine ended meanwhile.
 */
#pragma once

#include "backends/core/object.h"
#include "backends/proc/proc.h"
#include "backends/qemu/qmp.h"

struct vm {
	uint32_t id;
	int pidfd;
	struct qmp *qmp;
	int console;			/* -1: closed */
	/* what machine.c knows of it, under `lock` */
	pthread_mutex_t lock;
	struct proc_machine machine;
	int64_t looked;			/* ms of CLOCK_MONOTONIC */
	/* vm.c's own */
	unsigned refs;
	bool held;
	int64_t end_watch, console_watch;
	char console_log[440];
	struct vm *next;
};

/* Connects to the QEMU behind pidfd, which stays the caller's, and puts it into the table. NULL: the sentence says why. */
struct vm *vm_add(struct object *o, int pidfd, struct err *e);
/* From here on its end is told to the instance; one that came meanwhile is told now. */
int vm_watch(struct vm *v, struct err *e);
struct vm *vm_get(uint32_t id);		/* NULL: does not run */
struct vm *vm_put(struct vm *v);	/* NULL is fine; returns NULL */
static inline void cleanup_vm(struct vm **v) { vm_put(*v); }
#define _cleanup_vm_ __attribute__((cleanup(cleanup_vm)))

/* From here on its end is the caller's business and told to nobody, until vm_release() or vm_drop(). */
void vm_hold(uint32_t id);
void vm_release(uint32_t id);
/* Out of the table. */
void vm_drop(uint32_t id);

/* It was stopped or continued without us: by the spare monitor, or QEMU itself when its disk is full. */
void vm_frozen(struct object *o, bool frozen);

/* After the end: collects the process, removes groups, sockets and records, forgets pids. Can be repeated. pidfd -1: not our child. */
void vm_clean(struct object *o, int pidfd);
