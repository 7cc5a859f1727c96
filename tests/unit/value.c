// SPDX-License-Identifier: LGPL-2.1-or-later
/* Every grammar of value.h: what is taken, what is refused, and that a refusal says what would be right. */
#include <errno.h>
#include <stdlib.h>

#include "backends/core/value.h"
#include "tests/unit/unit.h"

static uint64_t size_of(const char *s)
{
	uint64_t v = 0;

	CHECK(value_size(s, &v, NULL) == 0);
	return v;
}

static int size_error(const char *s)
{
	struct err e = ERR_INIT;
	uint64_t v = 77;
	int r = value_size(s, &v, &e);

	CHECK(r == -e.code && e.text[0] && v == 77);
	return r;
}

static void test_sizes(void)
{
	CHECK(size_of("0") == 0);
	CHECK(size_of("512") == 512);
	CHECK(size_of("512B") == 512 && size_of("512 bytes") == 512 && size_of("512bytes") == 512);
	CHECK(size_of("256MB") == 256000000 && size_of("256MiB") == 256u << 20 && size_of("256M") == 256u << 20);
	CHECK(size_of("1kB") == 1000 && size_of("1KB") == 1000 && size_of("1k") == 1024 && size_of("1KiB") == 1024);
	CHECK(size_of(" 10GB ") == 10000000000ull && size_of("10 gb") == 10000000000ull);
	CHECK(size_of("1.5G") == 3ull << 29 && size_of("1.5GB") == 1500000000ull && size_of("0.5") == 0);
	CHECK(size_of("1T") == 1ull << 40 && size_of("1PiB") == 1ull << 50 && size_of("7EiB") == 7ull << 60);
	CHECK(size_of("9223372036854775807") == INT64_MAX);
	CHECK(size_error("8EiB") == -ERANGE && size_error("99999999999999999999") == -ERANGE);
	CHECK(size_error("9223372036854775808") == -ERANGE);
	CHECK(size_error("") == -EINVAL && size_error(" ") == -EINVAL && size_error("-1") == -EINVAL && size_error("+1") == -EINVAL);
	CHECK(size_error("1.") == -EINVAL && size_error(".5") == -EINVAL && size_error("1,5G") == -EINVAL && size_error("1e3") == -EINVAL);
	CHECK(size_error("MB") == -EINVAL && size_error("1MX") == -EINVAL && size_error("1 M B") == -EINVAL && size_error("0x10") == -EINVAL);
	CHECK(size_error("1%") == -EINVAL);
}

static void test_percent(void)
{
	uint64_t v;

	CHECK(value_size_or_percent("25%", 1000, &v, NULL) == 0 && v == 250);
	CHECK(value_size_or_percent("12.5%", 1000, &v, NULL) == 0 && v == 125);
	CHECK(value_size_or_percent("100 %", 7, &v, NULL) == 0 && v == 7);
	CHECK(value_size_or_percent("100%", INT64_MAX, &v, NULL) == 0 && v == INT64_MAX);
	CHECK(value_size_or_percent("1M", 7, &v, NULL) == 0 && v == 1 << 20);
	CHECK(value_size_or_percent("0%", 7, &v, NULL) == -ERANGE);
	CHECK(value_size_or_percent("110%", 7, &v, NULL) == -ERANGE);
	CHECK(value_size_or_percent("100.1%", 7, &v, NULL) == -ERANGE);
	CHECK(value_size_or_percent("-1%", 7, &v, NULL) == -EINVAL);
	CHECK(value_size_or_percent("%", 7, &v, NULL) == -EINVAL);
	CHECK(value_size_or_percent("1%%", 7, &v, NULL) == -EINVAL);
}

static void test_bool_int(void)
{
	static const char *const yes[] = { "true", "YES", "1", "On", " true " }, *const no[] = { "false", "no", "0", "OFF" };
	int64_t n;
	bool b;

	for (size_t i = 0; i < 5; i++)
		CHECK(value_bool(yes[i], &b, NULL) == 0 && b);
	for (size_t i = 0; i < 4; i++)
		CHECK(value_bool(no[i], &b, NULL) == 0 && !b);
	CHECK(value_bool("", &b, NULL) == -EINVAL && value_bool("2", &b, NULL) == -EINVAL && value_bool("truely", &b, NULL) == -EINVAL);
	CHECK(value_int("10", 0, 10, &n, NULL) == 0 && n == 10);
	CHECK(value_int(" -5", -10, 10, &n, NULL) == 0 && n == -5);
	CHECK(value_int("11", 0, 10, &n, NULL) == -ERANGE && value_int("99999999999999999999", 0, INT64_MAX, &n, NULL) == -ERANGE);
	CHECK(value_int("1.5", 0, 10, &n, NULL) == -EINVAL && value_int("", 0, 10, &n, NULL) == -EINVAL);
	CHECK(value_int("- 5", -9, 10, &n, NULL) == -EINVAL && value_int("5s", 0, 10, &n, NULL) == -EINVAL);
}

static int cpu(const char *s, char *list, unsigned *n)
{
	struct err e = ERR_INIT;
	int r = value_cpu(s, n, list, 256, &e);

	CHECK(!r == !e.code);
	return r;
}

static void test_cpu(void)
{
	char list[256];
	unsigned n;

	CHECK(cpu("4", list, &n) == 0 && n == 4 && !list[0]);
	CHECK(cpu(" 2 ", list, &n) == 0 && n == 2);
	CHECK(cpu("1-1", list, &n) == 0 && n == 0);
	CHECK_STR(list, "1");
	CHECK(cpu("7-11,0-3", list, &n) == 0 && n == 0);
	CHECK_STR(list, "0-3,7-11");
	CHECK(cpu("1,3,2", list, &n) == 0);
	CHECK_STR(list, "1-3");
	CHECK(cpu("0-8191", list, &n) == 0);
	CHECK_STR(list, "0-8191");
	CHECK(cpu("0", list, &n) == -ERANGE && cpu("99999", list, &n) == -ERANGE);
	CHECK(cpu("3-1", list, &n) == -EINVAL && cpu("1-3,3", list, &n) == -EINVAL && cpu("1,", list, &n) == -EINVAL);
	CHECK(cpu("-1", list, &n) == -EINVAL && cpu("abc", list, &n) == -EINVAL && cpu("1.5", list, &n) == -EINVAL);
	CHECK(cpu("1-2-3", list, &n) == -EINVAL && cpu(",1", list, &n) == -EINVAL && cpu("", list, &n) == -EINVAL);
	CHECK(cpu("0-99999999999999999999", list, &n) == -ERANGE);
	CHECK(value_cpu("0,2,4", &n, list, 4, NULL) == -EINVAL);
}

static void test_allowance(void)
{
	uint64_t percent, quota, period;

	CHECK(value_allowance("50%", &percent, &quota, &period, NULL) == 0 && percent == 5000 && !quota && !period);
	CHECK(value_allowance("5.5%", &percent, &quota, &period, NULL) == 0 && percent == 550);
	CHECK(value_allowance("25ms/100ms", &percent, &quota, &period, NULL) == 0 && !percent && quota == 25000 && period == 100000);
	CHECK(value_allowance("25 / 100", &percent, &quota, &period, NULL) == 0 && quota == 25000 && period == 100000);
	CHECK(value_allowance("200ms/100ms", &percent, &quota, &period, NULL) == 0 && quota == 200000);
	CHECK(value_allowance("1.5ms/10ms", &percent, &quota, &period, NULL) == 0 && quota == 1500);
	CHECK(value_allowance("0%", &percent, &quota, &period, NULL) == -ERANGE);
	CHECK(value_allowance("-5%", &percent, &quota, &period, NULL) == -EINVAL);
	CHECK(value_allowance("0ms/0ms", &percent, &quota, &period, NULL) == -ERANGE);
	CHECK(value_allowance("25ms/2000ms", &percent, &quota, &period, NULL) == -ERANGE);
	CHECK(value_allowance("25ms", &percent, &quota, &period, NULL) == -EINVAL);
	CHECK(value_allowance("1us/2us", &percent, &quota, &period, NULL) == -EINVAL);
	CHECK(value_allowance("1/2/3", &percent, &quota, &period, NULL) == -EINVAL);
}

static void test_durations(void)
{
	uint64_t v;
	time_t t;

	CHECK(value_duration("90", &v, NULL) == 0 && v == 90);
	CHECK(value_duration("30s", &v, NULL) == 0 && v == 30);
	CHECK(value_duration("5m", &v, NULL) == 0 && v == 300);
	CHECK(value_duration("24h", &v, NULL) == 0 && v == 86400);
	CHECK(value_duration(" 7d ", &v, NULL) == 0 && v == 7 * 86400);
	CHECK(value_duration("0", &v, NULL) == 0 && v == 0);
	CHECK(value_duration("-5", &v, NULL) == -EINVAL && value_duration("", &v, NULL) == -EINVAL && value_duration("5 m", &v, NULL) == -EINVAL);
	CHECK(value_duration("5x", &v, NULL) == -EINVAL && value_duration("1h30m", &v, NULL) == -EINVAL);
	CHECK(value_duration("99999999999999999999d", &v, NULL) == -ERANGE);

	/* 2024-01-31T00:00:00Z: a month later is the 2nd of March, as calendars count that overflow */
	CHECK(value_expiry("1d", 1706659200, &t, NULL) == 0 && t == 1706659200 + 86400);
	CHECK(value_expiry("1m", 1706659200, &t, NULL) == 0 && t == 1709337600);
	CHECK(value_expiry("30M", 1706659200, &t, NULL) == 0 && t == 1706659200 + 1800);
	CHECK(value_expiry("1w 2d  3H 4S", 1706659200, &t, NULL) == 0 && t == 1706659200 + 9 * 86400 + 3 * 3600 + 4);
	CHECK(value_expiry("1y", 1706659200, &t, NULL) == 0 && t == 1706659200 + 366 * 86400);
	CHECK(value_expiry("0d", 0, &t, NULL) == -EINVAL && value_expiry("", 0, &t, NULL) == -EINVAL && value_expiry("1h", 0, &t, NULL) == -EINVAL);
	CHECK(value_expiry("1d3H", 0, &t, NULL) == -EINVAL && value_expiry("1d 1d", 0, &t, NULL) == -EINVAL && value_expiry("-1d", 0, &t, NULL) == -EINVAL);
	CHECK(value_expiry("d", 0, &t, NULL) == -EINVAL && value_expiry("1", 0, &t, NULL) == -EINVAL);
	CHECK(value_expiry("999y", 0, &t, NULL) == -ERANGE && value_expiry("99999999999999S", 0, &t, NULL) == -ERANGE);
}

static void test_times(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	time_t t, now = time(NULL);

	value_print_time(&b, 1767323045);
	CHECK_STR(buf_str(&b), "2026-01-02T03:04:05Z");
	CHECK(value_time("2026-01-02T03:04:05Z", &t, NULL) == 0 && t == 1767323045);
	CHECK(value_time("2026-01-02T04:04:05.123+01:00", &t, NULL) == 0 && t == 1767323045);
	CHECK(value_time("2026-01-01T22:34:05-04:30", &t, NULL) == 0 && t == 1767323045);
	CHECK(value_time("", &t, NULL) == 0 && t == 0);
	CHECK(value_time(" never ", &t, NULL) == 0 && t == 0);
	CHECK(value_time("+1d", &t, NULL) == 0 && t >= now + 86400 && t <= now + 86410);
	CHECK(value_time("2026-02-30T00:00:00Z", &t, NULL) == -EINVAL);
	CHECK(value_time("2026-01-02T24:04:05Z", &t, NULL) == -EINVAL);
	CHECK(value_time("2026-01-02", &t, NULL) == -EINVAL);
	CHECK(value_time("2026-01-02T03:04:05", &t, NULL) == -EINVAL);
	CHECK(value_time("2026-01-02T03:04:05.Z", &t, NULL) == -EINVAL);
	CHECK(value_time("tomorrow", &t, NULL) == -EINVAL);
	CHECK(value_time("+", &t, NULL) == -EINVAL);
}

static void test_text(void)
{
	CHECK(value_text("a\nb\t\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7", 13, NULL) == 0);
	CHECK(value_text("", 0, NULL) == 0);
	CHECK(value_text("a\0b", 3, NULL) == -EINVAL);
	CHECK(value_text("\xc0\x80", 2, NULL) == -EINVAL);		/* NUL in two bytes */
	CHECK(value_text("\xed\xa0\x80", 3, NULL) == -EINVAL);		/* surrogate */
	CHECK(value_text("\xf4\x90\x80\x80", 4, NULL) == -EINVAL);	/* above U+10FFFF */
	CHECK(value_text("\xe2\x82", 2, NULL) == -EINVAL && value_text("\x80", 1, NULL) == -EINVAL && value_text("\xff", 1, NULL) == -EINVAL);
	CHECK(value_line("plain \xc3\xa9", 8, NULL) == 0);
	CHECK(value_line("a\nb", 3, NULL) == -EINVAL && value_line("a\r", 2, NULL) == -EINVAL && value_line("\x1b[0m", 4, NULL) == -EINVAL);
	CHECK(value_line("\x7f", 1, NULL) == -EINVAL && value_line("\xc2\x85", 2, NULL) == -EINVAL);
}

int main(void)
{
	test_sizes();
	test_percent();
	test_bool_int();
	test_cpu();
	test_allowance();
	test_durations();
	test_times();
	test_text();
	return UNIT_END();
}
