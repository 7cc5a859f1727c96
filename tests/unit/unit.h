/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The smallest test frame: a test program is a list of functions; CHECK() counts and goes on, the last line counts all. */
#pragma once

#include <stdio.h>
#include <string.h>

static int unit_passed, unit_failed;

#define CHECK(c)                                                                               \
	do {                                                                                   \
		if (c) {                                                                       \
			unit_passed++;                                                         \
		} else {                                                                       \
			unit_failed++;                                                         \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #c);        \
		}                                                                              \
	} while (0)

#define CHECK_STR(a, b)                                                                        \
	do {                                                                                   \
		const char *a_ = (a), *b_ = (b);                                               \
		if (a_ && b_ && !strcmp(a_, b_)) {                                             \
			unit_passed++;                                                         \
		} else {                                                                       \
			unit_failed++;                                                         \
			fprintf(stderr, "%s:%d: %s is \"%s\", not \"%s\"\n", __FILE__, __LINE__, #a, a_ ? a_ : "(null)", \
				b_ ? b_ : "(null)");                                           \
		}                                                                              \
	} while (0)

#define UNIT_END()                                                                             \
	(printf("%s: %d checks, %d failed\n", __FILE__, unit_passed + unit_failed, unit_failed), unit_failed ? 1 : 0)
