/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The log: one line per call, without a newline at its end. To stderr in the foreground, else to syslog. Any thread. */
#pragma once

#include <stdbool.h>

void log_open(bool to_stderr, const char *mountpoint);
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
