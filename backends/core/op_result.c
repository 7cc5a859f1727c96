// SPDX-License-Identifier: LGPL-2.1-or-later
/* A list, guarded by the lock of op.c; each has its record in the keep, which goes with it. */
#include "backends/core/op_result.h"

#include <stdlib.h>

#include "backends/core/keep.h"

/* Seconds; by then a request that was not sent again never will be. Who does not wait acknowledges nothing. */
#define RESULT_LIFE 3600
#define RESULT_LIFE_ASYNC 60

static struct op_result *results;

const struct op_result *op_result_of(uint64_t unique)
{
	const struct op_result *r = results;

	while (r && r->unique != unique)
		r = r->next;
	return r;
}

/* Those of that request, and those that are too old. */
static void drop(uint64_t unique, time_t now)
{
	for (struct op_result **p = &results; *p;) {
		struct op_result *r = *p;

		if (r->unique != unique && r->until >= now) {
			p = &r->next;
			continue;
		}
		*p = r->next;
		keep_del(KEEP_OP, r->id);
		free(r);
	}
}

void op_result_drop(uint64_t unique)
{
	drop(unique, 0);
}

void op_result_add(uint64_t id, uint64_t unique, uint32_t object, int result, bool waited)
{
	struct op_result *r = malloc(sizeof(*r));
	time_t now = time(NULL);

	drop(0, now);
	if (!r)
		return;
	*r = (struct op_result){ .id = id, .unique = unique, .object = object, .result = result, .next = results };
	r->until = now + (waited ? RESULT_LIFE : RESULT_LIFE_ASYNC);
	results = r;
}
