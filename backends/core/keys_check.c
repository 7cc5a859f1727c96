// SPDX-License-Identifier: LGPL-2.1-or-later
/* Checks and comparisons of values, one per kind (keys_check.h). They get text without final newline, UTF-8, of allowed size. */
#include "backends/core/keys_check.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/idmap.h"
#include "backends/core/value.h"

KEY_CHECK(text)
{
	return 0;
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
	int64_t v;

	return value_int(value, INT32_MIN, INT32_MAX, &v, e);
}

KEY_CHECK(priority)
{
	int64_t v;

	return value_int(value, 0, 10, &v, e);
}

KEY_CHECK(count)
{
	int64_t v;

	return value_int(value, 1, 4194304, &v, e);
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

KEY_CHECK(expiry)
{
	time_t t;

	return value_expiry(value, time(NULL), &t, e);
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

/* Compares a value without its surrounding blanks with a word. */
static bool is_word(const char *value, const char *word)
{
	size_t n = strlen(word);

	value += strspn(value, " \t");
	return !strncmp(value, word, n) && !value[n + strspn(value + n, " \t")];
}

KEY_CHECK(enforce)
{
	if (is_word(value, "hard") || is_word(value, "soft"))
		return 0;
	return err_set(e, EINVAL, "\"%.64s\" is neither hard nor soft", value);
}

KEY_CHECK(compression)
{
	static const char *const names[] = { "bzip2", "gzip", "lzma", "xz", "zstd", "none" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		if (is_word(value, names[i]))
			return 0;
	}
	return err_set(e, EINVAL, "\"%.64s\" is not one of bzip2, gzip, lzma, xz, zstd, none", value);
}

/* Whether two lists in the kernel's form have a CPU in common. */
static bool lists_meet(const char *a, const char *b)
{
	unsigned a1, a2, b1, b2;
	int n;

	for (const char *p = a; sscanf(p, "%u%n", &a1, &n) == 1; p += *p == ',') {
		p += n;
		a2 = a1;
		if (*p == '-' && sscanf(p + 1, "%u%n", &a2, &n) == 1)
			p += n + 1;
		for (const char *q = b; sscanf(q, "%u%n", &b1, &n) == 1; q += *q == ',') {
			q += n;
			b2 = b1;
			if (*q == '-' && sscanf(q + 1, "%u%n", &b2, &n) == 1)
				q += n + 1;
			if (a1 <= b2 && b1 <= a2)
				return true;
		}
	}
	return false;
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
	if (lists_meet(list, buf_str(&online)))
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

/* ---- raw.lxc ---- */

/* What the daemon decides itself: logs, the life of the container, process limits and networks have their own keys and devices. */
static bool lxc_key_refused(const char *key)
{
	static const char *const families[] = { "lxc.log", "lxc.prlimit", "lxc.net" };
	const char *last = strrchr(key, '.');

	if (!strcmp(key, "lxc.ephemeral"))
		return true;
	for (size_t i = 0; i < sizeof(families) / sizeof(*families); i++) {
		size_t n = strlen(families[i]);

		if (strncmp(key, families[i], n) != 0 || (key[n] && key[n] != '.'))
			continue;
		/* addresses and gateways inside of a nic that a device made are not offered by the device */
		return i != 2 || !last || (strcmp(last, ".address") != 0 && strcmp(last, ".gateway") != 0) ||
		       (!strstr(key, ".ipv4.") && !strstr(key, ".ipv6."));
	}
	return false;
}

static int check_lxc_line(const char *line, size_t len, unsigned number, struct err *e)
{
	char key[128];
	size_t n, blanks;

	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	for (size_t i = 0; i < len; i++) {
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return err_set(e, EINVAL, "line %u has a control character", number);
	}
	if (!len || *line == '#')
		return 0;
	for (n = 0; n < len && n < sizeof(key) - 1 && line[n] != '=' && line[n] != ' ' && line[n] != '\t'; n++)
		key[n] = line[n];
	key[n] = '\0';
	for (blanks = n; blanks < len && (line[blanks] == ' ' || line[blanks] == '\t'); blanks++)
		;
	if (strncmp(key, "lxc.", 4) != 0 || !key[4] || blanks == len || line[blanks] != '=')
		return err_set(e, EINVAL, "line %u is not \"lxc.key = value\": \"%.*s\"", number, (int)(len > 64 ? 64 : len), line);
	if (lxc_key_refused(key))
		return err_set(e, EINVAL, "line %u: %s is not allowed here, instfs sets it itself", number, key);
	return 0;
}

KEY_CHECK(lxc)
{
	unsigned number = 1;

	for (const char *p = value; *p; number++) {
		size_t len = strcspn(p, "\n");
		int r = check_lxc_line(p, len, number, e);

		if (r < 0)
			return r;
		p += len + (p[len] == '\n');
	}
	return 0;
}

KEY_CHECK(idmap)
{
	return idmap_check_raw(value, e);
}
