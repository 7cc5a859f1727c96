// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of keys: complete rows, names, values, suggestions, and that doc/keys.md is what the table prints. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "backends/core/buf.h"
#include "backends/core/idmap.h"
#include "backends/core/keys.h"
#include "tests/unit/unit.h"

static struct err last;

static int check(const char *name, const char *value)
{
	int r;

	err_clear(&last);
	r = key_check(name, value, strlen(value), &last);
	CHECK(r == -last.code && !r == !last.text[0]);
	return r;
}

static void test_rows(void)
{
	for (const struct key *k = key_table; k->name; k++) {
		CHECK(k->type && k->def && k->check && k->doc && k->doc[0]);
		CHECK(!(k->flags & KEY_SETTING) != !(k->flags & KEY_INSTANCE));
		CHECK(!(k->flags & KEY_APPLY) || k->live == KEY_LIVE);
		CHECK(!strchr(k->doc, '|') && !strchr(k->doc, '\n'));
		for (const struct key *l = key_table; l < k; l++)
			CHECK(strcmp(k->name, l->name) != 0);
		for (const char *const *u = key_unsupported; *u; u++)
			CHECK(strcmp(k->name, *u) != 0);
	}
}

static void test_names(void)
{
	const struct key *k = NULL;

	CHECK(key_find("limits.memory") && !key_find("limits.memor") && !key_find("limits.memory.") && !key_find("limits"));
	CHECK(key_find("user.x") && key_find("user.a.b:c") && !key_find("user.") && !key_find("user") && !key_find("user.x~"));
	CHECK(!key_find("environment.A=B") && !key_find("environment.A B") && !key_find("user.a/b") && !key_find("user.*x"));
	CHECK(key_check_name("limits.cpu", &k, NULL) == 0 && k && !strcmp(k->name, "limits.cpu"));
	CHECK(check("limits.memroy", "1G") == -EINVAL && strstr(last.text, "limits.memory"));
	CHECK(check("limit.cpu", "1") == -EINVAL && strstr(last.text, "limits.cpu"));
	CHECK(check("Security.Privileged", "1") == -EINVAL && strstr(last.text, "security.privileged"));
	CHECK(check("enviroment.PATH", "1") == -EINVAL && strstr(last.text, "environment.*"));
	CHECK(check("something.else.entirely", "1") == -EINVAL && strstr(last.text, "--list-keys"));
	CHECK(check("limits.network.priority", "5") == -EOPNOTSUPP && strstr(last.text, "limits.network.priority is not supported yet"));
	CHECK(check("limits.kernel.nofile", "5") == -EOPNOTSUPP && check("core.https_address", "x") == -EOPNOTSUPP);
	CHECK(check("volatile.uuid", "x") == -EINVAL && strstr(last.text, "volatile/"));
	CHECK(check("user.a b", "x") == -EINVAL);
}

struct probe {
	const char *name, *value;
	int result;
};

static const struct probe probes[] = {
	{ "boot.autostart", "true", 0 }, { "boot.autostart", "maybe", -EINVAL }, { "boot.autostart.delay", "5", 0 },
	{ "boot.autostart.delay", "-5", -EINVAL }, { "boot.autostart.priority", "-5", 0 }, { "boot.autostart.priority", "high", -EINVAL },
	{ "boot.host_shutdown_timeout", "30\n", 0 }, { "environment.PATH", "/bin:/sbin", 0 }, { "environment.X", "a\nb", -EINVAL },
	{ "environment.X", "a\rb", -EINVAL }, { "limits.cpu", "2", 0 }, { "limits.cpu", "0", -ERANGE }, { "limits.cpu", "0-0", 0 },
	{ "limits.cpu", "8000-8001", -ERANGE }, { "limits.cpu", "0-99999", -ERANGE }, { "limits.cpu", "1-3,3", -EINVAL },
	{ "limits.cpu.allowance", "50%", 0 }, { "limits.cpu.allowance", "99999%", -ERANGE }, { "limits.cpu.allowance", "0ms/0ms", -ERANGE },
	{ "limits.cpu.priority", "10", 0 }, { "limits.cpu.priority", "11", -ERANGE }, { "limits.memory", "256MiB", 0 },
	{ "limits.memory", "256MiB\n", 0 }, { "limits.memory", "256MiB\n\n", -EINVAL }, { "limits.memory", "-1%", -EINVAL },
	{ "limits.memory", "110%", -ERANGE }, { "limits.memory", "0", -EINVAL }, { "limits.memory", "", -EINVAL },
	{ "limits.memory.enforce", "soft", 0 }, { "limits.memory.enforce", "softly", -EINVAL }, { "limits.memory.swap", "no", 0 },
	{ "limits.processes", "100", 0 }, { "limits.processes", "0", -ERANGE }, { "limits.processes", "-1", -ERANGE },
	{ "security.privileged", "yes", 0 }, { "security.nesting", "1", 0 }, { "security.protection.delete", "on", 0 },
	{ "snapshots.expiry", "1d 12H", 0 }, { "snapshots.expiry", "0d", -EINVAL }, { "user.x", "a\nb\n", 0 }, { "user.x", "\x1b", 0 },
	{ "user.x", "\xff", -EINVAL }, { "trash.expiry", "24h", 0 }, { "trash.expiry", "1w", -EINVAL },
	{ "images.compression_algorithm", "zstd", 0 }, { "images.compression_algorithm", "xz -9", -EINVAL },
	{ "raw.lxc", "# comment\n\nlxc.signal.halt = SIGPWR\n", 0 }, { "raw.lxc", "lxc.hook.start=", 0 },
	{ "raw.lxc", "lxc.net.0.ipv4.address = 10.0.0.2/24", 0 }, { "raw.lxc", "lxc.net.0.ipv6.gateway = auto", 0 },
	{ "raw.lxc", "lxc.net.0.link = br0", -EINVAL }, { "raw.lxc", "lxc.log.file = /x", -EINVAL }, { "raw.lxc", "lxc.log = x", -EINVAL },
	{ "raw.lxc", "lxc.prlimit.nofile = 5", -EINVAL }, { "raw.lxc", " lxc.ephemeral=1", -EINVAL }, { "raw.lxc", "lxc.net = x", -EINVAL },
	{ "raw.lxc", "nonsense", -EINVAL }, { "raw.lxc", "lxc.x y = z", -EINVAL }, { "raw.lxc", "lxc. = z", -EINVAL },
	{ "raw.lxc", "lxc.a = b\rlxc.log.file = /x", -EINVAL }, { "raw.idmap", "bogus", -EINVAL },
};

static void test_values(void)
{
	for (size_t i = 0; i < sizeof(probes) / sizeof(*probes); i++) {
		int r = check(probes[i].name, probes[i].value);

		CHECK(r == probes[i].result);
		if (r != probes[i].result)
			fprintf(stderr, "\t%s = \"%s\": %d, %s\n", probes[i].name, probes[i].value, r, last.text);
		if (r < 0)
			CHECK(strstr(last.text, probes[i].name) == last.text);
	}
	CHECK(key_check("user.x", "a\0b", 3, NULL) == -EINVAL);
	CHECK(key_check("limits.memory", "1G\0", 3, NULL) == -EINVAL);
}

static void test_lengths(void)
{
	size_t n = 10u << 20;
	char *big = malloc(n);

	memset(big, 'x', n);
	CHECK(key_check("user.x", big, n, NULL) == -EFBIG);
	CHECK(key_check("user.x", big, (1u << 20) + 1, NULL) == -EFBIG);
	CHECK(key_check("user.x", big, 1u << 20, NULL) == 0);
	CHECK(key_check("environment.X", big, 4096, NULL) == 0);
	CHECK(key_check("environment.X", big, 4097, NULL) == -EFBIG);
	CHECK(key_check("limits.cpu", big, 4096, NULL) == -EINVAL);
	memset(big, '1', n);
	CHECK(key_check("limits.cpu", big, 4096, NULL) < 0 && key_check("limits.memory", big, 4096, NULL) < 0);
	free(big);
}

static bool same(const char *name, const char *a, const char *b)
{
	return key_same(key_find(name), a, b);
}

static void test_same(void)
{
	CHECK(same("limits.memory", "1GiB", "1024 M") && !same("limits.memory", "1GB", "1GiB"));
	CHECK(same("limits.memory", "50%", "50.0%") && !same("limits.memory", "50%", "1G"));
	CHECK(same("limits.cpu", "0-1", "1,0") && !same("limits.cpu", "1", "1-1") && same("limits.cpu", " 2", "2"));
	CHECK(same("limits.cpu.allowance", "25ms/100ms", "25/100") && !same("limits.cpu.allowance", "25ms/100ms", "25%"));
	CHECK(same("boot.autostart", "yes", "TRUE") && same("trash.expiry", "24h", "1d") && same("limits.processes", "010", "10"));
	CHECK(same("user.x", NULL, NULL) && !same("user.x", "a", NULL) && !same("user.x", NULL, "a") && !same("user.x", "a", "a "));
}

static void test_page(void)
{
	_cleanup_buf_ struct buf page = BUF_INIT, file = BUF_INIT;

	keys_print_markdown(&page);
	CHECK(buf_read_file(&file, AT_FDCWD, SOURCE_DIR "/doc/keys.md", 1 << 20) == 0);
	CHECK_STR(buf_str(&page), buf_str(&file));
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "--print")) {
		_cleanup_buf_ struct buf page = BUF_INIT;

		keys_print_markdown(&page);
		fputs(buf_str(&page), stdout);
		return 0;
	}
	test_rows();
	test_names();
	test_values();
	test_lengths();
	test_same();
	test_page();
	return UNIT_END();
}
