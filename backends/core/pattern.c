// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names of scheduled snapshots: see pattern.h. Pure text. */
#include "backends/core/pattern.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/name.h"

#define LAYOUT_MAX 128
#define DEFAULT_LAYOUT "2006-01-02_15-04-05"

/* Go writes a layout as the way in which it would print one certain moment. Longer words first. */
static const struct {
	const char *go, *c;
} layouts[] = {
	{ "January", "%B" }, { "Monday", "%A" }, { "2006", "%Y" }, { "-0700", "%z" }, { "Jan", "%b" }, { "Mon", "%a" }, { "MST", "%Z" },
	{ "002", "%j" }, { "01", "%m" }, { "02", "%d" }, { "03", "%I" }, { "04", "%M" }, { "05", "%S" }, { "06", "%y" }, { "15", "%H" },
	{ "_2", "%e" }, { "PM", "%p" }, { "pm", "%P" }, { "1", "%-m" }, { "2", "%-d" }, { "3", "%-I" }, { "4", "%-M" }, { "5", "%-S" },
};

static void from_go(const char *layout, struct buf *out)
{
	while (*layout) {
		size_t i = 0, n = sizeof(layouts) / sizeof(*layouts);

		while (i < n && strncmp(layout, layouts[i].go, strlen(layouts[i].go)) != 0)
			i++;
		if (i < n) {
			buf_addstr(out, layouts[i].c);
			layout += strlen(layouts[i].go);
		} else {
			buf_addch(out, *layout++);
		}
	}
}

static int add_time(const char *layout, const struct tm *tm, struct buf *out, struct err *e)
{
	_cleanup_buf_ struct buf format = BUF_INIT;
	char text[256];

	if (strchr(layout, '%')) {
		for (const char *p = layout; (p = strchr(p, '%')); p += 2) {
			if (!p[1] || !strchr("YymdHMSIjUVWGguabABpeFTRsz", p[1]))
				return err_set(e, EINVAL, "date:'%s' has %%%c, which is not a part of a time; right are %%Y %%m %%d %%H %%M %%S",
					       layout, p[1] ? p[1] : ' ');
		}
		buf_addstr(&format, layout);
	} else {
		from_go(layout, &format);
	}
	if (buf_error(&format) < 0 || !strftime(text, sizeof(text), buf_str(&format), tm))
		return err_set(e, EINVAL, "date:'%s' makes no text of a time; right are date:'%%Y-%%m-%%d' and date:'2006-01-02'", layout);
	buf_addstr(out, text);
	return 0;
}

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* Behind "{{"; returns behind "}}". */
static int add_variable(const char **s, const struct tm *tm, struct buf *out, struct err *e)
{
	static const char name[] = "creation_date";
	char layout[LAYOUT_MAX] = DEFAULT_LAYOUT;
	const char *p = skip_blanks(*s);

	if (strncmp(p, name, sizeof(name) - 1) != 0)
		return err_set(e, EINVAL, "in {{ }} only creation_date can stand; right is {{ creation_date|date:'2006-01-02' }}");
	p = skip_blanks(p + sizeof(name) - 1);
	if (*p == '|') {
		const char *end;
		char quote;

		p = skip_blanks(p + 1);
		if (strncmp(p, "date:", 5) != 0 || (p[5] != '\'' && p[5] != '"'))
			return err_set(e, EINVAL, "behind | only date:'LAYOUT' can stand; right is {{ creation_date|date:'2006-01-02' }}");
		quote = p[5];
		end = strchr(p + 6, quote);
		if (!end || end == p + 6 || (size_t)(end - p - 6) >= sizeof(layout))
			return err_set(e, EINVAL, "the layout of date: is empty, too long, or has no closing %c", quote);
		snprintf(layout, sizeof(layout), "%.*s", (int)(end - p - 6), p + 6);
		p = skip_blanks(end + 1);
	}
	if (strncmp(p, "}}", 2) != 0)
		return err_set(e, EINVAL, "{{ is not closed by }}");
	*s = p + 2;
	return add_time(layout, tm, out, e);
}

int pattern_render(const char *pattern, const struct tm *tm, unsigned number, char *buf, size_t size, struct err *e)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	const char *s = skip_blanks(pattern);
	bool counted = false;
	int r = 0;

	while (*s && *skip_blanks(s) && r == 0) {
		if (!strncmp(s, "{{", 2)) {
			s += 2;
			r = add_variable(&s, tm, &out, e);
		} else if (s[0] == '%' && s[1] == 'd' && !counted) {
			buf_addf(&out, "%u", number);
			counted = true;
			s += 2;
		} else if (*s == '%') {
			r = err_set(e, EINVAL, s[1] == 'd' ? "%%d stands in it twice" : "%% is only right in %%d");
		} else {
			buf_addch(&out, *s++);
		}
	}
	if (r == 0 && buf_error(&out) < 0)
		r = err_sys(e, ENOMEM, "no memory");
	if (r < 0)
		return r;
	r = name_check("snapshot", buf_str(&out), e);
	if (r == 0)
		snprintf(buf, size, "%s", buf_str(&out));
	return r;
}

int pattern_check(const char *pattern, struct err *e)
{
	/* the longest names of a month and a day, and a number that leaves room */
	const struct tm tm = { .tm_year = 126, .tm_mon = 8, .tm_mday = 30, .tm_hour = 23, .tm_min = 59, .tm_sec = 59, .tm_wday = 3 };
	char name[NAME_LEN_MAX + 1];

	return pattern_render(pattern, &tm, 99999, name, sizeof(name), e);
}
