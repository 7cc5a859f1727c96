// SPDX-License-Identifier: LGPL-2.1-or-later
/* Any bytes as any value: no crash, and a refusal always has a code and a sentence. The first byte chooses the key. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/idmap.h"
#include "backends/core/keys.h"
#include "backends/core/value.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void parse_all(const char *text)
{
	struct idmap m;
	uint64_t a, b, c;
	unsigned n;
	char list[256];
	time_t t;

	if (value_size(text, &a, NULL) == 0 && a > INT64_MAX)
		abort();
	if (value_size_or_percent(text, 1 << 30, &a, NULL) == 0 && a > INT64_MAX)
		abort();
	if (value_cpu(text, &n, list, sizeof(list), NULL) == 0 && !n == !list[0])
		abort();
	value_allowance(text, &a, &b, &c, NULL);
	value_time(text, &t, NULL);
	value_expiry(text, 1700000000, &t, NULL);
	if (idmap_parse(text, &m, NULL) == 0) {
		_cleanup_buf_ struct buf out = BUF_INIT;
		struct idmap back;

		idmap_print(&m, &out);
		if (idmap_parse(buf_str(&out), &back, NULL) < 0 || memcmp(&m, &back, sizeof(m)) != 0)
			abort();
	}
	idmap_check_raw(text, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct err e = ERR_INIT;
	const struct key *k = key_table;
	char *text;

	if (!size)
		return 0;
	for (unsigned i = *data; i; i--)
		k = k[1].name ? k + 1 : key_table;
	if ((key_check(k->name[strlen(k->name) - 1] == '*' ? "user.x" : k->name, (const char *)data + 1, size - 1, &e) < 0) != !!e.text[0])
		abort();
	text = strndup((const char *)data + 1, size - 1);
	if (text)
		parse_all(text);
	if (text && (key_check_name(text, NULL, NULL) == 0) != (key_find(text) != NULL))
		abort();
	free(text);
	return 0;
}
