/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of backends/proc as directories of a mount of their own. A directory is a row and, below one CPU's, its number; NULL: the top. */
#pragma once

#include "backends/proc/proc.h"
#include "fs/session.h"

/*
 * An inode number is that of fs/node.h: an object, the library's row (1 to 63; 0 for what stands above the rows), and the CPU as the slot in
 * rows that have one, from 1. The root is row 1 of no object.
 */
#define PROCDIR_ROOT 1
/* NULL: the root, or above the rows, or stale. */
const struct proc_row *procdir_row(uint64_t ino);
unsigned procdir_cpu(uint64_t ino);
uint64_t procdir_ino(uint32_t id, const struct proc_row *r, unsigned cpu);

/* 0 or -ENOENT. Whether a row with PROC_PER_CPU is there now, proc_exists() tells. */
int procdir_find(const struct proc_row *dir, unsigned cpu, const char *name, const struct proc_row **ret, unsigned *ret_cpu);

/* Answers READDIR with numbers of the object id. s is needed below the top only. */
struct procdir {
	const struct proc_row *dir;
	unsigned cpu;
	uint32_t id;
};
void procdir_reply(fuse_req_t req, const struct procdir *d, struct proc_source *s, size_t size, off_t off);

/* Answers READ with the part of a text that was asked for. */
void procdir_reply_text(fuse_req_t req, const char *data, size_t len, size_t size, off_t off);

/* Answers STATFS: nothing is stored. */
void procdir_statfs(fuse_req_t req, fuse_ino_t ino);
