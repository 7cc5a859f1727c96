// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Checks of values that are handed on to somebody else (keys_check.h): liblxc, the kernel, AppArmor, cloud-init. What they would
 * refuse at the next start, or pass over in silence, is refused when it is written.
 */
#include "backends/core/keys_check.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/rlimit.h"
#include "backends/core/syscalls.h"
#include "backends/core/sysctl.h"
#include "backends/core/value.h"
#include "backends/core/yaml_check.h"

#define MODULE_NAME_MAX 55	/* the kernel's */

/* Calls f for each line with its number, from 1, until one fails. */
static int each_line(const char *text, int (*f)(const char *line, size_t len, unsigned number, struct err *e), struct err *e)
{
	unsigned number = 1;

	for (const char *p = text; *p; number++) {
		size_t len = strcspn(p, "\n");
		int r = f(p, len, number, e);

		if (r < 0)
			return r;
		p += len + (p[len] == '\n');
	}
	return 0;
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
	return each_line(value, check_lxc_line, e);
}

/* ---- AppArmor ---- */

static int check_apparmor_line(const char *line, size_t len, unsigned number, struct err *e)
{
	for (size_t i = 0; i < len; i++) {
		if (((unsigned char)line[i] < 0x20 && line[i] != '\t') || line[i] == 0x7f)
			return err_set(e, EINVAL, "line %u has a control character", number);
		/* a brace would end our profile and begin another one */
		if (line[i] == '}' && !memchr(line, '{', i))
			return err_set(e, EINVAL, "line %u closes a brace that it did not open", number);
	}
	return 0;
}

KEY_CHECK(apparmor)
{
	if (access("/sys/kernel/security/apparmor/profiles", F_OK) < 0)
		return err_set(e, EOPNOTSUPP, "this kernel has no AppArmor, or it is switched off");
	return each_line(value, check_apparmor_line, e);
}

/* ---- system calls ---- */

KEY_CHECK(seccomp)
{
	return syscalls_check_policy(value, e);
}

static int check_allow_line(const char *line, size_t len, unsigned number, struct err *e)
{
	return syscalls_check_line(line, len, number, false, e);
}

static int check_deny_line(const char *line, size_t len, unsigned number, struct err *e)
{
	return syscalls_check_line(line, len, number, true, e);
}

KEY_CHECK(syscalls_allow)
{
	return each_line(value, check_allow_line, e);
}

KEY_CHECK(syscalls_deny)
{
	return each_line(value, check_deny_line, e);
}

/* ---- the kernel ---- */

KEY_CHECK(rlimit)
{
	struct rlimit l;

	return rlimit_parse(strrchr(name, '.') + 1, value, &l, e);
}

KEY_REST(rlimit)
{
	return rlimit_find(rest, e) ? 0 : -EINVAL;
}

KEY_REST(sysctl)
{
	return sysctl_check_name(rest, e);
}

KEY_CHECK(sysctl)
{
	if (!value[strspn(value, " \t")])
		return err_set(e, EINVAL, "the value is empty");
	return 0;
}

static int check_module(const char *word, void *arg)
{
	struct err *e = arg;
	size_t n = strlen(word);

	if (n > MODULE_NAME_MAX || word[strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")] || *word == '-')
		return err_set(e, EINVAL, "\"%.64s\" is not the name of a kernel module; right are overlay and ip_tables, nf_nat", word);
	return 0;
}

KEY_CHECK(modules)
{
	_cleanup_free_ char *text = strdup(value);

	if (!text)
		return err_sys(e, ENOMEM, "no memory");
	if (!value[strspn(value, " \t,")])
		return err_set(e, EINVAL, "no module is named");
	return value_each_word(text, check_module, e);
}

/* ---- cloud-init ---- */

KEY_CHECK(yaml)
{
	return yaml_check(value, strlen(value), e);
}

static bool begins_with(const char *text, const char *word)
{
	return !strncmp(text, word, strlen(word));
}

/* The first line decides what cloud-init takes it for; with another one it would pass it over with a warning in the guest. */
KEY_CHECK(user_data)
{
	static const char *const others[] = {
		"#!", "#include", "#cloud-boothook", "#cloud-config-archive", "#cloud-config-jsonp", "#part-handler", "#upstart-job",
		"## template: jinja", "Content-Type:", "MIME-Version:", "From ",
	};
	size_t first = strcspn(value, "\n");

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if (begins_with(value, others[i]))
			return 0;
	}
	if (!begins_with(value, "#cloud-config") || !strchr(" \t\n", value[13]))
		return err_set(e, EINVAL, "cloud-init does not know the first line \"%.*s\"; right are #cloud-config, #!/bin/sh, "
			       "#include, ## template: jinja, Content-Type: multipart/mixed", (int)(first < 64 ? first : 64), value);
	return yaml_check(value, strlen(value), e);
}
