// SPDX-License-Identifier: LGPL-2.1-or-later
/* Names: the one rule for each kind, and the shapes of scratch files that tools and editors were seen to use. */
#include <errno.h>

#include "backends/core/name.h"
#include "tests/unit/unit.h"

#define LONG63 "a23456789-123456789-123456789-123456789-123456789-123456789-123"

static void test_instance(void)
{
	static const char *const good[] = { "a", "c1", "1a", "web-01", "A", "x--y", LONG63 };
	static const char *const bad[] = { "", "-a", "a-", "-", "1", "007", "a.b", "a_b", "a b", "a/b", "..", ".a", "a\n", "a@b", "\xc3\xa4", "a\x1b[2J" };
	struct err e;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(!name_check_instance(good[i], &e));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		err_clear(&e);
		CHECK(name_check_instance(bad[i], &e) == -EINVAL);
		CHECK(e.code == EINVAL && *e.text && !strchr(e.text, '\n') && !strchr(e.text, '\x1b'));
	}
	CHECK(name_check_instance(LONG63 "4", &e) == -ENAMETOOLONG);
	CHECK(name_check_instance("a-", NULL) == -EINVAL);
}

static void test_other(void)
{
	static const char *const good[] = { "a", "0", "debian%2F12", "a+b@c._-%", "web.prod", LONG63 "4" };
	static const char *const bad[] = { "", ".a", "-a", "_a", "@a", "a/b", "a b", "a~", "a#", "\xc3\xa4", "a\n" };
	struct err e;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		CHECK(!name_check("profile", good[i], &e));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(name_check("profile", bad[i], &e) == -EINVAL);
	CHECK(name_check("image", LONG63 "45", &e) == -ENAMETOOLONG);
	CHECK(strstr(e.text, "image") != NULL);
}

static void test_same(void)
{
	CHECK(name_same_instance("Web-1", "wEB-1"));
	CHECK(!name_same_instance("web", "web1"));
	CHECK(!name_same_instance("web1", "web"));
	CHECK(!name_same_instance("a@", "a`"));
	CHECK(!name_same_instance("a[", "a{"));
}

/* A directory that knows these keys. */
static bool known(const char *name, void *arg)
{
	static const char *const keys[] = { "key", "limits.memory", "limits.memory.swap", "description" };

	(void)arg;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!strcmp(name, keys[i]))
			return true;
	return !strncmp(name, "environment.", 12) && name[12];
}

/* Every name that was seen beside a file `key` while 78 ways of editing it were traced; x: made with O_EXCL and mode 0600. */
static const struct {
	const char *tool, *name;
	bool x;
} seen[] = {
	{ "nano", ".key.swp", false }, { "nano -B", "key~", true }, { "nano, killed", "key.save", false },
	{ "emacs lock", ".#key", false }, { "emacs autosave", "#key#", false }, { "emacs backup", "key~", false },
	{ "emacs precious", "tmpq7Xb2a", false }, { "mcedit", ".#key", false },
	{ "vim swap", ".key.swp", false }, { "vim swap probe", ".key.swpx", false }, { "vim probe", "4913", false },
	{ "vim probe, next", "5036", false }, { "vim backup", "key~", false }, { "vim undo", ".key.un~", false },
	{ "sed -i", "sedAb3xY9", true }, { "sed -i.bak", "key.bak", false }, { "busybox sed -i", "keyAhg5f9", true },
	{ "perl -i", "XXq1w2e3", true }, { "perl -i.bak", "key.bak", false }, { "gawk inplace", "key.gawk.Ab3xY9", true },
	{ "dos2unix", "d2utmpAb3xY9", true }, { "patch", "key.oAb3xY9", false }, { "patch", "key.rAb3xY9", false },
	{ "patch, fuzz", "key.orig", false }, { "patch, failed", "key.rej", false }, { "git config", "key.lock", false },
	{ "augeas", "key.Ab3xY9", true }, { "augeas", "key.augnew.Ab3xY9", true }, { "augeas", "key.augnew", false },
	{ "augeas -b", "key.augsave", false }, { "crudini", "key.Ab3xY9z1.tmp", true }, { "rsync", ".key.Ab3xY9", true },
	{ "rsync --delay-updates", ".~tmp~", false }, { "rsync -b", "key~", false },
	{ "unison", ".unison.key.0123456789abcdef0123456789abcdef.unison.tmp", true },
	{ "ansible", ".ansible_tmpAb3xY9z1key", true }, { "ansible backup", "key.12345.2026-11-20@19:05:42~", false },
	{ "ansible link", ".12345.1763665542.tmp", false }, { "puppet file", "key20261120-19848-11b603q", true },
	{ "puppet file lock", "key20261120-19848-11b603q.lock", false }, { "puppet, a new file", "eth020261120-19848-11b603q", false },
	{ "puppet, its lock", "eth020261120-19848-11b603q.lock", false }, { "puppet backup", "key.x", false },
	{ "cfengine edit", "key.cf-after-edit", true }, { "cfengine edit", "key.cf-before-edit", false },
	{ "cfengine edit", "key_1763665542_Thu_Nov_20_19_05_42_2026.cf-before-edit", false }, { "cfengine copy", "key.cfnew", false },
	{ "cfengine copy", "key.cfsaved", false }, { "salt", "keyAb3xY9z1", true }, { "salt lock", "key.w", false },
	{ "salt temp", "__salt.tmp.q1w2e3", false }, { "chef", ".chef-key20261120-19848-11b603q.ext", true },
	{ "python", "key.tmp", false }, { "cp -b", "key~", false }, { "mv -b", "key~", false }, { "install -b", "key~", false },
	{ "nfs", ".nfs000000000012345600000001", false }, { "fuse", ".fuse_hidden0000000400000001", false },
	{ "glib", ".goutputstream-AB12CD", false }, { "dpkg", "key.dpkg-new", false }, { "etckeeper", ".etckeeper", false },
	{ "git", ".git", false }, { "git", ".gitignore", false }, { "mkstemp of anybody", "whatever", true },
};

static void test_scratch(void)
{
	static const char *const never[] = {
		"limits.memroy", "limits.memory", "limits.memory.swap", "description", "key", "environment.PATH",
		"environment.FOO.lock", "sed", "sedan", "sed12345", "sed12345678901", "XXq1w", "tmp", "tmp-q1w2e3", "tmpq1w2!3",
		"temporary", "d2utmp123", "12a", "a12", "ke", "xkey", "", ".", "..", "Key.bak", "__salt.tmp.",
		"20261120-19848-11b603q", "ethx2026112-19848-11b603q", "eth020261120--11b603q", "eth020261120-19848-11B603q",
	};

	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		bool is = name_is_scratch(seen[i].name, known, NULL, seen[i].x);

		CHECK(is);
		if (!is)
			fprintf(stderr, "%s: %s\n", seen[i].tool, seen[i].name);
	}
	for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
		bool is = name_is_scratch(never[i], known, NULL, false);

		CHECK(!is);
		if (is)
			fprintf(stderr, "%s\n", never[i]);
	}
	CHECK(!name_is_scratch("key", known, NULL, true));
	CHECK(!name_is_scratch("limits.memory.swap", known, NULL, true));
	CHECK(name_is_scratch("limits.memory.swapfile", known, NULL, false));
	CHECK(!name_is_scratch("key.bak", NULL, NULL, false));
	CHECK(name_is_scratch("key.bak", NULL, NULL, true));
}

int main(void)
{
	test_instance();
	test_other();
	test_same();
	test_scratch();
	return UNIT_END();
}
