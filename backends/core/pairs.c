// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/core/pairs.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"

void pairs_free(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].key);
		free(p->v[i].value);
	}
	free(p->v);
	*p = (struct pairs){ .n = 0 };
}

void pairs_add(struct pairs *p, const char *key, const char *value, size_t len, unsigned line)
{
	struct pair x = { .line = line };

	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 16;
		struct pair *more = reallocarray(p->v, cap, sizeof(*more));

		if (!more) {
			p->failed = true;
			return;
		}
		p->v = more;
		p->cap = cap;
	}
	if (len && value[len - 1] == '\n')
		len--;
	x.key = strdup(key);
	x.value = strndup(value, len);
	p->failed |= !x.key || !x.value;
	p->v[p->n++] = x;
}

static int by_key(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return strcmp(x->key, y->key);
}

void pairs_sort(struct pairs *p)
{
	if (p->n && !p->failed)
		qsort(p->v, p->n, sizeof(*p->v), by_key);
}

const struct pair *pairs_find(const struct pairs *p, const char *key)
{
	const struct pair want = { .key = (char *)(uintptr_t)key };

	return p->n ? bsearch(&want, p->v, p->n, sizeof(*p->v), by_key) : NULL;
}

bool pairs_equal(const struct pairs *a, const struct pairs *b)
{
	if (a->n != b->n)
		return false;
	for (size_t i = 0; i < a->n; i++)
		if (strcmp(a->v[i].key, b->v[i].key) != 0 || strcmp(a->v[i].value, b->v[i].value) != 0)
			return false;
	return true;
}

static const char *trim_end(const char *begin, const char *end)
{
	while (end > begin && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	return end;
}

int pairs_of_device(const char *text, struct pairs *ret)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *k = text + strspn(text, " \t"), *eq = memchr(text, '=', len), *end = trim_end(text, text + len);

		if (eq && *k != '#') {
			_cleanup_free_ char *key = strndup(k, (size_t)(trim_end(k, eq) - k));
			const char *v = eq + 1 + strspn(eq + 1, " \t");

			if (!key)
				return -ENOMEM;
			pairs_add(ret, key, v, v < end ? (size_t)(end - v) : 0, 0);
		}
		text += len + (text[len] == '\n');
	}
	pairs_sort(ret);
	return ret->failed ? -ENOMEM : 0;
}
