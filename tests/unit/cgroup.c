// SPDX-License-Identifier: LGPL-2.1-or-later
/* Control groups of this host, and limits written into a group of our own. What this host does not have is passed over. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/lxc/cpus.h"
#include "backends/lxc/limits.h"
#include "tests/unit/unit.h"

static char group[64];
static struct err last;

/* The test's own group in every hierarchy, made the way of the shell. */
static void make_group(void)
{
	char line[512];

	snprintf(line, sizeof(line),
		 "for h in $(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts); do mkdir -p $h/%s/below && "
		 "for f in cpus mems; do [ ! -e $h/cpuset.$f ] || for d in instfs-unit-test %s; do "
		 "cat $h/cpuset.$f >$h/$d/cpuset.$f; done; done; done 2>/dev/null; true", group, group);
	CHECK(system(line) == 0);
}

static pid_t put_sleeper(void)
{
	char line[512];
	pid_t pid = fork();

	if (pid == 0) {
		execl("/bin/sleep", "sleep", "100", (char *)NULL);
		_exit(1);
	}
	snprintf(line, sizeof(line),
		 "for h in $(awk '$3 ~ /^cgroup2?$/ { print $2 }' /proc/mounts); do echo %d >$h/%s/below/cgroup.procs || "
		 "echo %d >$h/%s/cgroup.procs; done 2>/dev/null; true", (int)pid, group, (int)pid, group);
	CHECK(system(line) == 0);
	return pid;
}

static void test_freeze(void)
{
	pid_t pid = put_sleeper();
	int status;

	if (!cgroup_version(CGROUP_FREEZER))
		return;
	CHECK(!cgroup_is_frozen(group));
	CHECK(cgroup_freeze(group, true, 2000, &last) == 0);
	CHECK(cgroup_is_frozen(group));
	CHECK(cgroup_freeze(group, true, 2000, &last) == 0);
	CHECK(cgroup_freeze(group, false, 2000, &last) == 0);
	CHECK(!cgroup_is_frozen(group));
	CHECK(cgroup_freeze(group, true, 2000, &last) == 0);
	/* the dead leave although they were frozen */
	cgroup_kill(group);
	CHECK(waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static int write_one(enum cgroup_controller c, const char *file, const char *value)
{
	struct limits l = { .n = 1 };

	err_clear(&last);
	l.list[0].controller = c;
	l.list[0].file = file;
	snprintf(l.list[0].value, sizeof(l.list[0].value), "%s", value);
	return limits_write(&l, group, &last);
}

static void test_memory(void)
{
	struct limits l = { .n = 2 };
	uint64_t v;

	if (cgroup_version(CGROUP_MEMORY) != 1 || cgroup_read_u64(CGROUP_MEMORY, group, "memory.memsw.limit_in_bytes", &v) < 0)
		return;
	l.list[0] = (struct limit) { .controller = CGROUP_MEMORY, .file = "memory.limit_in_bytes", .value = "67108864" };
	l.list[1] = (struct limit) { .controller = CGROUP_MEMORY, .file = "memory.memsw.limit_in_bytes", .value = "67108864" };
	CHECK(limits_write(&l, group, &last) == 0);
	/* upwards the pair has to be written the other way round */
	strcpy(l.list[0].value, "134217728");
	strcpy(l.list[1].value, "134217728");
	CHECK(limits_write(&l, group, &last) == 0);
	CHECK(cgroup_read_u64(CGROUP_MEMORY, group, "memory.limit_in_bytes", &v) == 0 && v == 134217728);
	/* the second fails (less than the first): all is as before */
	strcpy(l.list[0].value, "100663296");
	strcpy(l.list[1].value, "4096");
	CHECK(limits_write(&l, group, &last) < 0);
	CHECK(cgroup_read_u64(CGROUP_MEMORY, group, "memory.limit_in_bytes", &v) == 0 && v == 134217728);
	CHECK(cgroup_read_u64(CGROUP_MEMORY, group, "memory.memsw.limit_in_bytes", &v) == 0 && v == 134217728);
}

static void test_values(void)
{
	uint64_t v;

	if (cgroup_version(CGROUP_PIDS)) {
		CHECK(write_one(CGROUP_PIDS, "pids.max", "77") == 0);
		CHECK(cgroup_read_u64(CGROUP_PIDS, group, "pids.max", &v) == 0 && v == 77);
		CHECK(write_one(CGROUP_PIDS, "pids.max", "many") == -EINVAL);
		CHECK_STR(last.text, "pids.max: the kernel refuses many: Invalid argument");
		CHECK(write_one(CGROUP_PIDS, "pids.max", "max") == 0);
		CHECK(cgroup_read_u64(CGROUP_PIDS, group, "pids.max", &v) == 0 && v == UINT64_MAX);
	}
	CHECK(cgroup_read_u64(CGROUP_MEMORY, group, "no.such.file", &v) == -ENODATA);
	CHECK(cgroup_read_u64(CGROUP_MEMORY, "no/such/group", "memory.stat", &v) == -ENODATA);
	if (cgroup_version(CGROUP_MEMORY))
		CHECK(cgroup_read_key(CGROUP_MEMORY, group, "memory.stat", "pgfault", &v) == 0);
}

static void test_words(void)
{
	struct expanded x = { .items = NULL };
	struct buf out = BUF_INIT;

	limits_words(&x, group, &out);
	if (cgroup_version(CGROUP_PIDS))
		CHECK(strstr(buf_str(&out), "processes: no limit\n") != NULL);
	buf_free(&out);
	CHECK(limits_of_key("limits.memory.swap") == LIMITS_MEMORY);
	CHECK(limits_of_key("user.x") == 0);
}

static void test_cpus(void)
{
	char a[64], b[64], c[CGROUP_VALUE_MAX];

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	CHECK(cpus_choose(1, "1", a, sizeof(a), &last) == 0);
	cpus_note(1, "no/such/group", "1", a);
	CHECK(cpus_choose(2, "1", b, sizeof(b), &last) == 0);
	CHECK(strcmp(a, b) != 0);
	cpus_note(2, "no/such/group", "1", b);
	CHECK(cpus_choose(1, "1", c, sizeof(c), &last) == 0);
	CHECK_STR(c, a);
	cpus_forget(1);
	CHECK(cpus_choose(3, "1", c, sizeof(c), &last) == 0);
	CHECK_STR(c, a);
	cpus_forget(2);
	CHECK(cpus_choose(3, "8000", c, sizeof(c), &last) == 0);
	CHECK(cpus_choose(3, "0,8000", c, sizeof(c), &last) == 0);
	CHECK_STR(c, "0");
	CHECK(cpus_choose(3, "8000-8001", c, sizeof(c), &last) == -ERANGE);
	if (!cgroup_version(CGROUP_CPUSET))
		return;
	CHECK(cpus_apply(4, group, "0-0", &last) == 0 && cgroup_read(CGROUP_CPUSET, group, "cpuset.cpus", c) == 0);
	CHECK_STR(c, "0");
	/* one that wants a CPU gets another one, whatever it had */
	CHECK(cpus_choose(5, "1", c, sizeof(c), &last) == 0);
	CHECK_STR(c, "1");
	CHECK(cpus_apply(4, group, NULL, &last) == 0);
	cpus_forget(4);
}

static void test_speed(void)
{
	struct limits l = { .n = 1, .list = { { .controller = CGROUP_PIDS, .file = "pids.max", .value = "50" } } };
	struct timespec t0, t1;

	if (!cgroup_version(CGROUP_PIDS))
		return;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (int i = 0; i < 100; i++)
		limits_write(&l, group, NULL);
	clock_gettime(CLOCK_MONOTONIC, &t1);
	CHECK((t1.tv_sec - t0.tv_sec) * 1000000 + (t1.tv_nsec - t0.tv_nsec) / 1000 < 100 * 1000);
}

int main(void)
{
	CHECK(cgroup_remove("", &last) == -EINVAL);
	CHECK(cgroup_remove("a/../b", &last) == -EINVAL);
	if (cgroup_init(&last) < 0 || getuid() != 0)
		return UNIT_END();
	snprintf(group, sizeof(group), "instfs-unit-test/%d", (int)getpid());
	make_group();
	test_cpus();
	test_values();
	test_memory();
	test_words();
	test_speed();
	test_freeze();
	put_sleeper();
	CHECK(cgroup_remove(group, &last) == 0);
	CHECK(cgroup_remove(group, &last) == 0);
	CHECK(cgroup_remove("instfs-unit-test", &last) == 0);
	return UNIT_END();
}
