// SPDX-License-Identifier: LGPL-2.1-or-later
/* Schedules: see schedule.h. Pure text to value. */
#include "backends/core/schedule.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define TRIGGER_LEN_MAX 256

struct field {
	const char *what;
	unsigned min, max;
	const char *const *names;	/* of min, min + 1, ...; NULL: numbers only */
};

static const char *const month_names[] = { "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec", NULL };
static const char *const day_names[] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat", NULL };

/* 7 is Sunday as well */
static const struct field fields[] = {
	{ "minute", 0, 59, NULL }, { "hour", 0, 23, NULL }, { "day of the month", 1, 31, NULL }, { "month", 1, 12, month_names },
	{ "day of the week", 0, 7, day_names },
};

static const char *parse_point(const struct field *f, const char *s, unsigned *ret)
{
	unsigned v = 0;

	for (unsigned i = 0; f->names && f->names[i]; i++) {
		if (!strncasecmp(s, f->names[i], 3)) {
			*ret = f->min + i;
			return s + 3;
		}
	}
	if (*s < '0' || *s > '9')
		return NULL;
	for (; *s >= '0' && *s <= '9'; s++)
		v = v < 1000 ? v * 10 + (unsigned)(*s - '0') : v;
	*ret = v;
	return s;
}

/* "*", "5", "1-5", each with "/STEP"; "5/15" is from 5 on. Moves *s behind it. */
static int parse_item(const struct field *f, const char **s, uint64_t *mask, struct err *e)
{
	unsigned from = f->min, to = f->max == 7 ? 6 : f->max, step = 1;
	const char *p = *s;
	bool open = *p == '*';

	if (open) {
		p++;
	} else {
		p = parse_point(f, p, &from);
		if (p && *p == '-') {
			p = parse_point(f, p + 1, &to);
		} else if (p && *p == '/') {
			open = true;
		} else {
			to = from;
		}
	}
	if (p && *p == '/') {
		p = parse_point(&(struct field){ .names = NULL }, p + 1, &step);
		if (p && !step)
			return err_set(e, EINVAL, "%s: steps of 0 never end", f->what);
	}
	if (!p || (*p && *p != ','))
		return err_set(e, EINVAL, "%s: \"%.32s\" is not one; right are 5, 1-5, */10, 1,3,5", f->what, *s);
	if (from < f->min || from > f->max || to < f->min || to > f->max)
		return err_set(e, ERANGE, "%s: %u is not between %u and %u", f->what, from < f->min || from > f->max ? from : to, f->min, f->max);
	if (from > to)
		return err_set(e, EINVAL, "%s: %u-%u goes backwards", f->what, from, to);
	for (; from <= to; from += step)
		*mask |= UINT64_C(1) << from;
	*s = p;
	return 0;
}

static int parse_field(const struct field *f, const char *s, uint64_t *ret, struct err *e)
{
	uint64_t mask = 0;
	int r;

	for (;;) {
		r = parse_item(f, &s, &mask, e);
		if (r < 0)
			return r;
		if (!*s)
			break;
		s++;
	}
	*ret = mask;
	return 0;
}

/* The 30th of February never comes. */
static int check_days(const struct schedule_trigger *t, struct err *e)
{
	static const uint32_t with_30 = 0x1ffa & ~(1u << 2), with_31 = 1u << 1 | 1u << 3 | 1u << 5 | 1u << 7 | 1u << 8 | 1u << 10 | 1u << 12;

	if (t->any_day || !t->any_weekday || t->days & 0x3ffffffe)
		return 0;
	if ((t->days & 1u << 30 && t->months & with_30) || (t->days & 1u << 31 && t->months & with_31))
		return 0;
	return err_set(e, EINVAL, "that day does not exist in any of these months");
}

static int parse_cron(char *s, struct schedule_trigger *t, struct err *e)
{
	uint64_t masks[5];
	char *word, *save = NULL;
	unsigned n = 0;
	int r;

	for (word = strtok_r(s, " \t", &save); word; word = strtok_r(NULL, " \t", &save), n++) {
		if (n == 5)
			return err_set(e, EINVAL, "more than the five fields minute, hour, day, month, weekday; a comma and a blank begin another");
		r = parse_field(&fields[n], word, &masks[n], e);
		if (r < 0)
			return r;
		t->any_day |= n == 2 && word[0] == '*';
		t->any_weekday |= n == 4 && word[0] == '*';
	}
	if (n < 5)
		return err_set(e, EINVAL, "%u of the five fields minute, hour, day, month, weekday; right are \"0 6 * * *\" and @daily", n);
	t->minutes = masks[0];
	t->hours = (uint32_t)masks[1];
	t->days = (uint32_t)masks[2];
	t->months = (uint32_t)masks[3];
	t->weekdays = (uint8_t)((masks[4] & 0x7f) | (masks[4] >> 7 & 1));
	return check_days(t, e);
}

/* 1: it is @never. */
static int parse_alias(const char *s, struct schedule_trigger *t, struct err *e)
{
	static const struct {
		const char *name;
		int when;
	} aliases[] = {
		{ "@hourly", SCHEDULE_HOURLY }, { "@daily", SCHEDULE_DAILY }, { "@midnight", SCHEDULE_MIDNIGHT },
		{ "@weekly", SCHEDULE_WEEKLY }, { "@monthly", SCHEDULE_MONTHLY }, { "@annually", SCHEDULE_YEARLY },
		{ "@yearly", SCHEDULE_YEARLY }, { "@startup", SCHEDULE_STARTUP },
	};

	for (size_t i = 0; i < sizeof(aliases) / sizeof(*aliases); i++) {
		if (!strcasecmp(s, aliases[i].name)) {
			t->when = aliases[i].when;
			return 0;
		}
	}
	if (!strcasecmp(s, "@never"))
		return 1;
	return err_set(e, EINVAL, "\"%.32s\" is none of @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @startup, @never", s);
}

/* Cuts the first trigger off *s: they are separated by a comma with a blank or '@' behind it, which none has inside. */
static int cut(const char **s, char *buf, size_t size, struct err *e)
{
	const char *p = *s + strspn(*s, " \t"), *end = p;
	size_t n;

	while (*end && !(*end == ',' && (strchr(" \t@", end[1]))))
		end++;
	for (n = (size_t)(end - p); n && strchr(" \t", p[n - 1]); n--)
		;
	if (!n)
		return err_set(e, EINVAL, "a schedule is empty; right are \"0 6 * * *\", @daily, and several after a comma and a blank");
	if (n >= size)
		return err_set(e, EINVAL, "\"%.32s...\" is too long", p);
	memcpy(buf, p, n);
	buf[n] = '\0';
	*s = *end ? end + 1 : NULL;
	return 0;
}

int schedule_parse(const char *s, struct schedule *ret, struct err *e)
{
	struct schedule out = { .n = 0 };
	char text[TRIGGER_LEN_MAX];
	bool never = false;
	unsigned n = 0;
	int r;

	while (s) {
		struct schedule_trigger t = { .when = SCHEDULE_CRON };

		r = cut(&s, text, sizeof(text), e);
		if (r == 0)
			r = *text == '@' ? parse_alias(text, &t, e) : parse_cron(text, &t, e);
		if (r < 0)
			return r;
		if (out.n == SCHEDULE_TRIGGERS_MAX)
			return err_set(e, EINVAL, "more than %d schedules", SCHEDULE_TRIGGERS_MAX);
		never |= r == 1;
		n++;
		if (r == 0)
			out.triggers[out.n++] = t;
	}
	if (never && n > 1)
		return err_set(e, EINVAL, "@never and other schedules exclude each other");
	*ret = out;
	return 0;
}
