/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The holder: the process that owns the mount. It keeps /dev/fuse, the shared memory and descriptors on loan, starts the server
 * and starts it again when it dies, sends what a dying server must not send, and never reads a request.
 *
 * When the holder itself is killed the server starts another one and hands it what it inherited.
 */
#pragma once

#include <stdint.h>

/* ---- for the server: descriptors that must survive it. Any thread. ---- */
/*
 * Leaves a copy with the holder under that key (the last one given counts). The server's own descriptor must stay open until
 * holder_drop_fd(): a new holder is given it again. 0, -EMFILE (too many), or -ENOTCONN (no holder, as in unit tests).
 */
int holder_store_fd(uint64_t key, int fd);
int holder_drop_fd(uint64_t key);	/* not there: success */
/* A new descriptor for what an earlier server stored, the caller's to close; it stays in the store. -ENOENT, -ENOTCONN. */
int holder_fetch_fd(uint64_t key);

/* ---- the holder's side ---- */
struct holder_fds;	/* holder_fds.c */
void holder_fds_serve(void);		/* FD_STORE_PEER is readable */
void holder_fds_forget_all(void);	/* a new holder begins with an empty store */
void holder_fds_keep_over_exec(void);

/* ---- the server's side ---- */
/* Hands everything stored to a new holder, whose end of the socket is `peer`; FD_STORE is replaced. */
int holder_fds_reconnect(int *peer);

/* How a holder comes to life. */
enum holder_birth {
	HOLDER_FIRST,		/* mounted just now; no server yet */
	HOLDER_UPGRADED,	/* the same process, another program: replace the server */
	HOLDER_REVIVED,		/* started by the server after the holder was killed */
	HOLDER_RESTORED,	/* from the service manager's descriptor store; there may be a server */
};

/* The process's life. ready_fd: gets "R" once the mount is usable, or "E" and a sentence; -1 for none. Returns the exit status. */
int holder_run(enum holder_birth birth, int ready_fd);
