// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <syslog.h>
#include <unistd.h>

static bool use_stderr = true;

void log_open(bool to_stderr, const char *mountpoint)
{
	use_stderr = to_stderr;
	if (!to_stderr)
		openlog("instfs", LOG_PID, LOG_DAEMON);
}

/* One write per line, so that lines of several processes and threads do not mix; a client's text cannot make a second line. */
static void put(int level, const char *word, const char *fmt, va_list ap)
{
	char line[1200];
	int n, prefix = use_stderr ? snprintf(line, sizeof(line), "instfs: %s", word) : 0;

	n = vsnprintf(line + prefix, sizeof(line) - (size_t)prefix - 1, fmt, ap) + prefix;
	if (n > (int)sizeof(line) - 2)
		n = sizeof(line) - 2;
	for (int i = 0; i < n; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 0x7f)
			line[i] = ' ';
	if (!use_stderr) {
		syslog(level, "%s", line);
		return;
	}
	line[n] = '\n';
	if (write(STDERR_FILENO, line, (size_t)n + 1) < 0)
		return;
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(LOG_INFO, "", fmt, ap);
	va_end(ap);
}

void log_warning(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(LOG_WARNING, "warning: ", fmt, ap);
	va_end(ap);
}

void log_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(LOG_ERR, "error: ", fmt, ap);
	va_end(ap);
}
