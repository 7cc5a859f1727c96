/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results of operations that a request which is sent again may ask for. Everything here is called under the lock of op.c. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct op_result {
	uint64_t id, unique;
	uint32_t object;
	int result;
	time_t until;
	struct op_result *next;
};

const struct op_result *op_result_of(uint64_t unique);	/* NULL: none */
void op_result_add(uint64_t id, uint64_t unique, uint32_t object, int result, bool waited);
void op_result_drop(uint64_t unique);
