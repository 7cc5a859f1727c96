/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Files of /proc and /sys as an instance sees them, rendered from its control groups, whoever reads them.
 *
 * Three things come together: facts (what the model knows of an instance), a history (what must outlive the process that renders:
 * load averages, counters that must not go backwards) and a source (descriptors that are kept open, in this process). Facts and
 * history are plain data without pointers, so that they can lie in memory shared between processes.
 *
 * A row is one file, proc_show() gives the whole of it. What the kernel does not count for the instance is 0, or what was configured;
 * never the host's value. A stopped instance shows its configured size. No call starts work that goes on by itself, except
 * reading loadavg: while somebody did in the last PROC_LOAD_KEEP seconds, one thread per process takes a sample every 5 s.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "backends/core/buf.h"
#include "backends/core/err.h"

#define PROC_LOAD_KEEP 120
#define PROC_NO_LIMIT UINT64_MAX

enum proc_cpus {
	PROC_CPUS_CPUSET,		/* as many as the instance may run on */
	PROC_CPUS_QUOTA,		/* not more than its CPU time is worth, rounded up */
};

/* What is known of an instance. All of it counts; a change of anything is a new generation. */
struct proc_facts {
	uint32_t size;			/* sizeof(struct proc_facts) of whoever filled it */
	uint32_t object;		/* id of the instance; 0: none of ours */
	uint64_t generation;
	char name[64];
	char cgroup[160];		/* of the payload, below each hierarchy; "" when stopped */
	int32_t init_pid;		/* on the host; 0 when stopped */
	int32_t personality;		/* for personality(2): PER_LINUX32 of a 32-bit guest, else 0 */
	uint64_t init_start;		/* field 22 of /proc/PID/stat, ticks */
	int64_t started;		/* wall clock, nanoseconds; 0 when stopped */
	/* As configured, for what no controller tells. */
	uint64_t memory;		/* bytes, PROC_NO_LIMIT */
	uint64_t swap;			/* bytes, PROC_NO_LIMIT, 0: none */
	uint64_t quota_us, period_us;	/* 0: none */
	uint32_t cpu_count;		/* 0: all, or those of cpu_list */
	uint32_t cpus;			/* enum proc_cpus */
	uint32_t nesting;		/* security.nesting: for whoever mounts; nothing here depends on it */
	uint32_t reserved;
	char cpu_list[1024];		/* "0-3,7"; "": see cpu_count */
};

/*
 * The facts of whatever a process of this host runs in: its groups are taken from /proc/PID/cgroup, its init is pid 1 of its pid
 * namespace. -ESRCH: there is none of that number.
 */
int proc_facts_of_pid(pid_t pid, struct proc_facts *ret);

/*
 * A virtual machine: what its emulator knows of it. What only the guest knows is told by its memory driver, or not known. Facts are
 * those of the emulator's process; its group gives the rest.
 */
#define PROC_MACHINE_CPUS 64
#define PROC_MACHINE_DISKS 4
#define PROC_MACHINE_KINDS 3		/* read, write, discard */

struct proc_machine_disk {
	uint64_t requests[PROC_MACHINE_KINDS], merged[PROC_MACHINE_KINDS], bytes[PROC_MACHINE_KINDS], ns[PROC_MACHINE_KINDS];
	uint64_t flushes, flush_ns;
};

struct proc_machine {
	uint32_t cpus;			/* as started, or as configured; 0: none, this is a container */
	uint32_t family, model, stepping;
	char vendor[16], name[64];	/* of its CPUs; "": not known */
	int32_t thread[PROC_MACHINE_CPUS];	/* of the emulator, one for each CPU; 0: not known */
	uint64_t memory;		/* bytes that it was started with, or is configured to have */
	uint64_t total, free, available, cached;	/* by the guest's driver; PROC_NO_LIMIT: not told */
	uint32_t n_disks, reserved;
	struct proc_machine_disk disks[PROC_MACHINE_DISKS];
};

/* ---- history: memory of the caller, zeroed or as an earlier process left it ---- */

struct proc_history;
/* Bytes for the CPUs that this host can ever have: constant while it is up. */
size_t proc_history_size(void);
/* Uses what is there, or makes it empty when it is of another layout. Whoever maps it calls this; others may be using it. */
struct proc_history *proc_history_attach(void *memory);

/* ---- sources ---- */

struct proc_source;
/*
 * Costs no system call; descriptors come with the first read (about 20 for an instance, 30 deep below in nested groups). The history
 * outlives the source and belongs to this instance; NULL: one that is forgotten with the source. NULL: no memory.
 */
struct proc_source *proc_source_new(const struct proc_facts *f, struct proc_history *h);
/* As the above for facts of proc_facts_of_pid(); each hierarchy has a path of its own. */
struct proc_source *proc_source_new_pid(const struct proc_facts *f, struct proc_history *h);
/* Nothing shown by s will exceed the limits and CPUs of outer, which has to live longer. Set before s is shared. */
void proc_source_within(struct proc_source *s, struct proc_source *outer);
/* New facts of the same instance; what has not changed stays open. */
void proc_source_update(struct proc_source *s, const struct proc_facts *f);
/* From now on it shows a virtual machine. A copy is kept. */
void proc_source_machine(struct proc_source *s, const struct proc_machine *m);
/* Closes the descriptors; the next read opens them again. For callers that have to be thrifty with them. */
void proc_source_idle(struct proc_source *s);
struct proc_source *proc_source_free(struct proc_source *s);	/* NULL is fine; returns NULL */

/* ---- rows ---- */

enum {
	PROC_VARIES = 1 << 0,		/* the length changes from one moment to the next, in steps */
	PROC_PER_CPU = 1 << 1,		/* the first '*' in the path stands for a CPU's number, 0 to proc_cpu_count() - 1 */
	PROC_TRIGGER = 1 << 2,		/* a PSI file: proc_open_trigger() */
	PROC_CONFIGURED = 1 << 3,	/* changes only with limits, not by itself */
	PROC_DEEP = 1 << 4,		/* many, for those who look from inside; there is what the host has */
	PROC_MAYBE = PROC_PER_CPU | PROC_DEEP,	/* is there or not: proc_exists() */
};

struct proc_place;

struct proc_row {
	uint16_t id;			/* append-only: for inode numbers; up to 63, but for deep ones that stand for several files */
	const char *path;		/* "proc/meminfo", "sys/devices/system/cpu/cpu*"; parents come first in the table */
	mode_t mode;			/* S_IFREG | 0444, S_IFDIR | 0555 */
	unsigned flags;
	int (*show)(struct proc_source *s, const struct proc_place *at, struct buf *out);	/* NULL: a directory */
	const char *doc;
	int (*machine)(struct proc_source *s, const struct proc_place *at, struct buf *out);	/* the same of a virtual machine; NULL: as show */
};

/* One file: its row, and what stands for each '*', from the left: a CPU or a node of memory, a cache. */
struct proc_place {
	const struct proc_row *row;
	unsigned n[2];
};

/* 0, -ENOENT: no row is like that. Whether that file is there: proc_exists(). */
int proc_find(const char *path, struct proc_place *ret);
void proc_path(const struct proc_place *at, char *buf, size_t size);	/* the other way */
const struct proc_row *proc_row_by_id(unsigned id);
/* In the order of the table; stops at the first non-zero and returns it. */
int proc_row_each(int (*f)(const struct proc_row *r, void *arg), void *arg);
bool proc_exists(struct proc_source *s, const struct proc_place *at);
/* What stands in a directory, each CPU's directory by itself. Stops at the first non-zero and returns it. */
int proc_list(struct proc_source *s, const struct proc_place *dir,
	      int (*f)(void *arg, const char *name, const struct proc_place *at), void *arg);

/* The whole file, added to out. 0, -ENOENT (not there now), -ENOMEM. Any thread. */
int proc_show(struct proc_source *s, const struct proc_place *at, struct buf *out);
unsigned proc_cpu_count(struct proc_source *s);

/*
 * The instance's own file of pressure stall information, open for reading and writing: triggers are written to it and it is polled.
 * The caller closes it. -EOPNOTSUPP: this kernel keeps none for groups. -ENODATA: the instance is stopped.
 */
int proc_open_trigger(struct proc_source *s, const struct proc_row *r);

/* Once per process before anything else; finds the control groups. root is "" except in tests: what stands for "/". */
int proc_init(const char *root, struct err *e);
