// SPDX-License-Identifier: LGPL-2.1-or-later
/* Values of properties of devices: see device_check.h. No state. */
#include "backends/core/device_check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "backends/core/value.h"

int device_check_any(const char *value, struct err *e)
{
	return 0;
}

int device_check_bool(const char *value, struct err *e)
{
	bool v;

	return value_bool(value, &v, e);
}

int device_check_path(const char *value, struct err *e)
{
	if (value[0] != '/')
		return err_set(e, EINVAL, "\"%.100s\" is not an absolute path", value);
	for (const char *p = value; *p;) {
		size_t n = strcspn(++p, "/");

		if (n == 2 && !memcmp(p, "..", 2))
			return err_set(e, EINVAL, "\"%.100s\" has a \"..\"", value);
		p += n;
	}
	return 0;
}

int device_check_id(const char *value, struct err *e)
{
	int64_t v;

	return value_int(value, 0, UINT32_MAX - 1, &v, e);
}

int device_check_number(const char *value, struct err *e)
{
	int64_t v;

	return value_int(value, 0, UINT32_MAX, &v, e);
}

int device_check_mode(const char *value, struct err *e)
{
	size_t n = strlen(value);

	if (n >= 1 && n <= 4 && !value[strspn(value, "01234567")] && (n < 4 || value[0] == '0'))
		return 0;
	return err_set(e, EINVAL, "\"%.32s\" is not a mode like 0660: octal, at most 0777", value);
}

int device_check_size(const char *value, struct err *e)
{
	uint64_t v;
	int r = value_size(value, &v, e);

	return r == 0 && !v ? err_set(e, EINVAL, "a size of 0 would hold nothing") : r;
}

/* One part: a size, or a number with "iops" behind it. */
static int rate_part(const char *part, uint64_t *bytes, uint64_t *iops, struct err *e)
{
	size_t n = strlen(part);
	char number[32];
	int64_t v;
	int r;

	if (n < 5 || strcasecmp(part + n - 4, "iops") != 0) {
		if (*bytes)
			return err_set(e, EINVAL, "\"%.32s\" is a second size; one size and one number of iops can stand", part);
		r = value_size(part, bytes, e);
		return r == 0 && !*bytes ? err_set(e, EINVAL, "a rate of 0 would stop everything") : r;
	}
	if (*iops)
		return err_set(e, EINVAL, "\"%.32s\" is a second number of iops; one size and one number of iops can stand", part);
	n -= 4;
	while (n && part[n - 1] == ' ')
		n--;
	if (n >= sizeof(number))
		return err_set(e, EINVAL, "\"%.32s\" is not a number of iops", part);
	memcpy(number, part, n);
	number[n] = '\0';
	r = value_int(number, 1, UINT32_MAX, &v, e);
	if (r == 0)
		*iops = (uint64_t)v;
	return r;
}

int device_rate(const char *value, uint64_t *ret_bytes, uint64_t *ret_iops, struct err *e)
{
	uint64_t bytes = 0, iops = 0;
	const char *comma;
	char part[64];
	int r = 0;

	for (const char *p = value; p && r == 0; p = comma ? comma + 1 : NULL) {
		size_t n;

		p += strspn(p, " ");
		comma = strchr(p, ',');
		n = comma ? (size_t)(comma - p) : strlen(p);
		while (n && p[n - 1] == ' ')
			n--;
		if (!n || n >= sizeof(part))
			return err_set(e, EINVAL, "\"%.64s\" is not a rate like 20MB, 500iops or 20MB,500iops", value);
		memcpy(part, p, n);
		part[n] = '\0';
		r = rate_part(part, &bytes, &iops, e);
	}
	if (r < 0)
		return r;
	*ret_bytes = bytes;
	*ret_iops = iops;
	return 0;
}

int device_check_rate(const char *value, struct err *e)
{
	uint64_t bytes, iops;

	return device_rate(value, &bytes, &iops, e);
}

int device_check_interface(const char *value, struct err *e)
{
	size_t n = strlen(value);

	if (n >= 2 && n <= 15 && strcmp(value, "..") != 0 &&
	    !value[strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.")])
		return 0;
	return err_set(e, EINVAL, "\"%.32s\" is not a name for a network interface: 2 to 15 letters, digits and - _ .", value);
}

int device_check_word(const char *value, const char *const *words, struct err *e)
{
	char list[256] = "";

	for (size_t i = 0; words[i]; i++) {
		if (!strcmp(value, words[i]))
			return 0;
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s%s", i ? ", " : "", words[i]);
	}
	return err_set(e, EINVAL, "\"%.32s\" is not one of %s", value, list);
}
