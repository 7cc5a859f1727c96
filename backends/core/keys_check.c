// SPDX-License-Identifier: LGPL-2.1-or-later
/* Checks and comparisons of values, one per kind (keys_check.h). They get text without final newline, UTF-8, of allowed size. */
#include "backends/core/keys_check.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/idmap.h"
#include "backends/core/name.h"
#include "backends/core/pattern.h"
#include "backends/core/schedule.h"
#include "backends/core/value.h"

#define INSTANCES_MAX 64

KEY_CHECK(text)
{
	return 0;
}

static int in_range(const char *value, int64_t min, int64_t max, struct err *e)
{
	int64_t v;

	return value_int(value, min, max, &v, e);
}

KEY_SAME(text)
{
	size_t n, m;

	a += strspn(a, " \t");
	b += strspn(b, " \t");
	for (n = strlen(a); n && strchr(" \t", a[n - 1]); n--)
		;
	for (m = strlen(b); m && strchr(" \t", b[m - 1]); m--)
		;
	return n == m && !memcmp(a, b, n);
}

KEY_CHECK(bool)
{
	bool v;

	return value_bool(value, &v, e);
}

KEY_SAME(bool)
{
	bool x, y;

	return value_bool(a, &x, NULL) == 0 && value_bool(b, &y, NULL) == 0 && x == y;
}

KEY_CHECK(integer)
{
	return in_range(value, INT32_MIN, INT32_MAX, e);
}

KEY_CHECK(priority)
{
	return in_range(value, 0, 10, e);
}

KEY_CHECK(count)
{
	return in_range(value, 1, 4194304, e);
}

KEY_SAME(integer)
{
	int64_t x, y;

	return value_int(a, INT64_MIN, INT64_MAX, &x, NULL) == 0 && value_int(b, INT64_MIN, INT64_MAX, &y, NULL) == 0 && x == y;
}

KEY_CHECK(seconds)
{
	uint64_t v;

	return value_duration(value, &v, e);
}

KEY_SAME(seconds)
{
	uint64_t x, y;

	return value_duration(a, &x, NULL) == 0 && value_duration(b, &y, NULL) == 0 && x == y;
}

KEY_CHECK(percentage)
{
	return in_range(value, 1, 100, e);
}

KEY_CHECK(iterations)
{
	return in_range(value, 1, 999, e);
}

KEY_CHECK(oom_priority)
{
	return in_range(value, -1000, 1000, e);
}

KEY_CHECK(size)
{
	uint64_t v;

	return value_size(value, &v, e);
}

KEY_SAME(size)
{
	uint64_t x, y;

	return value_size(a, &x, NULL) == 0 && value_size(b, &y, NULL) == 0 && x == y;
}

KEY_CHECK(swap)
{
	uint64_t bytes;
	bool allowed;

	return value_swap(value, &allowed, &bytes, e);
}

KEY_SAME(swap)
{
	uint64_t x, y;
	bool p, q;

	return value_swap(a, &p, &x, NULL) == 0 && value_swap(b, &q, &y, NULL) == 0 && p == q && x == y;
}

KEY_CHECK(memory)
{
	uint64_t v;
	int r = value_size_or_percent(value, UINT32_MAX, &v, e);

	if (r == 0 && !v)
		return err_set(e, EINVAL, "the limit cannot be 0; unset the key for no limit");
	return r;
}

KEY_SAME(memory)
{
	const uint64_t total = 1ull << 50;
	uint64_t x, y;

	return !strchr(a, '%') == !strchr(b, '%') && value_size_or_percent(a, total, &x, NULL) == 0 &&
	       value_size_or_percent(b, total, &y, NULL) == 0 && x == y;
}

KEY_CHECK(enforce)
{
	if (value_is(value, "hard") || value_is(value, "soft"))
		return 0;
	return err_set(e, EINVAL, "\"%.64s\" is neither hard nor soft", value);
}

KEY_CHECK(proc_cpus)
{
	if (value_is(value, "cpuset") || value_is(value, "quota"))
		return 0;
	return err_set(e, EINVAL, "\"%.64s\" is neither cpuset nor quota", value);
}

KEY_CHECK(compression)
{
	static const char *const names[] = { "bzip2", "gzip", "lzma", "xz", "zstd", "none" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (value_is(value, names[i]))
			return 0;
	}
	return err_set(e, EINVAL, "\"%.64s\" is not one of bzip2, gzip, lzma, xz, zstd, none", value);
}

/* A set without any CPU of this host could never be applied. A part of it may be missing: that shows in runtime/effective. */
KEY_CHECK(cpu)
{
	_cleanup_buf_ struct buf online = BUF_INIT;
	char list[4096];
	unsigned count;
	int r;

	r = value_cpu(value, &count, list, sizeof(list), e);
	if (r < 0 || count)
		return r;
	if (buf_read_file(&online, -1, "/sys/devices/system/cpu/online", sizeof(list)) < 0)
		return 0;
	if (value_cpu_meet(list, buf_str(&online)))
		return 0;
	return err_set(e, ERANGE, "none of the CPUs %.64s is online; this host has %.*s", list,
		       (int)strcspn(buf_str(&online), "\n"), buf_str(&online));
}

KEY_SAME(cpu)
{
	char x[4096], y[4096];
	unsigned n, m;

	return value_cpu(a, &n, x, sizeof(x), NULL) == 0 && value_cpu(b, &m, y, sizeof(y), NULL) == 0 && n == m && !strcmp(x, y);
}

KEY_CHECK(allowance)
{
	uint64_t percent, quota, period;
	long cpus = sysconf(_SC_NPROCESSORS_CONF);
	int r;

	r = value_allowance(value, &percent, &quota, &period, e);
	if (r == 0 && cpus > 0 && percent > (uint64_t)cpus * 10000)
		return err_set(e, ERANGE, "%.32s is more than the %ld%% of all CPUs of this host", value, cpus * 100);
	return r;
}

KEY_SAME(allowance)
{
	uint64_t x[3], y[3];

	return value_allowance(a, &x[0], &x[1], &x[2], NULL) == 0 && value_allowance(b, &y[0], &y[1], &y[2], NULL) == 0 &&
	       !memcmp(x, y, sizeof(x));
}

KEY_CHECK(idmap)
{
	return idmap_check_raw(value, e);
}

KEY_CHECK(idmap_base)
{
	return in_range(value, 1, UINT32_MAX - 1, e);
}

/* Guests need at least the ids of their system users, and nobody's, which is the last of 65536. */
KEY_CHECK(idmap_size)
{
	int64_t v;
	int r = value_int(value, INT64_MIN, INT64_MAX, &v, e);

	if (r == 0 && (v < 65536 || v > UINT32_MAX - 1))
		return err_set(e, ERANGE, "%.32s is not between 65536 (nobody is 65534 of them) and 4294967294", value);
	return r;
}

KEY_CHECK(expiry)
{
	time_t t;

	return value_expiry(value, time(NULL), &t, e);
}

KEY_CHECK(pattern)
{
	return pattern_check(value, e);
}

KEY_CHECK(schedule)
{
	struct schedule s;

	return schedule_parse(value, &s, e);
}

struct names {
	const char *seen[INSTANCES_MAX];
	size_t n;
	struct err *e;
};

static int check_instance(const char *name, void *arg)
{
	struct names *l = arg;
	int r = name_check_instance(name, l->e);

	for (size_t i = 0; i < l->n && r == 0; i++)
		if (name_same_instance(l->seen[i], name))
			r = err_set(l->e, EINVAL, "%s is named twice", name);
	if (r == 0 && l->n == INSTANCES_MAX)
		r = err_set(l->e, EINVAL, "at most %d instances can be named", INSTANCES_MAX);
	if (r == 0)
		l->seen[l->n++] = name;
	return r;
}

/* They need not be there: instances come and go, and what is missing is not waited for. */
KEY_CHECK(instances)
{
	_cleanup_free_ char *text = strdup(value);
	struct names l = { .e = e };
	int r;

	if (!text)
		return err_sys(e, ENOMEM, "no memory");
	r = value_each_word(text, check_instance, &l);
	return r == 0 && !l.n ? err_set(e, EINVAL, "no instance is named; right are c1 and c1, c2") : r;
}

/* ---- lists of what users may have ---- */

static int check_listed_path(const char *word, void *arg)
{
	if (*word != '/' || !word[1])
		return err_set(arg, EINVAL, "\"%.100s\" is not the absolute path of a directory", word);
	for (const char *p = word; *p;) {
		size_t n = strcspn(++p, "/");

		if (!n || (n == 1 && *p == '.') || (n == 2 && !memcmp(p, "..", 2)))
			return err_set(arg, EINVAL, "\"%.100s\" must be written without //, /./, /../ and a slash at its end", word);
		p += n;
	}
	return 0;
}

KEY_CHECK(paths)
{
	_cleanup_free_ char *text = strdup(value);

	return text ? value_each_word(text, check_listed_path, e) : err_sys(e, ENOMEM, "no memory");
}

static int check_listed_interface(const char *word, void *arg)
{
	if (strlen(word) < 16 && !strchr(word, '/') && strcmp(word, ".") != 0 && strcmp(word, "..") != 0)
		return 0;
	return err_set(arg, EINVAL, "\"%.100s\" cannot be the name of an interface", word);
}

KEY_CHECK(parents)
{
	_cleanup_free_ char *text = strdup(value);

	return text ? value_each_word(text, check_listed_interface, e) : err_sys(e, ENOMEM, "no memory");
}

KEY_CHECK(allow)
{
	if (!strcmp(value, "allow") || !strcmp(value, "block"))
		return 0;
	return err_set(e, EINVAL, "\"%.64s\" is neither allow nor block", value);
}
