// SPDX-License-Identifier: LGPL-2.1-or-later
/* Limits on control groups of version 2, and of what this host does not have, in trees of files that look like it. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/lxc/cpus.h"
#include "backends/lxc/limits.h"
#include "tests/unit/unit.h"

#define ITEMS_MAX 16
#define GROUP "instfs/c1.x"

static char root[] = "/tmp/unit-limits-XXXXXX";
static struct expanded_item items[ITEMS_MAX];
static struct expanded x = { .items = items };
static struct err last;
static struct buf out;

static void path_of(const char *path, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s", root, path);
}

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	path_of(path, full, sizeof(full));
	for (char *s = strchr(full + strlen(root) + 1, '/'); s; s = strchr(s + 1, '/')) {
		*s = '\0';
		mkdir(full, 0755);
		*s = '/';
	}
	f = fopen(full, "w");
	CHECK(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* What was written over what: files of the kernel have no end of what was there before, these have; blanks hide it. */
static const char *get(const char *path)
{
	static char text[1024];
	char full[512];
	int fd;
	ssize_t n;

	path_of(path, full, sizeof(full));
	fd = open(full, O_RDONLY);
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	text[strcspn(text, " \n")] = '\0';
	return text;
}

static const char *group(const char *file)
{
	char path[256];

	snprintf(path, sizeof(path), "sys/fs/cgroup/" GROUP "/%s", file);
	return get(path);
}

static void put_group(const char *file, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "sys/fs/cgroup/" GROUP "/%s", file);
	put(path, text);
}

static void clear(void)
{
	for (size_t i = 0; i < x.n; i++) {
		free(items[i].name);
		free(items[i].value);
	}
	x.n = 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct expanded_item *)a)->name, ((const struct expanded_item *)b)->name);
}

static void set(const char *name, const char *value)
{
	items[x.n++] = (struct expanded_item) { .kind = ENT_CONFIG, .name = strdup(name), .value = strdup(value), .len = strlen(value) };
	qsort(items, x.n, sizeof(*items), by_name);
}

static void fresh_v2(void)
{
	static const char *const files[][2] = {
		{ "memory.max", "max          \n" }, { "memory.high", "max          \n" }, { "memory.swap.max", "max          \n" },
		{ "memory.current", "1000000\n" }, { "memory.reclaim", "          \n" }, { "cpu.weight", "100   \n" },
		{ "cpu.max", "max 100000          \n" }, { "pids.max", "max          \n" }, { "io.weight", "default 100     \n" },
		{ "hugetlb.2MB.max", "max          \n" }, { "cpuset.cpus", "          \n" }, { "cpuset.cpus.effective", "0-3\n" },
	};

	put("proc/self/mountinfo", "30 20 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n");
	put("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
	put("sys/fs/cgroup/cgroup.subtree_control", "                    \n");
	put("sys/fs/cgroup/instfs/cgroup.subtree_control", "                    \n");
	put("sys/fs/cgroup/cpuset.cpus.effective", "0-3\n");
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		put_group(files[i][0], files[i][1]);
	CHECK(cgroup_init_below(root, &last) == 0);
	clear();
}

static int apply(unsigned which)
{
	struct limits l;
	int r;

	err_clear(&last);
	r = limits_make(&x, 1, which, true, &l, &last);
	return r < 0 ? r : limits_write(&l, GROUP, &last);
}

static void test_memory(void)
{
	fresh_v2();
	set("limits.memory", "64MiB\n");
	CHECK(apply(LIMITS_MEMORY) == 0);
	CHECK_STR(group("memory.max"), "67108864");
	CHECK_STR(group("memory.swap.max"), "67108864");
	CHECK_STR(group("memory.high"), "max");
	fresh_v2();
	set("limits.memory", "64MiB");
	set("limits.memory.enforce", " soft ");
	set("limits.memory.swap", "32MiB");
	CHECK(apply(LIMITS_MEMORY) == 0);
	CHECK_STR(group("memory.max"), "max");
	CHECK_STR(group("memory.high"), "67108864");
	CHECK_STR(group("memory.swap.max"), "33554432");
	fresh_v2();
	set("limits.memory.swap", "false");
	CHECK(apply(LIMITS_MEMORY) == 0);
	CHECK(group("memory.swap.max")[0] == '0');
	/* what the guest uses now does not fit, and cannot be reclaimed: nothing is written */
	fresh_v2();
	set("limits.memory", "100000");
	CHECK(apply(LIMITS_MEMORY) == -EBUSY && strstr(last.text, "1000000"));
	CHECK_STR(group("memory.max"), "max");
	CHECK_STR(group("memory.reclaim"), "900000");
}

static void test_others(void)
{
	fresh_v2();
	set("limits.cpu.allowance", "25ms/200ms");
	set("limits.cpu.priority", "5");
	set("limits.disk.priority", "10");
	set("limits.hugepages.2MB", "64MiB");
	set("limits.processes", "77");
	CHECK(apply(LIMITS_ALL & ~LIMITS_CPUSET) == 0);
	CHECK_STR(group("cpu.max"), "25000");
	CHECK(group("cpu.weight")[0] == '9' && group("cpu.weight")[1] == '5');
	CHECK(!strncmp(group("pids.max"), "77", 2));
	CHECK_STR(group("hugetlb.2MB.max"), "67108864");
	CHECK(!strncmp(group("io.weight"), "200", 3));
	/* a size of pages that the kernel does not have: asked for above, then left out */
	set("limits.hugepages.1GB", "1GiB");
	CHECK(apply(LIMITS_HUGEPAGES) == 0);
	CHECK_STR(get("sys/fs/cgroup/instfs/cgroup.subtree_control"), "+hugetlb");
	CHECK_STR(get("sys/fs/cgroup/cgroup.subtree_control"), "+hugetlb");
	fresh_v2();
	set("limits.cpu.allowance", "50%");
	CHECK(apply(LIMITS_CPU) == 0);
	CHECK(!strncmp(group("cpu.weight"), "50", 2));
	CHECK_STR(group("cpu.max"), "max");
}

/* The second file is not there: the first one is put back. */
static void test_rollback(void)
{
	char path[512];

	fresh_v2();
	set("limits.cpu.allowance", "25ms/200ms");
	set("limits.cpu.priority", "0");
	path_of("sys/fs/cgroup/" GROUP "/cpu.max", path, sizeof(path));
	CHECK(unlink(path) == 0);
	CHECK(apply(LIMITS_CPU) == -ENODATA && strstr(last.text, "cpu.max"));
	CHECK(!strncmp(group("cpu.weight"), "100", 3));
}

static bool says(const char *line)
{
	char want[512];

	snprintf(want, sizeof(want), "\n%s\n", line);
	return !strncmp(buf_str(&out), line, strlen(line)) || strstr(buf_str(&out), want);
}

static void test_words(void)
{
	fresh_v2();
	put_group("memory.max", "67108864\n");
	put_group("memory.swap.max", "0\n");
	put_group("cpu.max", "25000 200000\n");
	put_group("cpu.weight", "50\n");
	put_group("pids.max", "9\n");
	put_group("io.weight", "default 200\n");
	put_group("hugetlb.2MB.max", "2097152\n");
	buf_reset(&out);
	limits_words(&x, GROUP, &out);
	CHECK(says("memory: hard, 67108864 bytes") && says("swap: none") && says("cpu: hard, 25 ms per 200 ms (0.12 CPUs)"));
	CHECK(says("cpu: soft, weight 50 (100 is normal)") && says("processes: at most 9") && says("disk: soft, weight 200 (100 is normal)"));
	CHECK(says("hugepages of 2MB: hard, 2097152 bytes") && says("cpu: runs on CPUs 0-3"));
}

static void test_warnings(void)
{
	fresh_v2();
	set("limits.memory.swap.priority", "3");
	set("limits.network.priority", "3");
	set("security.idmap.size", "65536");
	buf_reset(&out);
	limits_warnings(&x, GROUP, &out);
	CHECK(says("limits.memory.swap.priority: not enforced: control groups of version 2 have no swappiness"));
	CHECK(says("limits.network.priority: not enforced: this kernel offers no net_prio controller"));
	CHECK(says("security.idmap.size: without effect: only for security.idmap.isolated"));
	put("sys/fs/cgroup/cgroup.controllers", "pids\n");
	CHECK(cgroup_init_below(root, &last) == 0);
	clear();
	set("limits.memory", "1G");
	set("limits.processes", "9");
	buf_reset(&out);
	limits_warnings(&x, "", &out);
	CHECK_STR(buf_str(&out), "limits.memory: not enforced: this kernel offers no memory controller\n");
	/* nothing is written where there is no controller */
	CHECK(apply(LIMITS_MEMORY) == 0);
	CHECK_STR(group("memory.max"), "max");
}

static void note(uint32_t id, const char *value, const char *list)
{
	char path[64], file[128];

	snprintf(path, sizeof(path), "instfs/b%u", id);
	snprintf(file, sizeof(file), "sys/fs/cgroup/%s/cpuset.cpus", path);
	put(file, list);
	cpus_note(id, path, value, list);
}

/* Instances on each of the four CPUs, of those numbered from to to. */
static void spread(uint32_t from, uint32_t to, unsigned on[4])
{
	char file[128];

	memset(on, 0, 4 * sizeof(*on));
	for (uint32_t id = from; id <= to; id++) {
		snprintf(file, sizeof(file), "sys/fs/cgroup/instfs/b%u/cpuset.cpus", id);
		on[(get(file)[0] - '0') & 3]++;
	}
}

static void test_balance(void)
{
	unsigned on[4];

	fresh_v2();
	for (uint32_t id = 1; id <= 8; id++)
		note(id, "1", "0");
	cpus_balance();
	spread(1, 8, on);
	CHECK(on[0] == 2 && on[1] == 2 && on[2] == 2 && on[3] == 2);
	/* two that are pinned come: both of the others leave */
	note(9, "0-0", "0");
	note(10, "0-0", "0");
	cpus_balance();
	spread(1, 8, on);
	CHECK(on[0] <= 1 && on[0] + on[1] + on[2] + on[3] == 8);
	cpus_forget(9);
	cpus_forget(10);
	spread(1, 8, on);
	CHECK(on[0] == 2 && on[1] == 2 && on[2] == 2 && on[3] == 2);
	/* a CPU goes away, and comes back */
	put("sys/fs/cgroup/cpuset.cpus.effective", "0-2\n");
	cpus_balance();
	spread(1, 8, on);
	CHECK(on[3] == 0 && on[0] >= 2 && on[1] >= 2 && on[2] >= 2);
	put("sys/fs/cgroup/cpuset.cpus.effective", "0-3\n");
	cpus_balance();
	spread(1, 8, on);
	CHECK(on[0] == 2 && on[1] == 2 && on[2] == 2 && on[3] == 2);
	for (uint32_t id = 1; id <= 8; id++)
		cpus_forget(id);
	/* live, in the group */
	CHECK(cpus_apply(20, GROUP, "1-2", &last) == 0);
	CHECK_STR(group("cpuset.cpus"), "1-2");
	CHECK(cpus_apply(20, GROUP, "9-9", &last) == -ERANGE);
	CHECK(cpus_apply(20, GROUP, NULL, &last) == 0);
}

/* net_prio is there on version 1 only. */
static void test_v1(void)
{
	put("proc/self/mountinfo", "30 20 0:26 / /cg/net rw - cgroup net rw,net_cls,net_prio\n31 20 0:27 / /cg/mem rw - cgroup mem rw,memory\n");
	put("cg/net/" GROUP "/net_prio.ifpriomap", "lo 0\n");
	put("cg/mem/memory.swappiness", "60\n");
	put("cg/mem/" GROUP "/memory.limit_in_bytes", "9223372036854771712\n");
	put("cg/mem/" GROUP "/memory.soft_limit_in_bytes", "9223372036854771712\n");
	put("cg/mem/" GROUP "/memory.swappiness", "60\n");
	CHECK(cgroup_init_below(root, &last) == 0 && cgroup_version(CGROUP_NET_PRIO) == 1 && cgroup_version(CGROUP_MEMORY) == 1);
	clear();
	set("limits.network.priority", "3");
	CHECK(apply(LIMITS_NETWORK) == 0);
	set("limits.memory", "64MiB");
	set("limits.memory.swap.priority", "0");
	CHECK(apply(LIMITS_MEMORY) == 0);
	CHECK(!strncmp(get("cg/mem/" GROUP "/memory.limit_in_bytes"), "67108864", 8));
	CHECK_STR(get("cg/mem/" GROUP "/memory.swappiness"), "70");
	buf_reset(&out);
	limits_warnings(&x, GROUP, &out);
	CHECK(says("limits.memory: swap is not counted: this kernel has no swap accounting"));
}

/* A start with everything set: the other limits hold, and what the kernel lacks is told of. */
static void check_without(const char *controller, const char *key)
{
	static const char *const settings[][2] = {
		{ "limits.memory", "64MiB" }, { "limits.cpu", "2" }, { "limits.cpu.allowance", "50%" }, { "limits.processes", "9" },
		{ "limits.disk.priority", "5" }, { "limits.hugepages.2MB", "2MiB" }, { "limits.network.priority", "3" },
	};
	char line[160];
	struct limits l;

	CHECK(cgroup_init_below(root, &last) == 0);
	clear();
	for (size_t i = 0; i < sizeof(settings) / sizeof(*settings); i++)
		set(settings[i][0], settings[i][1]);
	buf_reset(&out);
	CHECK(limits_make(&x, 1, LIMITS_ALL, false, &l, &last) == 0);
	limits_print(&l, &out);
	snprintf(line, sizeof(line), ".%s.", controller);
	CHECK(!strstr(buf_str(&out), line) && strstr(buf_str(&out), strcmp(controller, "pids") ? "pids.max = 9\n" : ".memory."));
	limits_warnings(&x, "", &out);
	snprintf(line, sizeof(line), "%s: not enforced: this kernel offers no %s controller", key, controller);
	CHECK(says(line));
}

static void test_missing(void)
{
	static const char *const missing[][2] = {
		{ "memory", "limits.memory" }, { "cpu", "limits.cpu.allowance" }, { "cpuset", "limits.cpu" }, { "pids", "limits.processes" },
		{ "hugetlb", "limits.hugepages.2MB" },
	};

	for (size_t i = 0; i < sizeof(missing) / sizeof(*missing); i++) {
		char v2[64] = "", v1[512] = "";

		for (size_t j = 0; j < sizeof(missing) / sizeof(*missing); j++) {
			const char *name = missing[j][0];

			if (i == j)
				continue;
			snprintf(v2 + strlen(v2), sizeof(v2) - strlen(v2), "%s ", name);
			snprintf(v1 + strlen(v1), sizeof(v1) - strlen(v1), "3%zu 20 0:3%zu / /cg/%s rw - cgroup %s rw,%s\n", j, j, name, name, name);
		}
		fresh_v2();
		put("sys/fs/cgroup/cgroup.controllers", v2);
		check_without(missing[i][0], missing[i][1]);
		put("cg/cpuset/cpuset.cpus", "0-3\n");
		for (size_t j = 0; j < sizeof(missing) / sizeof(*missing); j++) {
			snprintf(v2, sizeof(v2), "cg/%s/tasks", missing[j][0]);
			put(v2, "");
		}
		put("proc/self/mountinfo", v1);
		check_without(missing[i][0], missing[i][1]);
	}
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

int main(void)
{
	CHECK(mkdtemp(root) != NULL);
	test_memory();
	test_others();
	test_rollback();
	test_words();
	test_warnings();
	test_balance();
	test_v1();
	test_missing();
	clear();
	buf_free(&out);
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return UNIT_END();
}
