// SPDX-License-Identifier: LGPL-2.1-or-later
/* The configuration for liblxc as text, from expanded configurations made by hand. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "backends/lxc/device.h"
#include "backends/lxc/lxcconf.h"
#include "backends/lxc/seccomp.h"
#include "tests/unit/unit.h"

#define ITEMS_MAX 16

static struct expanded_item items[ITEMS_MAX];
static struct expanded x = { .items = items };
static struct idmap map;
static struct err last;
static struct buf out;

static const struct place place = {
	.lxcpath = "/run/x/lxc", .dir = "/run/x/lxc/c1", .rootfs = "/run/x/lxc/c1/rootfs", .log = "/s/lxc.log", .console = "/s/console.log",
	.cgroup = "instfs/c1.x", .monitor = "instfs.monitor/c1.x",
};

static int by_name(const void *a, const void *b)
{
	const struct expanded_item *p = a, *q = b;

	return p->kind != q->kind ? (int)p->kind - (int)q->kind : strcmp(p->name, q->name);
}

static void clear(void)
{
	for (size_t i = 0; i < x.n; i++) {
		free(items[i].name);
		free(items[i].value);
	}
	x.n = 0;
}

static void add(enum entry_kind kind, const char *name, const char *value)
{
	items[x.n++] = (struct expanded_item) { .kind = kind, .name = strdup(name), .value = strdup(value), .len = strlen(value) };
	qsort(items, x.n, sizeof(*items), by_name);
}

static int make(void)
{
	static struct limits limits;
	const struct lxcconf c = { .place = &place, .name = "c1", .seccomp = "/f", .map = &map, .x = &x, .limits = &limits, .devices = "lxc.net.0.type = empty\n" };

	buf_reset(&out);
	err_clear(&last);
	CHECK(limits_make(&x, 1, LIMITS_ALL, false, &limits, &last) == 0);
	return lxcconf_make(&c, &out, &last);
}

static int has(const char *line)
{
	char want[512];

	snprintf(want, sizeof(want), "\n%s\n", line);
	return strstr(buf_str(&out), want) != NULL;
}

static void test_plain(void)
{
	clear();
	map = (struct idmap) { .n_uid = 1, .n_gid = 1, .uid = { { 0, 100000, 65536 } }, .gid = { { 0, 200000, 65536 } } };
	CHECK(make() == 0);
	CHECK(has("lxc.uts.name = c1"));
	CHECK(has("lxc.rootfs.path = dir:/run/x/lxc/c1/rootfs"));
	CHECK(has("lxc.idmap = u 0 100000 65536"));
	CHECK(has("lxc.idmap = g 0 200000 65536"));
	CHECK(has("lxc.net.0.type = empty"));
	CHECK(has("lxc.seccomp.profile = /f"));
	CHECK(has("lxc.cgroup.dir.container = instfs/c1.x"));
	CHECK(!strstr(buf_str(&out), "lxc.cap.drop"));
	CHECK(!strstr(buf_str(&out), "lxc.include"));
	map.n_uid = map.n_gid = 0;
	CHECK(make() == 0);
	CHECK(!strstr(buf_str(&out), "lxc.idmap"));
	CHECK(has("lxc.cap.drop = sys_time sys_module sys_rawio mac_override mac_admin"));
	add(ENT_CONFIG, "security.nesting", "true\n");
	CHECK(make() == 0);
	CHECK(has("lxc.cap.drop = sys_time sys_module sys_rawio mac_override"));
	CHECK(has("lxc.mount.entry = proc dev/.lxc/proc proc create=dir,optional 0 0"));
}

static void test_environment(void)
{
	clear();
	add(ENT_CONFIG, "environment.A", "1 2=3");
	add(ENT_CONFIG, "raw.lxc", "lxc.mount.auto = \nlxc.hook.stop = /x\n");
	CHECK(make() == 0);
	CHECK(has("lxc.environment = A=1 2=3"));
	CHECK(strstr(buf_str(&out), "lxc.environment = PATH=/usr/local/sbin:") != NULL);
	CHECK(strstr(buf_str(&out), "\nlxc.mount.auto = \nlxc.hook.stop = /x\n") != NULL);
	clear();
	add(ENT_CONFIG, "environment.PATH", "/bin");
	CHECK(make() == 0 && has("lxc.environment = PATH=/bin"));
	CHECK(!strstr(buf_str(&out), "/usr/local/sbin"));
	clear();
	add(ENT_CONFIG, "environment.B", "1\nlxc.hook.start-host = /evil");
	CHECK(make() == -EINVAL);
	CHECK_STR(last.text, "environment.B: a value of several lines cannot be given to liblxc");
	clear();
	add(ENT_CONFIG, "environment.C=D", "1");
	CHECK(make() == -EINVAL);
}

/* What all devices together add; the records go below a directory of the test. */
static int prepare(const char *dir)
{
	static struct object inst = { .id = 7 };
	struct place p = place;
	int r;

	snprintf(p.dir, sizeof(p.dir), "%s", dir);
	buf_reset(&out);
	buf_addstr(&out, "\n");
	err_clear(&last);
	r = devices_prepare(&inst, &p, &x, &map, &out, &last);
	return r;
}

static void sweep(const char *dir)
{
	char line[256];

	snprintf(line, sizeof(line), "rm -rf '%s'/devices", dir);
	CHECK(system(line) == 0);
}

/* Nothing is mounted when a source is refused. */
static void test_sources(void)
{
	char dir[] = "/tmp/instfs-unit-lxcconf.XXXXXX";

	CHECK(mkdtemp(dir) != NULL);
	clear();
	add(ENT_DEVICE, "root", "type=disk\npath=/\npool=x\n");
	add(ENT_DEVICE, "o", "type=disk\nsource=/nonexistent\npath=/o\noptional=true\n");
	CHECK(prepare(dir) == 0 && !strstr(buf_str(&out), "mount.entry"));
	add(ENT_DEVICE, "z", "type=disk\nsource=/nonexistent\npath=/o\n");
	CHECK(prepare(dir) == -ENOENT);
	CHECK_STR(last.text, "device z: its source /nonexistent: No such file or directory");
	sweep(dir);
	CHECK(rmdir(dir) == 0);
}

static void test_limits(void)
{
	clear();
	add(ENT_CONFIG, "limits.processes", "100\n");
	add(ENT_CONFIG, "limits.cpu.allowance", "25ms/100ms\n");
	CHECK(make() == 0);
	if (cgroup_version(CGROUP_PIDS) == 1)
		CHECK(has("lxc.cgroup.pids.max = 100"));
	if (cgroup_version(CGROUP_CPU) == 1)
		CHECK(has("lxc.cgroup.cpu.cfs_period_us = 100000") && has("lxc.cgroup.cpu.cfs_quota_us = 25000"));
	if (cgroup_version(CGROUP_CPU) == 2)
		CHECK(has("lxc.cgroup2.cpu.max = 25000 100000"));
}

/* What else becomes lines, and none of it another line. */
static void test_processes(void)
{
	clear();
	add(ENT_CONFIG, "limits.kernel.nofile", "100:200\n");
	add(ENT_CONFIG, "limits.kernel.memlock", "1MiB:unlimited");
	add(ENT_CONFIG, "limits.memory.oom_priority", "300");
	add(ENT_CONFIG, "linux.sysctl.net.ipv4.ip_forward", "1\n");
	CHECK(make() == 0);
	CHECK(has("lxc.prlimit.nofile = 100:200") && has("lxc.prlimit.memlock = 1048576:unlimited") && has("lxc.proc.oom_score_adj = 300"));
	CHECK(has("lxc.sysctl.net.ipv4.ip_forward = 1"));
	add(ENT_CONFIG, "linux.sysctl.net.ipv4.tcp_rmem", "1\nlxc.hook.start = /evil");
	CHECK(make() == -EINVAL && strstr(last.text, "linux.sysctl.net.ipv4.tcp_rmem"));
	clear();
	add(ENT_CONFIG, "limits.kernel.nofile", "1\nlxc.hook.start = /evil");
	CHECK(make() == -EINVAL);
}

static void test_seccomp(void)
{
	struct buf b = BUF_INIT;

	clear();
	CHECK(seccomp_make(&x, &b) && strstr(buf_str(&b), "2\ndenylist\nreject_force_umount\n[all]\nkexec_load errno 1\n"));
	add(ENT_CONFIG, "security.syscalls.deny", "mkdir # no\n# chmod\n\n keyctl errno 38\nreboot kill");
	buf_reset(&b);
	CHECK(seccomp_make(&x, &b) && strstr(buf_str(&b), "\nmkdir errno 1\nkeyctl errno 38\nreboot kill\n") && !strstr(buf_str(&b), "chmod"));
	clear();
	add(ENT_CONFIG, "security.syscalls.deny_default", "false");
	buf_reset(&b);
	CHECK(!seccomp_make(&x, &b));
	add(ENT_CONFIG, "security.syscalls.allow", "read\nwrite # too\n");
	buf_reset(&b);
	CHECK(seccomp_make(&x, &b));
	CHECK_STR(buf_str(&b), "2\nallowlist errno 38\n[all]\nread\nwrite\n");
	clear();
	add(ENT_CONFIG, "raw.seccomp", "2\ndenylist\n[all]\nmkdir errno 1\n");
	buf_reset(&b);
	CHECK(seccomp_make(&x, &b));
	CHECK_STR(buf_str(&b), "2\ndenylist\n[all]\nmkdir errno 1\n");
	buf_free(&b);
}

int main(void)
{
	cgroup_init(NULL);
	test_plain();
	test_environment();
	test_sources();
	test_limits();
	test_processes();
	test_seccomp();
	clear();
	buf_free(&out);
	return UNIT_END();
}
