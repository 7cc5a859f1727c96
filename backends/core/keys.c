// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What is done with a row of the table of keys (keys_table.c) whatever its type: finding, suggesting, checking. No state.
 */
#include "backends/core/keys.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "backends/core/cleanup.h"
#include "backends/core/value.h"

#define LINE_MAX_BYTES 4096
#define TEXT_MAX_BYTES (1u << 20)
#define SUGGEST_MAX 64

const struct key *const key_tables[] = { key_table, key_network_table, NULL };

/* Length of a family's name without its '*', 0 when it is the name of one key. */
static size_t family(const char *pattern)
{
	size_t n = strlen(pattern);

	return n && pattern[n - 1] == '*' ? n - 1 : 0;
}

static bool matches(const char *pattern, const char *name)
{
	size_t n = family(pattern);

	return n ? !strncmp(pattern, name, n) && name[n] : !strcmp(pattern, name);
}

/*
 * The rest of a name in a family is a part of a file name. What editors leave beside a file ("user.x~") is not a key, and "=" or a
 * blank would make environment.* another variable or none.
 */
static bool valid_rest(const char *rest)
{
	size_t n = strlen(rest);

	return n < 200 && rest[n - 1] != '~' && rest[strspn(rest, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
							      "0123456789._-+@:%")] == '\0';
}

static const struct key *find_family(const char *name)
{
	for_each_key(k) {
		if (family(k->name) && matches(k->name, name))
			return k;
	}
	return NULL;
}

/* Whether the name is one of the family to which it belongs. */
static int check_rest(const struct key *k, const char *name, struct err *e)
{
	const char *rest = name + family(k->name);

	if (!valid_rest(rest))
		return err_set(e, EINVAL, "\"%.100s\" is not a name for %s: letters, digits and . _ - + @ : %% only", name, k->name);
	return k->check_rest ? k->check_rest(rest, e) : 0;
}

const struct key *key_find(const char *name)
{
	const struct key *found;

	for_each_key(k) {
		if (!family(k->name) && !strcmp(k->name, name))
			return k;
	}
	found = find_family(name);
	return found && check_rest(found, name, NULL) == 0 ? found : NULL;
}

/* Number of letters to add, drop, replace or swap to make b of a, whatever their case. */
static unsigned distance(const char *a, size_t la, const char *b, size_t lb)
{
	unsigned rows[3][SUGGEST_MAX + 1], *before = rows[0], *last = rows[1], *now = rows[2], *spare;

	for (size_t j = 0; j <= lb; j++)
		last[j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		now[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			bool same = !strncasecmp(a + i - 1, b + j - 1, 1);
			unsigned v = last[j - 1] + !same;

			if (last[j] + 1 < v)
				v = last[j] + 1;
			if (now[j - 1] + 1 < v)
				v = now[j - 1] + 1;
			if (i > 1 && j > 1 && !strncasecmp(a + i - 1, b + j - 2, 1) && !strncasecmp(a + i - 2, b + j - 1, 1) &&
			    before[j - 2] + 1 < v)
				v = before[j - 2] + 1;
			now[j] = v;
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[lb];
}

static void consider(const char *name, const char *pattern, unsigned *best, const char **ret)
{
	size_t fam = family(pattern), lp = fam ? fam : strlen(pattern), ln = strlen(name);
	unsigned d;

	if (fam) {
		const char *dot = strchr(name, '.');

		if (!dot || !dot[1])
			return;
		ln = (size_t)(dot - name) + 1;
	}
	if (ln > SUGGEST_MAX || lp > SUGGEST_MAX)
		return;
	d = distance(name, ln, pattern, lp);
	if (d < *best && d <= 1 + lp / 4) {
		*best = d;
		*ret = pattern;
	}
}

static const char *nearest(const char *name)
{
	unsigned best = UINT32_MAX;
	const char *found = NULL;

	for_each_key(k)
		consider(name, k->name, &best, &found);
	for (const struct key_refusal *u = key_refused; u->name; u++)
		consider(name, u->name, &best, &found);
	return found;
}

int key_check_name(const char *name, const struct key **ret, struct err *e)
{
	const struct key *found = key_find(name);
	const char *near;

	if (found) {
		if (ret)
			*ret = found;
		return 0;
	}
	for (const struct key_refusal *u = key_refused; u->name; u++) {
		if (matches(u->name, name))
			return err_set(e, EOPNOTSUPP, "%.100s is not supported: %s", name, u->why);
	}
	found = find_family(name);
	if (found)
		return check_rest(found, name, e);
	if (!strncmp(name, "volatile.", 9))
		return err_set(e, EINVAL, "%.100s is not configuration; what is kept but not configured stands in volatile/", name);
	near = e ? nearest(name) : NULL;
	if (near)
		return err_set(e, EINVAL, "unknown key \"%.100s\"; the nearest known one is %s", name, near);
	return err_set(e, EINVAL, "unknown key \"%.100s\"; instfs --list-keys shows the known ones", name);
}

int key_check(const char *name, const char *value, size_t len, struct err *e)
{
	_cleanup_free_ char *text = NULL;
	const struct key *k = NULL;
	size_t max;
	int r;

	r = key_check_name(name, &k, e);
	if (r < 0)
		return r;
	max = k->flags & KEY_MULTILINE ? TEXT_MAX_BYTES : LINE_MAX_BYTES;
	if (len > max)
		return err_set(e, EFBIG, "%.100s: the value has %zu bytes, at most %zu are allowed", name, len, max);
	if (len && value[len - 1] == '\n')
		len--;
	r = k->flags & KEY_MULTILINE ? value_text(value, len, e) : value_line(value, len, e);
	if (r == 0) {
		text = strndup(value, len);
		if (!text)
			return err_sys(e, ENOMEM, "%.100s", name);
		r = k->check(k, name, text, e);
	}
	return r < 0 ? err_wrap(e, "%.100s", name), r : 0;
}

bool key_same(const struct key *k, const char *a, const char *b)
{
	if (!a || !b)
		return a == b;
	return !strcmp(a, b) || (k->same && k->same(a, b));
}
