/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reading numbers out of the kernel's text. Names match as a whole: "file" is not "file_mapped". Pure functions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The line behind this one, or NULL behind the last. */
const char *scan_next(const char *line);

/* A number, "max", -1 or what v1 writes for no limit: UINT64_MAX for the latter three. def: when there is no number. */
uint64_t scan_limit(const char *text, uint64_t def);

/* The number of a line "KEY NUMBER" (memory.stat, cpu.stat). False: no such line; *ret is unchanged. */
bool scan_key(const char *text, const char *key, uint64_t *ret);
/* The same, 0 when it is not there. */
uint64_t scan_key_or_0(const char *text, const char *key);

/* The number in "... WORD=NUMBER ..." within one line (io.stat, pressure); 0 when it is not there. */
uint64_t scan_word(const char *line, const char *word);

/* Field 22 of /proc/PID/stat, ticks since boot; 0: it is not such a line. Any character may be in the name, the second field. */
uint64_t scan_start_time(const char *stat);
