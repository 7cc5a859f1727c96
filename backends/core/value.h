/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parsers and printers of single values: LXD's grammars, with stricter rules. Text is given without its final newline. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "backends/core/buf.h"
#include "backends/core/err.h"

bool value_is(const char *s, const char *word);	/* blanks around it do not count */
int value_bool(const char *s, bool *ret, struct err *e);			/* true false yes no 1 0 on off, any case */
int value_int(const char *s, int64_t min, int64_t max, int64_t *ret, struct err *e);	/* EINVAL, ERANGE */
/* 256MiB, 10GB, 512, 1.5G, "512 bytes"; MB is 10^6, MiB and M 2^20. */
int value_size(const char *s, uint64_t *ret, struct err *e);
/* A size, or N% of total (1 to 100). */
int value_size_or_percent(const char *s, uint64_t total, uint64_t *ret, struct err *e);
/* limits.memory.swap: a boolean (*ret_bytes UINT64_MAX: no limit of its own, 0: none), or a size. */
int value_swap(const char *s, bool *ret_allowed, uint64_t *ret_bytes, struct err *e);
/* Calls f for each word of a list separated by blanks, commas and newlines, cutting s into them; stops at the first non-zero. */
int value_each_word(char *s, int (*f)(const char *word, void *arg), void *arg);
/* Seconds: 90, 30s, 5m, 24h, 7d. */
int value_duration(const char *s, uint64_t *ret, struct err *e);
/* limits.cpu: a count (*ret_count > 0), or a set of CPU numbers as a list in the kernel's form (*ret_count 0, list filled). */
int value_cpu(const char *s, unsigned *ret_count, char *list, size_t size, struct err *e);
/* Whether all CPUs of the first list, in the kernel's form, are in the second; value_cpu_meet(): whether any is. */
bool value_cpu_within(const char *list, const char *of);
bool value_cpu_meet(const char *list, const char *of);
/* RFC 3339 in UTC with seconds, for `created` and the like. */
void value_print_time(struct buf *b, time_t t);
int value_time(const char *s, time_t *ret, struct err *e);	/* that form, "never" or "" (0), or +DURATION from now */
/* Valid UTF-8 without NUL. */
int value_text(const char *data, size_t len, struct err *e);

/* Bytes of UTF-8 without any control character (one line, no final newline). */
int value_line(const char *data, size_t len, struct err *e);
/*
 * limits.cpu.allowance. "50%" is soft: *ret_percent in hundredths of a percent, *ret_quota 0. "25ms/100ms" is hard: microseconds of
 * *ret_quota in each *ret_period, relative to one CPU, *ret_percent 0.
 */
int value_allowance(const char *s, uint64_t *ret_percent, uint64_t *ret_quota, uint64_t *ret_period, struct err *e);
/* snapshots.expiry, "1d 12H": S, M(inutes), H, d, w, m(onths), y, each at most once. The time that long after from. */
int value_expiry(const char *s, time_t from, time_t *ret, struct err *e);
