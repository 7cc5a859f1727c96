// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/proc/cpus.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

static int add_range(struct cpus *c, unsigned a, unsigned b, unsigned *room)
{
	for (; a <= b; a++) {
		if (c->n == *room) {
			unsigned *p = realloc(c->list, (*room * 2 + 16) * sizeof(*p));

			if (!p)
				return -ENOMEM;
			c->list = p;
			*room = *room * 2 + 16;
		}
		c->list[c->n++] = a;
	}
	return 0;
}

int cpus_parse(const char *text, struct cpus *ret)
{
	_cleanup_cpus_ struct cpus c = CPUS_INIT;
	unsigned room = 0;

	while (*text) {
		unsigned long a, b, least = c.n ? c.list[c.n - 1] + 1 : 0;
		char *end;

		if (!isdigit((unsigned char)*text)) {
			text++;
			continue;
		}
		a = b = strtoul(text, &end, 10);
		if (*end == '-' && isdigit((unsigned char)end[1]))
			b = strtoul(end + 1, &end, 10);
		text = end;
		if (b > CPUS_NUMBER_MAX)
			b = CPUS_NUMBER_MAX;
		if (a < least)
			a = least;
		if (a <= b && add_range(&c, (unsigned)a, (unsigned)b, &room) < 0)
			return -ENOMEM;
	}
	*ret = c;
	c = (struct cpus)CPUS_INIT;
	return 0;
}

int cpus_find(const struct cpus *c, unsigned number)
{
	unsigned from = 0, to = c->n;

	while (from < to) {
		unsigned mid = from + (to - from) / 2;

		if (c->list[mid] == number)
			return (int)mid;
		if (c->list[mid] < number)
			from = mid + 1;
		else
			to = mid;
	}
	return -1;
}

bool cpus_has(const struct cpus *c, unsigned number)
{
	return cpus_find(c, number) >= 0;
}

void cpus_and(struct cpus *a, const struct cpus *b)
{
	unsigned n = 0;

	for (unsigned i = 0; i < a->n; i++)
		if (cpus_has(b, a->list[i]))
			a->list[n++] = a->list[i];
	a->n = n;
}

void cpus_cut(struct cpus *c, unsigned n)
{
	if (c->n > n)
		c->n = n;
}

void cpus_print(const struct cpus *c, struct buf *out)
{
	for (unsigned i = 0, j; i < c->n; i = j + 1) {
		for (j = i; j + 1 < c->n && c->list[j + 1] == c->list[j] + 1;)
			j++;
		buf_addf(out, "%s%u", i ? "," : "", c->list[i]);
		if (j > i)
			buf_addf(out, "-%u", c->list[j]);
	}
}

void cpus_free(struct cpus *c)
{
	free(c->list);
	*c = (struct cpus)CPUS_INIT;
}
