/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The holder: the process that owns the mount. It keeps /dev/fuse, the shared memory and descriptors on loan, starts the server
 * and starts it again when it dies, sends what a dying server must not send, and never reads a request.
 *
 * When the holder itself is killed the server starts another one and hands it what it inherited.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* ---- for the server: descriptors that must survive it. Any thread. ---- */
/* Leaves a copy with the holder under that key (the last one given counts). 0, -EMFILE, or -ENOTCONN (no holder: unit tests). */
int holder_store_fd(uint64_t key, int fd);
int holder_drop_fd(uint64_t key);	/* not there: success */
/* A new descriptor for what this or an earlier server stored, the caller's to close; it stays in the store. -ENOENT, -ENOTCONN. */
int holder_fetch_fd(uint64_t key);

/* For the guard: copies of everything stored, in case the holder dies; then, to another holder: a new socket (its end is returned,
 * FD_STORE is replaced), and once it runs, everything again. */
void holder_fds_copy_all(void);
int holder_fds_reconnect(void);
void holder_fds_store_again(void);

/* ---- for the holder ---- */
void holder_fds_serve(void);			/* FD_STORE_PEER is readable */
void holder_fds_forget_all(void);		/* a new holder begins with an empty store */
void holder_fds_close_on_exec(bool on);

/* How a holder comes to life. */
enum holder_birth {
	HOLDER_FIRST,		/* mounted just now; no server yet */
	HOLDER_UPGRADED,	/* the same process, another program: replace the server */
	HOLDER_REVIVED,		/* started by the server after the holder was killed */
	HOLDER_RESTORED,	/* from the service manager's descriptor store; there may be a server */
};

/* The process's life. ready_fd: gets "R" once the mount is usable, or "E" and a sentence; -1 for none. Returns the exit status. */
int holder_run(enum holder_birth birth, int ready_fd);
