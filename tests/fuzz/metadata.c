// SPDX-License-Identifier: LGPL-2.1-or-later
/* Fuzzer of the metadata parser; what it accepts must be printed and accepted again. */
#include <stdlib.h>
#include <string.h>

#include "mkimage/metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_metadata_ struct metadata m = { .n_properties = 0 }, again = { .n_properties = 0 };
	_cleanup_buf_ struct buf json = BUF_INIT, yaml = BUF_INIT;
	struct err e = ERR_INIT;

	if (metadata_parse((const char *)data, size, &m, &e) < 0) {
		if (!e.code || !e.text[0])
			abort();
		return 0;
	}
	metadata_print_json(&m, &json);
	metadata_print_yaml(&m, &yaml);
	if (buf_error(&json) || buf_error(&yaml) || metadata_parse(buf_str(&yaml), yaml.len, &again, &e) < 0)
		abort();
	if (again.created != m.created || again.n_properties != m.n_properties || strcmp(again.architecture, m.architecture) != 0)
		abort();
	return 0;
}
