/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A growing byte buffer. Files of the tree are rendered into one as a whole, whatever their length.
 *
 * Allocation failure is sticky: additions after it do nothing, buf_error() tells at the end, so that callers check once.
 * Contents are always followed by a NUL that is not counted in len.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct buf {
	char *data;	/* NULL while nothing was added */
	size_t len;
	size_t cap;
	bool failed;	/* out of memory */
};

#define BUF_INIT { .data = NULL }

void buf_add(struct buf *b, const void *data, size_t len);
void buf_addstr(struct buf *b, const char *s);
void buf_addch(struct buf *b, char c);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Sets the length; bytes that become part of it are 0. */
void buf_resize(struct buf *b, size_t len);

/* Empties the buffer and keeps its memory. */
void buf_reset(struct buf *b);

/* Reads fd from its present offset to its end, at most max bytes more. Returns 0, -EFBIG or -errno. */
int buf_read_fd(struct buf *b, int fd, size_t max);

/* Reads the whole file. Returns 0, -EFBIG or -errno. */
int buf_read_file(struct buf *b, int dirfd, const char *path, size_t max);

/* 0 or -ENOMEM. */
int buf_error(const struct buf *b);

/* The contents as a string, never NULL. */
const char *buf_str(const struct buf *b);

/* Frees and resets; for the cleanup attribute as `_cleanup_buf_ struct buf b = BUF_INIT;`. */
void buf_free(struct buf *b);
#define _cleanup_buf_ __attribute__((cleanup(buf_free)))
