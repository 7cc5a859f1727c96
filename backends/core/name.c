// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names: pure functions over strings, no state, no locks. ASCII only, whatever the locale says. */
#include "backends/core/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/value_net.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static bool only_digits(const char *s)
{
	while (is_digit(*s))
		s++;
	return !*s;
}

/* The name as it can stand in a sentence: bytes that would garble a terminal or a log are written as \xNN, long ones cut. */
static const char *shown(const char *name, char *buf, size_t size)
{
	size_t n = 0;

	for (const char *s = name; *s; s++) {
		unsigned char c = (unsigned char)*s;

		if (n + 8 > size) {
			memcpy(buf + n, "...", 3);
			n += 3;
			break;
		}
		if (c < 0x20 || c >= 0x7f || c == '"' || c == '\\')
			n += (size_t)snprintf(buf + n, size - n, "\\x%02x", c);
		else
			buf[n++] = (char)c;
	}
	buf[n] = '\0';
	return buf;
}

int name_check_instance(const char *name, struct err *e)
{
	size_t len = strlen(name);
	char text[100];

	if (!len)
		return err_set(e, EINVAL, "an instance needs a name");
	if (len > 63)
		return err_set(e, ENAMETOOLONG, "instance name \"%s\" has %zu characters; 63 are allowed",
			       shown(name, text, sizeof(text)), len);
	for (const char *s = name; *s; s++)
		if (!is_alnum(*s) && *s != '-')
			return err_set(e, EINVAL, "instance name \"%s\": only letters, digits and '-' are allowed",
				       shown(name, text, sizeof(text)));
	if (name[0] == '-' || name[len - 1] == '-')
		return err_set(e, EINVAL, "instance name \"%s\" begins or ends with '-'", name);
	if (only_digits(name))
		return err_set(e, EINVAL, "instance name \"%s\" has only digits; it needs at least one letter", name);
	return 0;
}

int name_check(const char *what, const char *name, struct err *e)
{
	size_t len = strlen(name);
	char text[100];

	if (!len)
		return err_set(e, EINVAL, "the %s needs a name", what);
	if (len > NAME_LEN_MAX)
		return err_set(e, ENAMETOOLONG, "%s name \"%s\" has %zu bytes; %d are allowed", what,
			       shown(name, text, sizeof(text)), len, NAME_LEN_MAX);
	if (!is_alnum(name[0]))
		return err_set(e, EINVAL, "%s name \"%s\" must begin with a letter or a digit", what,
			       shown(name, text, sizeof(text)));
	for (const char *s = name; *s; s++)
		if (!is_alnum(*s) && !strchr("._-+@%", *s))
			return err_set(e, EINVAL, "%s name \"%s\": only letters, digits and any of ._-+@%% are allowed", what,
				       shown(name, text, sizeof(text)));
	return 0;
}

int name_check_network(const char *name, struct err *e)
{
	char text[100];

	if (!is_alnum(name[0]))
		return err_set(e, EINVAL, "network name \"%s\" must begin with a letter or a digit", shown(name, text, sizeof(text)));
	if (!strcmp(name, "lo"))
		return err_set(e, EINVAL, "network name \"lo\": every host has an interface of that name");
	return net_check_interface(name, e);
}

bool name_same_instance(const char *a, const char *b)
{
	while (*a && lower(*a) == lower(*b))
		a++, b++;
	return !*a && !*b;
}

/* A prefix that programs put in front of what mkstemp() or they themselves made up. */
static bool is_random_name(const char *name)
{
	static const char *const prefix[] = { "sed", "XX", "tmp", "d2utmp", "__salt.tmp." };

	for (size_t i = 0; i < sizeof(prefix) / sizeof(prefix[0]); i++) {
		const char *rest = name + strlen(prefix[i]);
		size_t n = 0;

		if (strncmp(name, prefix[i], strlen(prefix[i])) != 0)
			continue;
		while (is_alnum(rest[n]) || rest[n] == '_')
			n++;
		if (!rest[n] && n >= 6 && n <= 10)
			return true;
	}
	return false;
}

/* NAME20261120-PID-RANDOM, as Ruby (Puppet, Chef) makes up, and its lock: of a file that need not exist yet. */
static bool is_dated_name(const char *name)
{
	for (const char *s = name; *s; s++) {
		int n = 0;

		if (s == name || strspn(s, "0123456789") != strlen("20261120"))
			continue;
		sscanf(s, "%*8[0-9]-%*10[0-9]-%*8[0-9a-z]%n", &n);
		if (n && (!s[n] || !strcmp(s + n, ".lock")))
			return true;
	}
	return false;
}

static bool begins_with_known(const char *name, bool (*known)(const char *name, void *arg), void *arg)
{
	char part[256];
	size_t len = strlen(name);

	if (!known || len >= sizeof(part))
		return false;
	memcpy(part, name, len + 1);
	while (--len > 0) {
		part[len] = '\0';
		if (known(part, arg))
			return true;
	}
	return false;
}

bool name_is_scratch(const char *name, bool (*known)(const char *name, void *arg), void *arg, bool create_excl_0600)
{
	size_t len = strlen(name);

	if (!len || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	if (known && known(name, arg))
		return false;
	if (create_excl_0600)
		return true;
	if (name[0] == '.' || name[0] == '#' || name[len - 1] == '~')
		return true;
	return only_digits(name) || is_random_name(name) || is_dated_name(name) || begins_with_known(name, known, arg);
}
