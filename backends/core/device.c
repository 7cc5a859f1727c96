// SPDX-License-Identifier: LGPL-2.1-or-later
/* Texts of devices and what is done with a row whatever its type: see device.h. Blanks around keys and values do not count. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/device.h"
#include "backends/core/name.h"
#include "backends/core/value.h"

#define DEVICE_TEXT_MAX (64u << 10)
#define LINES_MAX 64

struct span {
	const char *p;
	size_t len;
};

struct text {			/* a device's text and where a walk through it is */
	const char *p, *end;
	unsigned line;
};

/* ---- reading ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span trim(const char *p, const char *end)
{
	while (p < end && is_blank(*p))
		p++;
	while (end > p && is_blank(end[-1]))
		end--;
	return (struct span){ p, (size_t)(end - p) };
}

/* The next property. Returns 1, 0 at the end, -EINVAL for a line without '=' or key. */
static int next_property(struct text *t, struct span *key, struct span *value)
{
	while (t->p < t->end) {
		const char *nl = memchr(t->p, '\n', (size_t)(t->end - t->p)), *eol = nl ? nl : t->end, *eq;
		struct span line = trim(t->p, eol);

		t->p = nl ? nl + 1 : t->end;
		t->line++;
		if (!line.len || *line.p == '#')
			continue;
		eq = memchr(line.p, '=', line.len);
		if (!eq || eq == line.p) {
			*key = line;
			return -EINVAL;
		}
		*key = trim(line.p, eq);
		*value = trim(eq + 1, line.p + line.len);
		return 1;
	}
	return 0;
}

static bool span_is(struct span s, const char *word)
{
	return strlen(word) == s.len && !memcmp(s.p, word, s.len);
}

bool device_get(const char *text, size_t len, const char *key, char *buf, size_t size)
{
	struct text t = { text, text + len, 0 };
	struct span k, v;
	int r;

	while ((r = next_property(&t, &k, &v)) != 0) {
		if (r < 0 || !span_is(k, key))
			continue;
		if (size) {
			if (v.len >= size)
				v.len = size - 1;
			memcpy(buf, v.p, v.len);
			buf[v.len] = '\0';
		}
		return true;
	}
	return false;
}

bool device_has(const char *text, size_t len, const char *key)
{
	char c[2];

	return device_get(text, len, key, c, sizeof(c)) && c[0];
}

bool device_bool(const char *text, size_t len, const char *key, bool def)
{
	char value[16];
	bool v;

	return device_get(text, len, key, value, sizeof(value)) && value_bool(value, &v, NULL) == 0 ? v : def;
}

/* ---- types ---- */

const struct device_type device_none = { .name = "none", .doc = "hides a device of the same name that a profile gives" };

const struct device_type *const device_types[] = {
	&device_disk, &device_nic, &device_none, &device_proxy, &device_unix_block, &device_unix_char,
	&device_unix_hotplug, NULL,
};

const char *const device_types_later[] = {
	"gpu", "infiniband", "pci", "tpm", "usb", NULL,
};

static const struct device_type *find_type(const char *name)
{
	for (size_t i = 0; device_types[i]; i++) {
		if (!strcmp(device_types[i]->name, name))
			return device_types[i];
	}
	return NULL;
}

static const struct device_type *type_of(const char *text, size_t len)
{
	char name[64];

	return device_get(text, len, "type", name, sizeof(name)) ? find_type(name) : NULL;
}

static const struct device_property *find_property(const struct device_type *type, struct span key)
{
	for (const struct device_property *p = type->properties; p && p->name; p++) {
		if (span_is(key, p->name))
			return p;
	}
	return NULL;
}

/* ---- checking ---- */

static bool is_later(const char *const *list, struct span key)
{
	for (; list && *list; list++) {
		size_t n = strlen(*list);

		if ((*list)[n - 1] == '*' ? key.len >= n && !memcmp(*list, key.p, n - 1) : span_is(key, *list))
			return true;
	}
	return false;
}

static int check_property(const struct device_type *type, struct span key, struct span value, struct err *e)
{
	const struct device_property *p = find_property(type, key);
	int len = key.len > 64 ? 64 : (int)key.len, r;
	char text[DEVICE_VALUE_MAX + 1];

	if (span_is(key, "type"))
		return 0;
	if (is_later(type->later, key))
		return err_set(e, EOPNOTSUPP, "%.*s= is not supported yet", len, key.p);
	if (!p)
		return err_set(e, EINVAL, "a device of type %s has no property \"%.*s\"", type->name, len, key.p);
	if (!value.len)
		return err_set(e, EINVAL, "%s= has no value; leave the line out instead", p->name);
	if (value.len > DEVICE_VALUE_MAX)
		return err_set(e, EINVAL, "the value of %s= is longer than %d bytes", p->name, DEVICE_VALUE_MAX);
	memcpy(text, value.p, value.len);
	text[value.len] = '\0';
	r = p->check(text, e);
	return r < 0 ? err_wrap(e, "%s", p->name), r : 0;
}

static int find_twice(const char *text, size_t len, struct span key, unsigned line, struct err *e)
{
	struct text t = { text, text + len, 0 };
	struct span k, v;

	while (next_property(&t, &k, &v) == 1 && t.line < line) {
		if (k.len == key.len && !memcmp(k.p, key.p, k.len))
			return err_set(e, EINVAL, "line %u: %.*s= stands in line %u already", line, k.len > 64 ? 64 : (int)k.len, k.p, t.line);
	}
	return 0;
}

static int list_types(const char *before, struct err *e)
{
	_cleanup_buf_ struct buf list = BUF_INIT;

	for (size_t i = 0; device_types[i]; i++)
		buf_addf(&list, "%s%s", i ? ", " : "", device_types[i]->name);
	return err_set(e, EINVAL, "%s; types are %s", before, buf_str(&list));
}

static int check_type(const char *text, size_t len, const struct device_type **ret, struct err *e)
{
	char name[64], wrong[96];

	if (!device_get(text, len, "type", name, sizeof(name)))
		return list_types("the line type= is missing", e);
	*ret = find_type(name);
	if (*ret)
		return 0;
	if (is_later(device_types_later, (struct span){ name, strlen(name) }))
		return err_set(e, EOPNOTSUPP, "devices of type %s are not supported yet", name);
	snprintf(wrong, sizeof(wrong), "\"%s\" is not a type of device", name);
	return list_types(wrong, e);
}

static int check_lines(const char *text, size_t len, bool begun, struct err *e)
{
	struct text t = { text, text + len, 0 };
	struct span key, value;
	unsigned n = 0;
	int r;

	while ((r = next_property(&t, &key, &value)) == 1) {
		/* more lines than there are properties cannot be right; it bounds the search for a second one */
		if (++n > LINES_MAX)
			return err_set(e, EINVAL, "the device has more than %d properties", LINES_MAX);
		r = value_line(key.p, (size_t)(value.p + value.len - key.p), e);
		if (r < 0)
			return err_wrap(e, "line %u", t.line), r;
		r = find_twice(text, len, key, t.line, e);
		if (r < 0)
			return r;
	}
	if (r < 0)
		return err_set(e, EINVAL, "line %u is not key=value: \"%.*s\"", t.line, key.len > 64 ? 64 : (int)key.len, key.p);
	return n || begun ? 0 : err_set(e, EINVAL, "the device is empty; it needs at least type=; remove the file to remove the device");
}

static int check_device(const char *text, size_t len, bool begun, struct err *e)
{
	struct text t = { text, text + len, 0 };
	const struct device_type *type = NULL;
	struct span key, value;
	int r;

	r = value_text(text, len, e);
	if (r == 0)
		r = check_lines(text, len, begun, e);
	if (r == 0 && begun && !device_has(text, len, "type"))
		return 0;
	if (r == 0)
		r = check_type(text, len, &type, e);
	while (r == 0 && next_property(&t, &key, &value) == 1)
		r = check_property(type, key, value, e);
	return r < 0 || begun || !type->check ? r : type->check(text, len, e);
}

static int check(const char *name, const char *text, size_t len, bool begun, struct err *e)
{
	int r = name_check("device", name, e);

	if (r < 0)
		return r;
	if (len > DEVICE_TEXT_MAX)
		return err_set(e, EFBIG, "device %s: the text has %zu bytes, at most %u are allowed", name, len, DEVICE_TEXT_MAX);
	r = check_device(text, len, begun, e);
	return r < 0 ? err_wrap(e, "device %s", name), r : 0;
}

int device_check(const char *name, const char *text, size_t len, struct err *e)
{
	return check(name, text, len, false, e);
}

int device_check_begun(const char *name, const char *text, size_t len, struct err *e)
{
	return check(name, text, len, true, e);
}

bool device_needs_root(const char *text, size_t len)
{
	const struct device_type *type = type_of(text, len);
	struct text t = { text, text + len, 0 };
	struct span key, value;

	if (!type)
		return true;
	while (next_property(&t, &key, &value) == 1) {
		const struct device_property *p = find_property(type, key);

		if (p && p->flags & DEVICE_ROOT)
			return true;
	}
	return type->needs_root && type->needs_root(text, len);
}

/* ---- changes ---- */

/* The strongest effect of a property of `a` that `b` has not, or not so. */
static enum device_effect strongest(const struct device_type *type, struct text a, struct text b)
{
	enum device_effect strong = DEVICE_SAME;
	char other[DEVICE_VALUE_MAX + 2];
	struct span key, value;

	while (next_property(&a, &key, &value) == 1) {
		const struct device_property *p = find_property(type, key);

		if (!p || p->effect <= strong)
			continue;
		if (!device_get(b.p, (size_t)(b.end - b.p), p->name, other, sizeof(other)) || !span_is(value, other))
			strong = p->effect;
	}
	return strong;
}

enum device_effect device_effect(const char *before, size_t before_len, const char *after, size_t after_len)
{
	const struct device_type *was = before ? type_of(before, before_len) : NULL, *is = after ? type_of(after, after_len) : NULL;
	enum device_effect there = DEVICE_SAME, back;
	bool hot;

	if (before && after && was == is && is) {
		there = strongest(is, (struct text){ after, after + after_len, 0 }, (struct text){ before, before + before_len, 0 });
		back = strongest(is, (struct text){ before, before + before_len, 0 }, (struct text){ after, after + after_len, 0 });
		there = back > there ? back : there;
		if (there != DEVICE_AGAIN)
			return there;
	} else if (!before && !after) {
		return DEVICE_SAME;
	}
	hot = (!before || (was && was->hot && was->hot(before, before_len))) && (!after || (is && is->hot && is->hot(after, after_len)));
	return hot ? DEVICE_AGAIN : DEVICE_NEXT_START;
}
