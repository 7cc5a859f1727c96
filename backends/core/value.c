// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Parsers of single values. Pure functions: no locks, no state, nothing of the machine is looked at. Blanks around a value are
 * ignored everywhere, because people write `echo " 2"`; what is kept and shown is always the text as it was written.
 */
#include "backends/core/value.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FRACTION_DIGITS 18		/* 10^18 * 2^60 still fits into 128 bits */
#define CPU_MAX 8192			/* what the largest kernels are built for */

__extension__ typedef unsigned __int128 wide;

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Copies s without surrounding blanks. What does not fit or is empty has no meaning as a number, a word or a list. */
static int trim(const char *s, char *buf, size_t size, struct err *e)
{
	size_t n;

	while (is_blank(*s))
		s++;
	n = strlen(s);
	while (n && is_blank(s[n - 1]))
		n--;
	if (!n)
		return err_set(e, EINVAL, "the value is empty");
	if (n >= size)
		return err_set(e, EINVAL, "\"%.32s...\" is too long", s);
	memcpy(buf, s, n);
	buf[n] = '\0';
	return 0;
}

bool value_is(const char *s, const char *word)
{
	size_t n = strlen(word);

	s += strspn(s, " \t");
	return !strncmp(s, word, n) && !s[n + strspn(s + n, " \t")];
}

int value_bool(const char *s, bool *ret, struct err *e)
{
	static const char *const yes[] = { "true", "yes", "1", "on" }, *const no[] = { "false", "no", "0", "off" };
	char t[16];

	if (trim(s, t, sizeof(t), NULL) == 0) {
		for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++) {
			if (!strcasecmp(t, yes[i]) || !strcasecmp(t, no[i])) {
				*ret = !strcasecmp(t, yes[i]);
				return 0;
			}
		}
	}
	return err_set(e, EINVAL, "\"%.64s\" is not true or false (also yes, no, 1, 0, on, off)", s);
}

int value_int(const char *s, int64_t min, int64_t max, int64_t *ret, struct err *e)
{
	char t[32], *end;
	long long v;

	if (trim(s, t, sizeof(t), NULL) < 0 || !(is_digit(t[0]) || ((t[0] == '-' || t[0] == '+') && is_digit(t[1]))))
		return err_set(e, EINVAL, "\"%.64s\" is not a whole number", s);
	errno = 0;
	v = strtoll(t, &end, 10);
	if (*end)
		return err_set(e, EINVAL, "\"%.64s\" is not a whole number", s);
	if (errno || v < min || v > max)
		return err_set(e, ERANGE, "%s is not between %lld and %lld", t, (long long)min, (long long)max);
	*ret = v;
	return 0;
}

/* ---- sizes ---- */

struct number {
	uint64_t whole;
	uint64_t fraction;	/* in 1 / 10^FRACTION_DIGITS */
};

/* Reads "12" or "12.5" and moves *s behind it. */
static int parse_number(const char **s, struct number *ret)
{
	const char *p = *s;
	uint64_t unit = 1000000000000000000ull;

	*ret = (struct number){ 0 };
	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		if (__builtin_mul_overflow(ret->whole, 10, &ret->whole) ||
		    __builtin_add_overflow(ret->whole, (uint64_t)(*p - '0'), &ret->whole))
			return -ERANGE;
	}
	if (*p == '.') {
		if (!is_digit(*++p))
			return -EINVAL;
		for (; is_digit(*p); p++) {
			unit /= 10;
			ret->fraction += (uint64_t)(*p - '0') * unit;
		}
	}
	*s = p;
	return 0;
}

/* number * multiplier / divisor, rounded down. */
static int scale(const struct number *n, uint64_t multiplier, uint64_t divisor, uint64_t *ret)
{
	wide v = (wide)n->whole * multiplier + (wide)n->fraction * multiplier / 1000000000000000000ull;

	v /= divisor;
	if (v > INT64_MAX)
		return -ERANGE;
	*ret = (uint64_t)v;
	return 0;
}

/* "kB" is 10^3, "KiB" and "K" 2^10, in any case. */
static int parse_unit(const char *s, uint64_t *ret)
{
	static const char letters[] = "kmgtpe";
	const char *l = NULL;
	uint64_t base, v = 1;

	if (!*s || !strcasecmp(s, "b") || !strcasecmp(s, "byte") || !strcasecmp(s, "bytes")) {
		*ret = 1;
		return 0;
	}
	l = strchr(letters, *s | 0x20);
	if (!l || !*l)
		return -EINVAL;
	if (!s[1] || !strcasecmp(s + 1, "ib"))
		base = 1024;
	else if (!strcasecmp(s + 1, "b"))
		base = 1000;
	else
		return -EINVAL;
	for (const char *p = letters; p <= l; p++)
		v *= base;
	*ret = v;
	return 0;
}

int value_size(const char *s, uint64_t *ret, struct err *e)
{
	char t[64];
	const char *p = t;
	struct number n;
	uint64_t unit;
	int r;

	r = trim(s, t, sizeof(t), e);
	if (r < 0)
		return r;
	if (*p == '-' && is_digit(p[1]))
		return err_set(e, EINVAL, "%s: a size cannot be negative", t);
	r = parse_number(&p, &n);
	if (r == 0) {
		while (is_blank(*p))
			p++;
		r = parse_unit(p, &unit);
	}
	if (r == 0)
		r = scale(&n, unit, 1, ret);
	if (r == -ERANGE)
		return err_set(e, ERANGE, "%s is more than 8 EiB", t);
	if (r < 0)
		return err_set(e, EINVAL, "\"%s\" is not a size; right are 256MiB, 1.5G, 10GB (10^9), 4096", t);
	return 0;
}

int value_size_or_percent(const char *s, uint64_t total, uint64_t *ret, struct err *e)
{
	char t[64];
	const char *p = t;
	struct number n;
	size_t len;
	int r;

	r = trim(s, t, sizeof(t), e);
	if (r < 0)
		return r;
	len = strlen(t);
	if (t[len - 1] != '%')
		return value_size(s, ret, e);
	r = parse_number(&p, &n);
	while (is_blank(*p))
		p++;
	if (r < 0 || p != t + len - 1)
		return err_set(e, EINVAL, "\"%s\" is neither a size nor a percentage; right are 256MiB, 1.5G, 25%%", t);
	if (n.whole < 1 || n.whole > 100 || (n.whole == 100 && n.fraction))
		return err_set(e, ERANGE, "%s is not between 1%% and 100%%", t);
	return scale(&n, total, 100, ret);
}

int value_swap(const char *s, bool *ret_allowed, uint64_t *ret_bytes, struct err *e)
{
	uint64_t bytes;
	bool yes;
	int r = 0;

	if (value_bool(s, &yes, NULL) == 0) {
		*ret_allowed = yes;
		*ret_bytes = yes ? UINT64_MAX : 0;
		return 0;
	}
	r = value_size(s, &bytes, NULL);
	if (r < 0)
		return err_set(e, -r, "\"%.64s\" is neither true nor false nor a size; right are false, 512MiB", s);
	*ret_allowed = bytes != 0;
	*ret_bytes = bytes;
	return 0;
}

int value_each_word(char *s, int (*f)(const char *word, void *arg), void *arg)
{
	char *save = NULL;
	int r = 0;

	for (char *w = strtok_r(s, ", \t\n", &save); w && r == 0; w = strtok_r(NULL, ", \t\n", &save))
		r = f(w, arg);
	return r;
}

/* ---- processors ---- */

static int cpu_item(const char **s, unsigned *first, unsigned *last)
{
	unsigned v[2] = { 0, 0 };
	int n = 0;

	do {
		if (n)
			(*s)++;
		if (!is_digit(**s))
			return -EINVAL;
		for (; is_digit(**s); (*s)++) {
			if (v[n] < CPU_MAX)
				v[n] = v[n] * 10 + (unsigned)(**s - '0');
		}
		n++;
	} while (n == 1 && **s == '-');
	*first = v[0];
	*last = n == 2 ? v[1] : v[0];
	return 0;
}

static int cpu_set(const char *t, uint8_t *map, struct err *e)
{
	const char *s = t;
	unsigned first, last;

	for (;;) {
		if (cpu_item(&s, &first, &last) < 0 || (*s && *s != ','))
			return err_set(e, EINVAL, "\"%.64s\" is not a CPU limit; right are 2 (that many), 1-1 (that one), 0-3,7", t);
		if (first > last)
			return err_set(e, EINVAL, "%u-%u: a range goes from the lower to the higher CPU", first, last);
		if (last >= CPU_MAX)
			return err_set(e, ERANGE, "CPU numbers end at %d", CPU_MAX - 1);
		for (unsigned i = first; i <= last; i++) {
			if (map[i / 8] & (1 << i % 8))
				return err_set(e, EINVAL, "CPU %u is named twice", i);
			map[i / 8] |= (uint8_t)(1 << i % 8);
		}
		if (!*s++)
			return 0;
	}
}

static int print_cpu_set(const uint8_t *map, char *list, size_t size, struct err *e)
{
	size_t n = 0;

	if (size)
		list[0] = '\0';
	for (unsigned i = 0; i < CPU_MAX; i++) {
		unsigned last = i;

		if (!(map[i / 8] & (1 << i % 8)))
			continue;
		while (last + 1 < CPU_MAX && (map[(last + 1) / 8] & (1 << (last + 1) % 8)))
			last++;
		n += (size_t)snprintf(list + n, size - n, last > i ? "%s%u-%u" : "%s%u", n ? "," : "", i, last);
		if (n >= size)
			return err_set(e, EINVAL, "the set of CPUs has too many parts");
		i = last;
	}
	return 0;
}

int value_cpu(const char *s, unsigned *ret_count, char *list, size_t size, struct err *e)
{
	uint8_t map[CPU_MAX / 8] = { 0 };
	char t[4096];
	int64_t n;
	int r;

	r = trim(s, t, sizeof(t), e);
	if (r < 0)
		return r;
	if (!t[strspn(t, "0123456789")]) {
		if (value_int(t, 1, CPU_MAX, &n, NULL) < 0)
			return err_set(e, ERANGE, "%.64s: the number of CPUs must be between 1 and %d; one CPU is pinned by 0-0", t, CPU_MAX);
		*ret_count = (unsigned)n;
		if (size)
			list[0] = '\0';
		return 0;
	}
	r = cpu_set(t, map, e);
	if (r == 0)
		r = print_cpu_set(map, list, size, e);
	if (r == 0)
		*ret_count = 0;
	return r;
}

static void map_of(const char *list, uint8_t *map)
{
	unsigned first, last;

	memset(map, 0, CPU_MAX / 8);
	while (is_digit(*list) && cpu_item(&list, &first, &last) == 0) {
		for (unsigned i = first; i <= last && i < CPU_MAX; i++)
			map[i / 8] |= (uint8_t)(1 << i % 8);
		list += *list == ',';
	}
}

bool value_cpu_within(const char *list, const char *of)
{
	uint8_t a[CPU_MAX / 8], b[CPU_MAX / 8];

	map_of(list, a);
	map_of(of, b);
	for (size_t i = 0; i < sizeof(a); i++) {
		if (a[i] & ~b[i])
			return false;
	}
	return true;
}

bool value_cpu_meet(const char *list, const char *of)
{
	uint8_t a[CPU_MAX / 8], b[CPU_MAX / 8];

	map_of(list, a);
	map_of(of, b);
	for (size_t i = 0; i < sizeof(a); i++) {
		if (a[i] & b[i])
			return true;
	}
	return false;
}

/* "25ms" or "25" to microseconds; moves *s behind it. */
static int parse_ms(const char **s, uint64_t *ret)
{
	struct number n;
	int r = parse_number(s, &n);

	if (r == 0)
		r = scale(&n, 1000, 1, ret);
	if (r < 0)
		return r;
	if (!strncasecmp(*s, "ms", 2))
		*s += 2;
	while (is_blank(**s))
		(*s)++;
	return 0;
}

int value_allowance(const char *s, uint64_t *ret_percent, uint64_t *ret_quota, uint64_t *ret_period, struct err *e)
{
	uint64_t percent, quota, period;
	struct number n;
	char t[64];
	const char *p = t;
	int r;

	r = trim(s, t, sizeof(t), e);
	if (r < 0)
		return r;
	if (t[strlen(t) - 1] == '%') {
		if (parse_number(&p, &n) < 0 || p[0] != '%' || p[1])
			return err_set(e, EINVAL, "\"%s\" is not a percentage; right is 50%%", t);
		if (n.whole < 1 || scale(&n, 100, 1, &percent) < 0)
			return err_set(e, ERANGE, "%s is less than 1%% or far too much", t);
		*ret_percent = percent;
		*ret_quota = *ret_period = 0;
		return 0;
	}
	if (parse_ms(&p, &quota) < 0 || *p++ != '/')
		return err_set(e, EINVAL, "\"%s\" is not a share of CPU time; right are 50%% (soft) and 25ms/100ms (hard)", t);
	while (is_blank(*p))
		p++;
	if (parse_ms(&p, &period) < 0 || *p)
		return err_set(e, EINVAL, "\"%s\" is not a share of CPU time; right are 50%% (soft) and 25ms/100ms (hard)", t);
	if (quota < 1000 || period < 1000 || period > 1000000)
		return err_set(e, ERANGE, "%s: the time must be at least 1ms, the period between 1ms and 1000ms", t);
	*ret_percent = 0;
	*ret_quota = quota;
	*ret_period = period;
	return 0;
}

/* ---- text ---- */

/* Length of the UTF-8 sequence at p, its code point in *ret; 0 when it is not a valid (shortest, no surrogate) one. */
static size_t decode(const unsigned char *p, size_t len, uint32_t *ret)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : (*p & 0xe0) == 0xc0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : (*p & 0xf8) == 0xf0 ? 4 : 0;
	uint32_t c;

	if (!n || n > len)
		return 0;
	c = n == 1 ? *p : *p & (0x7fu >> n);
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return 0;
	*ret = c;
	return n;
}

static int check_text(const char *data, size_t len, bool line, struct err *e)
{
	uint32_t c;

	for (size_t i = 0; i < len;) {
		size_t n = decode((const unsigned char *)data + i, len - i, &c);

		if (!n)
			return err_set(e, EINVAL, "the text is not valid UTF-8 at byte %zu", i);
		if (!c)
			return err_set(e, EINVAL, "the text has a NUL at byte %zu", i);
		if (line && c == '\n')
			return err_set(e, EINVAL, "the value must be one line");
		if (line && (c < 0x20 || (c >= 0x7f && c < 0xa0)))
			return err_set(e, EINVAL, "the value has a control character (0x%02x) at byte %zu", (unsigned)c, i);
		i += n;
	}
	return 0;
}

int value_text(const char *data, size_t len, struct err *e)
{
	return check_text(data, len, false, e);
}

int value_line(const char *data, size_t len, struct err *e)
{
	return check_text(data, len, true, e);
}
