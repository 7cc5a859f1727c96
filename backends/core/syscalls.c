// SPDX-License-Identifier: LGPL-2.1-or-later
/* System calls by name: see syscalls.h. What libseccomp does not know, liblxc would pass over in silence. No state. */
#include "backends/core/syscalls.h"

#include <errno.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>

#define LINE_LEN_MAX 256

static bool is_known(const char *name)
{
	static const uint32_t arches[] = { SCMP_ARCH_NATIVE,
#ifdef __x86_64__
					   SCMP_ARCH_X86,
#elif defined(__aarch64__)
					   SCMP_ARCH_ARM,
#endif
	};

	for (size_t i = 0; i < sizeof(arches) / sizeof(*arches); i++) {
		if (seccomp_syscall_resolve_name_arch(arches[i], name) != __NR_SCMP_ERROR)
			return true;
	}
	return false;
}

static bool is_errno(const char *word)
{
	char *end;
	long v = word ? strtol(word, &end, 10) : 0;

	return word && *word >= '0' && *word <= '9' && !*end && v > 0 && v < 4096;
}

/* Copies a line without comment into buf. False: nothing is left. */
static bool copy_line(const char *line, size_t len, char *buf, size_t size)
{
	size_t n = 0;

	while (n < len && line[n] != '#')
		n++;
	if (n >= size)
		n = size - 1;
	memcpy(buf, line, n);
	buf[n] = '\0';
	return buf[strspn(buf, " \t\r")] != '\0';
}

static int bad_control(const char *line, size_t len, unsigned number, struct err *e)
{
	if (len >= LINE_LEN_MAX)
		return err_set(e, EINVAL, "line %u is too long", number);
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)line[i] < 0x20 && line[i] != '\t')
			return err_set(e, EINVAL, "line %u has a control character", number);
	}
	return 0;
}

int syscalls_check_line(const char *line, size_t len, unsigned number, bool action, struct err *e)
{
	char text[LINE_LEN_MAX], *name, *word, *arg, *save = NULL;
	int r = bad_control(line, len, number, e);

	if (r < 0 || !copy_line(line, len, text, sizeof(text)))
		return r;
	name = strtok_r(text, " \t", &save);
	word = strtok_r(NULL, " \t", &save);
	arg = strtok_r(NULL, " \t", &save);
	if (!is_known(name))
		return err_set(e, EINVAL, "line %u: there is no system call \"%.64s\"", number, name);
	if (!word)
		return 0;
	if (!action)
		return err_set(e, EINVAL, "line %u: only a name can stand in a line, not \"%.64s\"", number, word);
	if (!strcmp(word, "kill") && !arg)
		return 0;
	if (!strcmp(word, "errno") && is_errno(arg) && !strtok_r(NULL, " \t", &save))
		return 0;
	return err_set(e, EINVAL, "line %u is not `NAME`, `NAME errno NUMBER` or `NAME kill`", number);
}

/* ---- whole policies ---- */

struct policy {
	unsigned version;
	bool listed;		/* the line that tells of a list was there */
	struct err *e;
};

static int check_head(struct policy *p, char *text, unsigned number)
{
	static const char *const lists[] = { "denylist", "allowlist", "blacklist", "whitelist" };
	char *save = NULL, *word = strtok_r(text, " \t", &save);

	if (!p->version) {
		if (strcmp(word, "1") != 0 && strcmp(word, "2") != 0)
			return err_set(p->e, EINVAL, "line %u: a policy begins with its version, 1 or 2, not \"%.64s\"", number, word);
		p->version = (unsigned)(*word - '0');
		return 0;
	}
	p->listed = true;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists); i++) {
		/* version 1 knows lists of what is allowed only */
		if (!strcmp(word, lists[i]) && (p->version == 2 || i % 2))
			return 0;
	}
	return err_set(p->e, EINVAL, "line %u: \"%.64s\" is neither denylist nor allowlist", number, word);
}

static int check_rule(struct policy *p, char *text, unsigned number)
{
	char *save = NULL, *word = strtok_r(text, " \t", &save);
	size_t n = strlen(word);

	if (p->version == 1) {
		if (word[strspn(word, "0123456789")])
			return err_set(p->e, EINVAL, "line %u: in version 1 a line is the number of a system call, not \"%.64s\"", number, word);
		return 0;
	}
	if (*word == '[') {
		if (word[n - 1] != ']' || n < 4)
			return err_set(p->e, EINVAL, "line %u: \"%.64s\" is not an architecture; right are [all], [x86_64]", number, word);
		return 0;
	}
	if (!strcmp(word, "reject_force_umount") || is_known(word))
		return 0;
	return err_set(p->e, EINVAL, "line %u: there is no system call \"%.64s\"", number, word);
}

int syscalls_check_policy(const char *text, struct err *e)
{
	struct policy p = { .e = e };
	unsigned number = 1;
	char line[LINE_LEN_MAX];
	int r = 0;

	for (const char *s = text; *s && r == 0; number++) {
		size_t len = strcspn(s, "\n");

		r = bad_control(s, len, number, e);
		if (r == 0 && copy_line(s, len, line, sizeof(line)))
			r = p.listed ? check_rule(&p, line, number) : check_head(&p, line, number);
		s += len + (s[len] == '\n');
	}
	if (r == 0 && !p.listed)
		return err_set(e, EINVAL, "a policy has a line with its version (2) and one with denylist or allowlist");
	return r;
}
