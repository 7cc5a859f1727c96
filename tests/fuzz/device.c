// SPDX-License-Identifier: LGPL-2.1-or-later
/* Any bytes as a device: no crash, a refusal has a sentence, and what is taken has a type and can be read again. */
#include <stdint.h>
#include <stdlib.h>

#include "backends/core/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data;
	struct err e = ERR_INIT;
	char value[64];
	int r = device_check("eth0", text, size, &e);

	if ((r < 0) != !!e.text[0])
		abort();
	if (r == 0 && !device_get(text, size, "type", value, sizeof(value)))
		abort();
	device_needs_root(text, size);
	device_get(text, size, "path", value, 1);
	return 0;
}
