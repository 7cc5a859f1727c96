/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kinds of values that properties of devices have: one check per kind, for the rows of device_*.c. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "backends/core/err.h"

#define DEVICE_CHECK(kind) int device_check_##kind(const char *value, struct err *e)

DEVICE_CHECK(any);		/* anything in one line */
DEVICE_CHECK(bool);
DEVICE_CHECK(path);		/* absolute, without ".." */
DEVICE_CHECK(id);		/* of a user or group: 0 to 4294967294 */
DEVICE_CHECK(number);		/* 0 to 4294967295 */
DEVICE_CHECK(mode);		/* octal, 0 to 0777 */
DEVICE_CHECK(rate);		/* of a disk, see device_rate() */
DEVICE_CHECK(size);
DEVICE_CHECK(interface);	/* a name that a network interface can have */

/* "10MB", "100iops" or both with a comma between, in any order; what is not said is 0. */
int device_rate(const char *value, uint64_t *ret_bytes, uint64_t *ret_iops, struct err *e);
/* One of the words of a list that is ended by NULL. */
int device_check_word(const char *value, const char *const *words, struct err *e);
