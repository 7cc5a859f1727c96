/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Errors: a negative errno for the program, a sentence for the person.
 *
 * A function that can fail returns 0 (or a count) on success and -errno on failure, and takes a `struct err *` last. The
 * sentence is written where the cause is known, says what was wrong, which value was seen and what would be accepted, and has
 * no newline at its end. Passing NULL means that nobody will read it. Nobody both logs and returns an error: the layer that
 * ends a request (fs/) puts the sentence in the file `error` and logs it once.
 */
#pragma once

#define ERR_TEXT_MAX 512

struct err {
	int code;			/* positive errno, 0 while nothing failed */
	char text[ERR_TEXT_MAX];	/* UTF-8, no newline; empty while nothing failed */
};

#define ERR_INIT { .code = 0, .text = "" }

/* Records errno value `code` (positive) and the sentence; returns -code, so that `return err_set(e, EINVAL, ...)` works. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set(), with ": " and strerror(code) added: for failed system calls. */
int err_sys(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "what: " in front of the sentence, once per layer border, to name the object. Returns -e->code. */
int err_wrap(struct err *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

void err_clear(struct err *e);
