// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/proc/scan.h"

#include <stdlib.h>
#include <string.h>

#define NO_LIMIT_V1 (UINT64_C(1) << 62)		/* v1 writes the largest number of whole pages */

const char *scan_next(const char *line)
{
	const char *end = strchr(line, '\n');

	return end && end[1] ? end + 1 : NULL;
}

uint64_t scan_limit(const char *text, uint64_t def)
{
	uint64_t v;

	if (!strncmp(text, "max", 3) || !strncmp(text, "-1", 2))
		return UINT64_MAX;
	if (*text < '0' || *text > '9')
		return def;
	v = strtoull(text, NULL, 10);
	return v >= NO_LIMIT_V1 ? UINT64_MAX : v;
}

bool scan_key(const char *text, const char *key, uint64_t *ret)
{
	size_t n = strlen(key);

	for (const char *l = text; l; l = scan_next(l)) {
		if (strncmp(l, key, n) != 0 || l[n] != ' ')
			continue;
		*ret = strtoull(l + n, NULL, 10);
		return true;
	}
	return false;
}

uint64_t scan_key_or_0(const char *text, const char *key)
{
	uint64_t v = 0;

	scan_key(text, key, &v);
	return v;
}

uint64_t scan_word(const char *line, const char *word)
{
	size_t n = strlen(word), end = strcspn(line, "\n");

	for (const char *p = line; (p = memmem(p, (size_t)(line + end - p), word, n)); p += n)
		if (p > line && p[-1] == ' ' && p[n] == '=')
			return strtoull(p + n + 1, NULL, 10);
	return 0;
}

uint64_t scan_start_time(const char *stat)
{
	const char *s = strrchr(stat, ')');

	for (int field = 2; s && field < 22; field++)
		s = strchr(s + 1, ' ');
	return s ? strtoull(s, NULL, 10) : 0;
}
