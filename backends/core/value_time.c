// SPDX-License-Identifier: LGPL-2.1-or-later
/* Values that are spans or points of time. Points are printed in UTC always, so that two hosts show the same bytes. */
#include "backends/core/value.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define SECONDS_MAX (200ll * 366 * 86400)

static const char *skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* Digits up to SECONDS_MAX, which any larger number stops at; NULL when there is none. */
static const char *parse_digits(const char *s, int64_t *ret)
{
	const char *p = s;

	*ret = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (*ret <= SECONDS_MAX)
			*ret = *ret * 10 + (*p - '0');
	}
	return p == s ? NULL : p;
}

int value_duration(const char *s, uint64_t *ret, struct err *e)
{
	static const struct { char letter; int seconds; } units[] = { { 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 } };
	const char *p;
	int64_t n;

	p = parse_digits(skip_blanks(s), &n);
	if (!p)
		return err_set(e, EINVAL, "\"%.64s\" is not a time span; right are 90, 30s, 5m, 24h, 7d", s);
	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++) {
		if (*p == units[i].letter) {
			n *= units[i].seconds;
			p++;
			break;
		}
	}
	if (*skip_blanks(p))
		return err_set(e, EINVAL, "\"%.64s\" is not a time span; right are 90, 30s, 5m, 24h, 7d", s);
	if (n > SECONDS_MAX)
		return err_set(e, ERANGE, "%.64s is more than 200 years", s);
	*ret = (uint64_t)n;
	return 0;
}

static int expiry_field(struct tm *tm, char unit, int64_t n)
{
	int *field;

	switch (unit) {
	case 'S': field = &tm->tm_sec; break;
	case 'M': field = &tm->tm_min; break;
	case 'H': field = &tm->tm_hour; break;
	case 'd': field = &tm->tm_mday; break;
	case 'w': field = &tm->tm_mday; n *= 7; break;
	case 'm': field = &tm->tm_mon; break;
	case 'y': field = &tm->tm_year; break;
	default: return -EINVAL;
	}
	if (n > 2000000000 || __builtin_add_overflow(*field, (int)n, field))
		return -ERANGE;
	return 0;
}

int value_expiry(const char *s, time_t from, time_t *ret, struct err *e)
{
	const char *p = skip_blanks(s);
	char seen[8] = "";
	struct tm tm;
	int64_t n;
	time_t t;

	gmtime_r(&from, &tm);
	while (*p) {
		int r;

		p = parse_digits(p, &n);
		r = p && *p && strlen(seen) < sizeof(seen) - 1 && !strchr(seen, *p) ? expiry_field(&tm, *p, n) : -EINVAL;
		if (r == -ERANGE)
			return err_set(e, ERANGE, "%.64s is more than 200 years", s);
		if (r < 0)
			goto invalid;
		seen[strlen(seen)] = *p++;
		if (*p && *p != ' ' && *p != '\t')
			goto invalid;
		p = skip_blanks(p);
	}
	if (!*seen)
		goto invalid;
	t = timegm(&tm);
	if (t <= from)
		return err_set(e, EINVAL, "%.64s: a snapshot would expire when it is made", s);
	if (t - from > SECONDS_MAX)
		return err_set(e, ERANGE, "%.64s is more than 200 years", s);
	*ret = t;
	return 0;
invalid:
	return err_set(e, EINVAL, "\"%.64s\" is not an expiry; right are 30M, 12H, 1d 12H, 2w, 1m, 1y (M minutes, m months)", s);
}

void value_print_time(struct buf *b, time_t t)
{
	struct tm tm;
	char s[40];

	if (!gmtime_r(&t, &tm) || !strftime(s, sizeof(s), "%Y-%m-%dT%H:%M:%SZ", &tm))
		return;
	buf_addstr(b, s);
}

/* Whether s begins with the digits and signs of a pattern, in which 0 stands for a digit. */
static bool looks_like(const char *s, const char *pattern)
{
	for (; *pattern; s++, pattern++) {
		if (*pattern == '0' ? *s < '0' || *s > '9' : *s != *pattern)
			return false;
	}
	return true;
}

static int two_digits(const char *s)
{
	return (s[0] - '0') * 10 + s[1] - '0';
}

/* "Z" or "+hh:mm" to seconds. */
static int parse_zone(const char *s, int *ret)
{
	if (!strcmp(s, "Z") || !strcmp(s, "z")) {
		*ret = 0;
		return 0;
	}
	if ((*s != '+' && *s != '-') || !looks_like(s + 1, "00:00") || s[6] || two_digits(s + 1) > 23 || two_digits(s + 4) > 59)
		return -EINVAL;
	*ret = (*s == '-' ? -60 : 60) * (two_digits(s + 1) * 60 + two_digits(s + 4));
	return 0;
}

/* "2026-01-02T03:04:05" with an optional fraction, then the zone. */
static int parse_point(const char *s, time_t *ret)
{
	struct tm tm = { 0 }, back;
	const char *p = s + 19;
	int zone;
	time_t t;

	if (!looks_like(s, "0000-00-00") || !s[10] || !strchr("Tt ", s[10]) || !looks_like(s + 11, "00:00:00"))
		return -EINVAL;
	if (*p == '.') {
		size_t digits = strspn(p + 1, "0123456789");

		if (!digits)
			return -EINVAL;
		p += 1 + digits;
	}
	if (parse_zone(p, &zone) < 0)
		return -EINVAL;
	tm.tm_year = two_digits(s) * 100 + two_digits(s + 2) - 1900;
	tm.tm_mon = two_digits(s + 5) - 1;
	tm.tm_mday = two_digits(s + 8);
	tm.tm_hour = two_digits(s + 11);
	tm.tm_min = two_digits(s + 14);
	tm.tm_sec = two_digits(s + 17);
	back = tm;
	t = timegm(&back);
	/* timegm() makes the 31st of February another day instead of refusing it */
	if (back.tm_mday != tm.tm_mday || back.tm_mon != tm.tm_mon || back.tm_hour != tm.tm_hour || back.tm_min != tm.tm_min ||
	    back.tm_sec != tm.tm_sec)
		return -EINVAL;
	*ret = t - zone;
	return 0;
}

int value_time(const char *s, time_t *ret, struct err *e)
{
	char t[64];
	size_t n;
	uint64_t span;
	int r;

	s = skip_blanks(s);
	n = strlen(s);
	while (n && (s[n - 1] == ' ' || s[n - 1] == '\t'))
		n--;
	if (!n || (n == 5 && !memcmp(s, "never", 5))) {
		*ret = 0;
		return 0;
	}
	if (n < sizeof(t)) {
		memcpy(t, s, n);
		t[n] = '\0';
		if (t[0] == '+') {
			r = value_duration(t + 1, &span, e);
			if (r == 0)
				*ret = time(NULL) + (time_t)span;
			return r;
		}
		if (parse_point(t, ret) == 0)
			return 0;
	}
	return err_set(e, EINVAL, "\"%.64s\" is not a time; right are 2026-01-31T12:00:00Z, +7d, never", s);
}
