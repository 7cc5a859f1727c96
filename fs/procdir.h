/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rows of backends/proc as directories of a mount of their own. A directory is a row and, below one CPU's, its number; NULL: the top. */
#pragma once

#include "backends/proc/proc.h"
#include "fs/session.h"

/* 0 or -ENOENT. Whether a row with PROC_PER_CPU is there now, proc_exists() tells. */
int procdir_find(const struct proc_row *dir, unsigned cpu, const char *name, const struct proc_row **ret, unsigned *ret_cpu);

/* Answers READDIR. ino_of(id, row, cpu): the number to list. s is needed below the top only. */
struct procdir {
	const struct proc_row *dir;
	unsigned cpu;
	uint32_t id;
	uint64_t (*ino_of)(uint32_t id, const struct proc_row *r, unsigned cpu);
};
void procdir_reply(fuse_req_t req, const struct procdir *d, struct proc_source *s, size_t size, off_t off);

/* Answers READ with the part of a text that was asked for. */
void procdir_reply_text(fuse_req_t req, const char *data, size_t len, size_t size, off_t off);

/* Answers STATFS: nothing is stored. */
void procdir_statfs(fuse_req_t req, fuse_ino_t ino);
