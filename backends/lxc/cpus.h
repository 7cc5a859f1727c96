/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which CPUs instances run on. `limits.cpu` as a set pins an instance; as a number it gets the CPUs with the fewest others, and
 * is moved when containers come, go and change, as few as possible, so that no CPU has two more than another. Any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "backends/core/err.h"

/* For a start: the CPUs for that value of limits.cpu as a list in the kernel's form; nothing is remembered. ERANGE: none is online. */
int cpus_choose(uint32_t id, const char *value, char *list, size_t size, struct err *e);

/* It runs in the group path, with that value and these CPUs (an adopted one too). value NULL: wherever it likes. */
void cpus_note(uint32_t id, const char *path, const char *value, const char *list);

/* value NULL: all CPUs. Written into the group; on failure everything is as before. Others are moved to even out the rest. */
int cpus_apply(uint32_t id, const char *path, const char *value, struct err *e);

/* It ended; others are moved. */
void cpus_forget(uint32_t id);

/* Moves instances until no move makes it more even. */
void cpus_balance(void);
