/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lists of keys with values, copied. Running out of memory is sticky: `failed`. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct pair {
	char *key, *value;
	unsigned line;		/* of the text that it was read from, 0: none */
};

struct pairs {
	struct pair *v;
	size_t n, cap;
	bool failed;
};

void pairs_free(struct pairs *p);
#define _cleanup_pairs_ __attribute__((cleanup(pairs_free)))

/* value without one final newline, as everywhere. */
void pairs_add(struct pairs *p, const char *key, const char *value, size_t len, unsigned line);
void pairs_sort(struct pairs *p);		/* by key */
const struct pair *pairs_find(const struct pairs *p, const char *key);	/* of a sorted list */
bool pairs_equal(const struct pairs *a, const struct pairs *b);		/* keys and values, in order */

/* Properties of the text of a device, sorted; its comments are left out. */
int pairs_of_device(const char *text, struct pairs *ret);
