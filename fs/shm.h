/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Shared memory between the holder and the servers it starts one after the other: what must be known to go on.
 *
 * Its layout is versioned, because holder and server may be of different versions for a moment; who does not know the version
 * refuses. Each field has one writer, named beside it; what both sides write is changed with atomic operations. The second
 * file, the keep, is described in backends/core/keep.h.
 */
#pragma once

#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "backends/core/err.h"
#include "fs/options.h"

#define SHM_MAGIC 0x6d6873736674736eULL
#define SHM_VERSION 2

/* Descriptors with fixed numbers. The server inherits those up to FD_HOLDER; the holder has the others as well. */
enum {
	FD_FUSE = 10,
	FD_SHM,
	FD_KEEP,
	FD_KICK,		/* eventfd: the server has something to say to the holder */
	FD_STORE,		/* the server's end of the descriptor store */
	FD_ALIVE,		/* views: see alive.h; others do without */
	FD_HOLDER,		/* pidfd of the holder */
	FD_STORE_PEER,		/* the holder's end */
	FD_SERVER,		/* pidfd of the server */
	FD_LOCK,		/* state directory, flock()ed */
	FD_CONTROL,		/* listening socket for --upgrade */
	FD_ANSWER,		/* who asked for the upgrade under way */
	FD_END,
};

#define SHM_READERS 8
#define SHM_MAX_WRITE (128u << 10)
#define SHM_REQUEST_SIZE (SHM_MAX_WRITE + 4096)
#define SHM_REPLY_MAX 3840
#define SHM_RING_SIZE (1u << 20)
#define SHM_FDS_MAX (1u << 16)
#define SHM_SUSPECTS 16

/* Where a reader thread reads its requests: the kernel's copy is the journal. */
struct shm_slot {
	uint32_t reply_len;		/* not 0: handled; this answer was about to be sent */
	uint32_t pad[15];
	unsigned char reply[SHM_REPLY_MAX];
	unsigned char unused[4096 - 64 - SHM_REPLY_MAX];
	unsigned char request[SHM_REQUEST_SIZE];	/* begins with fuse_in_header; its len is 0 when there is none */
};

/* Notifications; see ring.h. */
struct shm_ring {
	uint32_t head;			/* bytes ever put in; server */
	uint32_t tail;			/* bytes ever taken out; consumer */
	uint32_t asleep;		/* futex: 1 while the consumer waits */
	uint32_t overflow;		/* something did not fit */
	uint32_t pad[12];
	unsigned char data[SHM_RING_SIZE];
};

struct shm_stored_fd {
	uint64_t key;
	int32_t fd;			/* + 1; 0: free */
	uint32_t pad;
};

struct shm_suspect {
	uint64_t unique;
	uint64_t crashes;
};

struct shm_counters {			/* server, atomic */
	uint64_t requests, resent, replayed, repeated, notified, quarantined;
};

/* What is mounted, and by that, what the servers serve. Each kind has a holder of its own. */
enum shm_kind { SHM_TREE, SHM_VIEWS, SHM_NESTED, SHM_KINDS };
enum shm_state { SHM_STARTING, SHM_RUNNING, SHM_UNMOUNTED, SHM_FAILED };

struct shm {
	uint64_t magic;
	uint32_t version;
	uint32_t size;

	/* set before the first server */
	struct options options;
	char exe[4096];			/* the installed program, for upgrades */
	uint32_t dev_major, dev_minor;	/* of the mount */
	uint32_t kind;			/* enum shm_kind */

	/* holder */
	int32_t holder_pid, poker_pid, probe_pid;
	int32_t server_pid;
	uint64_t holder_start, server_start;	/* times since boot, as /proc tells them */
	uint32_t generation;		/* number of the server, from 1 */
	uint32_t crashed;		/* the last server died by its own fault */
	uint32_t deaths, instant_deaths;
	uint32_t upgrading;
	uint64_t born_ns, reaped_ns;	/* CLOCK_MONOTONIC */

	/* server */
	uint32_t state;			/* enum shm_state */
	uint32_t ready;			/* generation that answers requests */
	uint64_t ready_ns;
	char error[ERR_TEXT_MAX];	/* why it could not start */
	uint32_t init_done;		/* INIT was answered */
	uint32_t resend;		/* the kernel offers it */
	uint32_t settled;		/* generation that has answered everything it inherited */
	uint32_t watched;		/* the holder looks after our health already; both sides */
	unsigned char init[4096];	/* raw INIT request, len 0 when there is none */
	struct shm_counters count;
	struct shm_suspect suspects[SHM_SUSPECTS];

	_Alignas(4096) struct shm_stored_fd fds[SHM_FDS_MAX];	/* holder */
	_Alignas(4096) struct shm_ring notify;			/* consumer: a thread of the holder */
	_Alignas(4096) struct shm_ring touch;			/* consumer: the poker */
	_Alignas(4096) struct shm_slot slots[SHM_READERS];
};

/* NULL before shm_create() or shm_attach(); then valid for the rest of the process. */
extern struct shm *shm;

int shm_create(const struct options *o, enum shm_kind kind, struct err *e);	/* FD_SHM, FD_KEEP, FD_KICK, FD_STORE, FD_STORE_PEER */
/* EPROTO: another version. */
int shm_attach(struct err *e);

/* Moves a descriptor to its fixed number, close-on-exec. */
int shm_take_fd(int fd, int number);
/* Closes it; the number stays taken, so that no other descriptor gets it and is inherited, or closed, in its place. */
void shm_release_fd(int number);
/* To a child: what is open from FD_FUSE up to and without `end`. */
void shm_pass_fds(posix_spawn_file_actions_t *fa, int end);
/* Sets or clears close-on-exec on every fixed descriptor from FD_FUSE up to and without `end` that is open. */
void shm_close_on_exec(bool on, int end);

/*
 * For the server, before it maps anything large: a page that is not there when SIGKILL is pending cuts the kernel's copy short, and the
 * client gets EIO. What requests are read into and answered from must be in memory. Does nothing when that is not allowed.
 */
void shm_lock_memory(void);

uint64_t shm_clock(void);	/* CLOCK_MONOTONIC in ns */
