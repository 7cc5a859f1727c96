// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/core/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void put(struct err *e, int code, const char *fmt, va_list ap)
{
	e->code = code;
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	if (e) {
		va_list ap;

		va_start(ap, fmt);
		put(e, code, fmt, ap);
		va_end(ap);
	}
	return -code;
}

int err_sys(struct err *e, int code, const char *fmt, ...)
{
	if (e) {
		va_list ap;
		size_t n;

		va_start(ap, fmt);
		put(e, code, fmt, ap);
		va_end(ap);
		n = strlen(e->text);
		snprintf(e->text + n, sizeof(e->text) - n, ": %s", strerror(code));
	}
	return -code;
}

int err_wrap(struct err *e, const char *fmt, ...)
{
	char old[ERR_TEXT_MAX], what[128];
	va_list ap;
	size_t n;

	if (!e)
		return -EIO;
	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	memcpy(old, e->text, sizeof(old));
	n = (size_t)snprintf(e->text, sizeof(e->text), "%s: ", what);
	snprintf(e->text + n, sizeof(e->text) - n, "%.*s", (int)(sizeof(e->text) - n - 1), old);
	return -e->code;
}

void err_clear(struct err *e)
{
	e->code = 0;
	e->text[0] = '\0';
}
