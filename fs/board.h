/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The board: what the view server must know of instances, and what it has shown of them, in a file on tmpfs (RUNDIR/board.N) that both
 * daemons map. It outlives every process, so that a server of either kind goes on where the last one was killed.
 *
 * The daemon's server posts facts; the view server reads them and keeps history and pages. Facts lie there twice, of which one is
 * valid: who is killed while writing leaves the old ones. Pages and history belong to one view server at a time.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "backends/core/err.h"
#include "backends/proc/proc.h"
#include "fs/options.h"

#define BOARD_KINDS 4
#define BOARD_FILES 64			/* of an instance: ids of rows are below */
#define BOARD_TEXT_MAX ((512u << 10) - 64)

/* A file's content as it was shown at some time. */
struct board_text {
	uint64_t mtime_ns;		/* 0: none; later than that of every text before */
	uint32_t len;
	uint32_t pad;
	char data[BOARD_TEXT_MAX];
};

/* One file: the last text, and room for the next one, which becomes the last by one store. */
struct board_page {
	uint64_t looked_ns;		/* CLOCK_MONOTONIC; the last text was true then */
	uint64_t expire_ns;		/* the kernel's copy is dropped then, or was */
	uint32_t current;
	uint32_t reserved[2];		/* bytes of text[] that there is memory for */
	uint32_t pad;
	struct board_text text[2];
};

/* Maps RUNDIR's board, making it when there is none. */
int board_open(const char *rundir, struct err *e);

/* The options of a server by enum shm_kind, posted by the daemon before it starts one. */
struct options *board_options(unsigned kind);

/* Which program serves a kind: told by its server, asked by the daemon's, which may be a newer one. */
void board_tell_program(unsigned kind);
bool board_same_program(unsigned kind);

/* What must outlive whoever renders: see proc_history_attach(), which was called. NULL: not posted, or no memory. Any process. */
struct proc_history *board_history(uint32_t id);

/* ---- for the daemon; any thread ---- */
/* Facts are those of f->object. -ENOSPC. */
int board_post(const struct proc_facts *f);	/* -ENOSPC */
void board_remove(uint32_t id);

/* ---- for the view server ---- */
bool board_get(uint32_t id, struct proc_facts *ret);
/* The first one with a greater id, for listings; false: none. */
bool board_next(uint32_t after, struct proc_facts *ret);
/* Differs when an instance was removed. */
uint32_t board_removals(void);
/* NULL: no such instance, or no memory. */
struct board_page *board_page(uint32_t id, unsigned file);
/* The text that is not the last one, with room for len bytes; NULL: too long, or no memory. */
struct board_text *board_next_text(struct board_page *p, size_t len);
static inline struct board_text *board_text(struct board_page *p)
{
	return &p->text[__atomic_load_n(&p->current, __ATOMIC_ACQUIRE) & 1];
}
