/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Starting a program from the threaded server: clone(CLONE_VM) with a gate instead of fork(), so that nothing is copied, no
 * lock of
 * another thread is ever taken in the child, and the child can be recorded before it runs. Signals, descriptors, session, cgroup,
 * namespaces, limits and privileges are set up by plain system calls between clone and exec.
 *
 * A server that is killed before the gate opens leaves nothing: the child sees the end of its pipe and exits.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backends/core/err.h"

struct spawn_fd {
	int fd;			/* in the server */
	int as;			/* in the program, 3 or more */
};

struct spawn_limit {
	int resource;		/* RLIMIT_* */
	uint64_t value;		/* soft and hard */
};

struct spawn {
	const char *path;		/* of the program; see spawn_helper() */
	const char *const *argv;	/* argv[0] included, ended by NULL */
	const char *const *envp;	/* NULL: only PATH and LC_ALL=C */
	const char *cwd;		/* NULL: "/" */
	int in, out, err;		/* descriptors for 0, 1, 2; 0 or less: /dev/null */
	const struct spawn_fd *fds;	/* everything else is closed at exec */
	size_t n_fds;
	bool session;			/* setsid(), and no terminal */
	bool die_with_server;		/* SIGKILL when the thread that started it ends */
	bool no_new_privs;
	/* CLONE_NEW* in addition. With CLONE_NEWUSER the maps are written from outside before the program runs, setgroups stays
	 * allowed, and the child becomes uid and gid 0 in it. */
	unsigned namespaces;
	const char *uid_map, *gid_map;	/* lines as /proc/PID/uid_map takes them */
	int userns;			/* descriptor of a user namespace to enter (idmap_userns()); 0 or less: none */
	const char *const *cgroups;	/* directories to move into, ended by NULL; made when missing, those that cannot be are skipped */
	const struct spawn_limit *limits;
	size_t n_limits;
	/* Called in the caller's thread when the child exists and waits, before it runs: record it. Non-zero: it is not run. */
	int (*born)(pid_t pid, uint64_t start_time, void *arg);
	void *born_arg;
	/* spawn_run(): called every half second while it runs. */
	void (*tick)(pid_t pid, void *arg);
	void *tick_arg;
};

struct spawned {
	pid_t pid;
	uint64_t start_time;	/* field 22 of /proc/PID/stat */
	int pidfd;		/* readable when it ended; the caller's to close */
};

/*
 * Starts it; returns when exec succeeded, or with the reason why it did not (the sentence names the step), nothing left behind.
 * The program is a child of the server: call spawn_reap() once its pidfd is readable.
 */
int spawn_start(const struct spawn *s, struct spawned *ret, struct err *e);

/* Takes the status (as wait(2) gives it) of one that ended; -ECHILD: not our child (started by an earlier server). */
int spawn_reap(int pidfd, int *status);

/*
 * Starts it, waits for its end (timeout_ms < 0: for ever; then SIGKILL and ETIMEDOUT) and collects at most 4 KiB of what it
 * writes
 * to 2, unless s->err is set. Exit status 0: returns 0. Otherwise -EIO (-ENOSPC or -EDQUOT when that line ends so) with
 * "PROGRAM: last line of its errors"; status may be NULL.
 */
int spawn_run(const struct spawn *s, int timeout_ms, int *status, struct err *e);

/*
 * What a helper of ours says until it closes its end of a pipe, which means that it is ready when it said nothing, and else why it ended:
 * the first line of at most size - 1 bytes. Returns how many bytes came; -ETIMEDOUT: it did not close it within ms.
 */
int spawn_listen(int fd, int ms, char *text, size_t size);

/* Path of a helper program of ours: beside this program (build tree), else in the libexec directory. ENOENT names both. */
int spawn_helper(const char *name, char *path, size_t size, struct err *e);
