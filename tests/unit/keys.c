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
	for_each_key(k) {
		CHECK(k->type && k->def && k->check && k->doc && k->doc[0]);
		CHECK(!(k->flags & KEY_SETTING) != !(k->flags & (KEY_INSTANCE | KEY_NETWORK)));
		CHECK(!(k->flags & KEY_APPLY) || k->live == KEY_LIVE);
		CHECK(!strchr(k->doc, '|') && !strchr(k->doc, '\n'));
		CHECK(strchr(k->name, '*') || key_find(k->name) == k);
		for (const struct key_refusal *u = key_refused; u->name; u++)
			CHECK(strcmp(k->name, u->name) != 0 && u->why[0] && !strchr(u->why, '|'));
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
	CHECK(check("security.devlxd", "true") == -EOPNOTSUPP && strstr(last.text, "no /dev/lxd"));
	CHECK(check("core.https_address", "x") == -EOPNOTSUPP && check("nvidia.runtime", "true") == -EOPNOTSUPP);
	CHECK(check("cluster.evacuate", "auto") == -EOPNOTSUPP && check("security.secureboot", "false") == -EOPNOTSUPP);
	CHECK(check("security.syscalls.intercept.mount", "1") == -EOPNOTSUPP && check("security.syscalls.blacklist", "x") == -EOPNOTSUPP);
	CHECK(check("limits.memory.hugepages", "true") == -EOPNOTSUPP && strstr(last.text, "limits.hugepages.2MB"));
	CHECK(key_find("limits.kernel.nofile") && !key_find("limits.kernel.nofiles") && key_find("linux.sysctl.net.ipv4.ip_forward"));
	CHECK(!key_find("linux.sysctl.vm.swappiness") && !key_find("linux.sysctl..x"));
	CHECK(check("limits.kernel.files", "5") == -EINVAL && strstr(last.text, "nofile"));
	CHECK(check("linux.sysctl.vm.swappiness", "5") == -EPERM && strstr(last.text, "whole host"));
	CHECK(check("linux.sysctl.kernel.hostname", "x") == -EPERM && check("linux.sysctl.net.ipv4.tcp_mem", "1") == -EPERM);
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

	{ "boot.after", "c1", 0 }, { "boot.after", "c1, c2 c3", 0 }, { "boot.after", "c1,C1", -EINVAL }, { "boot.after", "a_b", -EINVAL },
	{ "boot.after", ", ,", -EINVAL }, { "boot.after", "c1/../c2", -EINVAL }, { "boot.autorestart", "true", 0 },
	{ "boot.autorestart", "3", -EINVAL }, { "boot.stop.priority", "-1", 0 }, { "boot.stop.priority", "1.5", -EINVAL },
	{ "boot.host_shutdown_timeout", "-1", -EINVAL }, { "boot.autostart.delay", "5s", 0 },
	{ "limits.cpu", "4-2", -EINVAL }, { "limits.cpu", "1.5", -EINVAL }, { "limits.cpu", "1,", -EINVAL }, { "limits.cpu", "sockets=1,cores=2", -EINVAL },
	{ "limits.cpu.allowance", "-5%", -EINVAL }, { "limits.cpu.allowance", "0%", -ERANGE }, { "limits.cpu.allowance", "5.5%", 0 },
	{ "limits.cpu.allowance", "25ms / 100ms", 0 }, { "limits.cpu.allowance", "1us/2us", -EINVAL },
	{ "limits.cpu.allowance", "25ms/2000ms", -ERANGE }, { "limits.cpu.allowance", "25ms", -EINVAL },
	{ "limits.disk.priority", "0", 0 }, { "limits.disk.priority", "10", 0 }, { "limits.disk.priority", "-1", -ERANGE },
	{ "limits.network.priority", "5", 0 }, { "limits.network.priority", "high", -EINVAL },
	{ "limits.memory.swap.priority", "3", 0 }, { "limits.memory.swap.priority", "11", -ERANGE },
	{ "limits.memory.swap", "false", 0 }, { "limits.memory.swap", "512MiB", 0 }, { "limits.memory.swap", "maybe", -EINVAL },
	{ "limits.memory.swap", "-1", -EINVAL }, { "limits.memory.swap", "50%", -EINVAL },
	{ "limits.memory", "1 GB", 0 }, { "limits.memory", "512bytes", 0 }, { "limits.memory", "0%", -ERANGE }, { "limits.memory", "1G1", -EINVAL },
	{ "limits.hugepages.2MB", "64MiB", 0 }, { "limits.hugepages.2MB", "0", 0 }, { "limits.hugepages.2MB", "10%", -EINVAL },
	{ "limits.kernel.nofile", "1024", 0 }, { "limits.kernel.nofile", "1024:4096", 0 }, { "limits.kernel.nofile", "bad", -EINVAL },
	{ "limits.kernel.nofile", "4096:1024", -ERANGE }, { "limits.kernel.nofile", "unlimited", -ERANGE },
	{ "limits.kernel.nofile", "1K", -EINVAL }, { "limits.kernel.memlock", "64MiB:unlimited", 0 }, { "limits.kernel.memlock", "unlimited:1", -ERANGE },
	{ "limits.kernel.core", "0", 0 }, { "limits.kernel.core", ":", -EINVAL }, { "limits.kernel.nproc", "1:2:3", -EINVAL },
	{ "limits.kernel.nproc", "-1", -ERANGE }, { "limits.memory.oom_priority", "-1000", 0 }, { "limits.memory.oom_priority", "1001", -ERANGE },
	{ "linux.kernel_modules", "overlay,ip_tables", 0 }, { "linux.kernel_modules", "nf-nat overlay", 0 },
	{ "linux.kernel_modules", "../evil", -EINVAL }, { "linux.kernel_modules", "-r", -EINVAL }, { "linux.kernel_modules", " , ", -EINVAL },
	{ "linux.kernel_modules", "a.ko", -EINVAL }, { "linux.sysctl.net.ipv4.ip_forward", "1", 0 }, { "linux.sysctl.kernel.msgmax", "65536", 0 },
	{ "linux.sysctl.net.ipv4.ip_forward", "1\nlxc.hook.start = /x", -EINVAL }, { "linux.sysctl.net.ipv4.ip_forward", " ", -EINVAL },
	{ "migration.incremental.memory", "yes", 0 }, { "migration.incremental.memory.goal", "101", -ERANGE },
	{ "migration.incremental.memory.iterations", "0", -ERANGE },
	{ "security.protection.start", "true", 0 }, { "security.idmap.isolated", "true", 0 }, { "security.idmap.isolated", "x", -EINVAL },
	{ "security.idmap.size", "65536", 0 }, { "security.idmap.size", "1000", -ERANGE }, { "security.idmap.size", "many", -EINVAL },
	{ "security.idmap.base", "0", -ERANGE }, { "security.idmap.base", "1000000", 0 }, { "security.idmap.base", "4294967295", -ERANGE },
	{ "security.syscalls.deny", "keyctl\n# no\n\nmkdir errno 38\nreboot kill\n", 0 }, { "security.syscalls.deny", "mkdirs", -EINVAL },
	{ "security.syscalls.deny", "mkdir errno", -EINVAL }, { "security.syscalls.deny", "mkdir errno 0", -EINVAL },
	{ "security.syscalls.deny", "mkdir allow", -EINVAL }, { "security.syscalls.deny", "[all]", -EINVAL },
	{ "security.syscalls.allow", "read\nwrite\n", 0 }, { "security.syscalls.allow", "read errno 1", -EINVAL },
	{ "security.syscalls.deny_compat", "1", 0 }, { "security.syscalls.intercept.sysinfo", "2", -EINVAL }, { "security.syscalls.deny_default", "no", 0 },
	{ "raw.seccomp", "2\ndenylist\n[all]\nmkdir errno 1\n", 0 }, { "raw.seccomp", "1\nallowlist\n1\n2\n", 0 },
	{ "raw.seccomp", "3\ndenylist\n", -EINVAL }, { "raw.seccomp", "2\n", -EINVAL }, { "raw.seccomp", "2\ndenylist\nmkdirs\n", -EINVAL },
	{ "raw.seccomp", "1\ndenylist\n1\n", -EINVAL }, { "raw.seccomp", "2\nallowlist\n[x\n", -EINVAL }, { "raw.seccomp", "# no\n", -EINVAL },

	{ "cloud-init.user-data", "#cloud-config\na: [1, 2]\n", 0 }, { "cloud-init.user-data", "#cloud-config\na: [1\n", -EINVAL },
	{ "cloud-init.user-data", "#cloud-config\n{}\n", 0 }, { "cloud-init.user-data", "#!/bin/sh\nfalse: [\n", 0 },
	{ "cloud-init.user-data", "#cloud-configuration\n", -EINVAL }, { "cloud-init.user-data", "a: b\n", -EINVAL },
	{ "cloud-init.vendor-data", "#cloud-config\nnot a map\n", -EINVAL }, { "cloud-init.vendor-data", "#cloud-config", 0 },
	{ "cloud-init.network-config", "version: 2\nethernets:\n  eth0:\n    dhcp4: true\n", 0 },
	{ "cloud-init.network-config", "version: 2\n  x: y\n", -EINVAL }, { "cloud-init.network-config", "a: 1\n---\nb: 2\n", -EINVAL },

	{ "snapshots.schedule", "0 6 * * *", 0 }, { "snapshots.schedule", "0  6 * * mon-fri", 0 }, { "snapshots.schedule", "@DAILY", 0 },
	{ "snapshots.schedule", "@daily,@hourly", 0 }, { "snapshots.schedule", "0,30 * * * *, @daily", 0 }, { "snapshots.schedule", "*/15 1-5/2 1,15 jan-jun 7", 0 },
	{ "snapshots.schedule", "60 6 * * *", -ERANGE }, { "snapshots.schedule", "@reboot", -EINVAL }, { "snapshots.schedule", "0 6 * *", -EINVAL },
	{ "snapshots.schedule", "0 6 * * * *", -EINVAL }, { "snapshots.schedule", "0 6 30 2 *", -EINVAL }, { "snapshots.schedule", "0 6 31 apr,jun *", -EINVAL },
	{ "snapshots.schedule", "0 6 30 2 mon", 0 }, { "snapshots.schedule", "0 6 31 1 *", 0 }, { "snapshots.schedule", "5-1 * * * *", -EINVAL },
	{ "snapshots.schedule", "*/0 * * * *", -EINVAL }, { "snapshots.schedule", "@never", 0 }, { "snapshots.schedule", "@never, @daily", -EINVAL },
	{ "snapshots.schedule", "@daily, ", -EINVAL }, { "snapshots.schedule", "x * * * *", -EINVAL }, { "snapshots.schedule", "0 0 0 * *", -ERANGE },
	{ "snapshots.schedule.stopped", "true", 0 }, { "snapshots.pattern", "snap%d", 0 }, { "snapshots.pattern", "%d%d", -EINVAL },
	{ "snapshots.pattern", "{{ bad", -EINVAL }, { "snapshots.pattern", "a/b", -EINVAL }, { "snapshots.pattern", "..", -EINVAL },
	{ "snapshots.pattern", "s-{{ creation_date|date:'2006-01-02_15-04-05' }}-%d", 0 }, { "snapshots.pattern", "{{creation_date}}", 0 },
	{ "snapshots.pattern", "{{ creation_date|date:'%Y%m%d-%H%M' }}", 0 }, { "snapshots.pattern", "{{ creation_date|date:'%H:%M' }}", -EINVAL },
	{ "snapshots.pattern", "{{ creation_date|upper }}", -EINVAL }, { "snapshots.pattern", "{{ config.x }}", -EINVAL },
	{ "snapshots.pattern", "{{ creation_date|date:'%Q' }}", -EINVAL }, { "snapshots.pattern", "100%", -EINVAL },
	{ "snapshots.pattern", "{% include '/etc/passwd' %}", -EINVAL }, { "snapshots.pattern", "%s", -EINVAL },
	{ "snapshots.expiry", "1h", -EINVAL }, { "snapshots.expiry", "-1d", -EINVAL }, { "snapshots.expiry", "1d3H", -EINVAL },
	{ "snapshots.expiry", "1d 1d", -EINVAL },
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
	CHECK(same("limits.memory.swap", "0", "false") && same("limits.memory.swap", "1G", "1024M") && !same("limits.memory.swap", "true", "1G"));
	CHECK(same("limits.kernel.nofile", " 10", "10 ") && !same("limits.kernel.nofile", "10", "1"));
	CHECK(same("limits.hugepages.2MB", "2M", "2MiB") && same("security.syscalls.deny_compat", "1", "on"));
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
