// SPDX-License-Identifier: LGPL-2.1-or-later
/* Files of /proc over recorded trees of hosts with control groups v1, v2 and both: what lxcfs gets wrong is right here. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/proc/proc.h"
#include "tests/unit/unit.h"

static char tree[64];
static struct err last;

#define V1 "/sys/fs/cgroup/"

static void put(const char *path, const char *text)
{
	char full[512];
	FILE *f;

	snprintf(full, sizeof(full), "%s%s", tree, path);
	for (char *s = full + strlen(tree) + 1; (s = strchr(s, '/')); s++) {
		*s = '\0';
		mkdir(full, 0755);
		*s = '/';
	}
	f = fopen(full, "w");
	CHECK(f != NULL);
	if (f) {
		fputs(text, f);
		fclose(f);
	}
}

static void drop(const char *path)
{
	char line[512];

	snprintf(line, sizeof(line), "rm -rf '%s%s'", tree, path);
	CHECK(system(line) == 0);
}

static void host(unsigned cpus)
{
	_cleanup_buf_ struct buf b = BUF_INIT, st = BUF_INIT, range = BUF_INIT;

	put("/proc/meminfo", "MemTotal:        8388608 kB\nMemFree:         6000000 kB\nMemAvailable:    7000000 kB\n"
	    "Buffers:          100000 kB\nCached:          1000000 kB\nSwapCached:            7 kB\nMapped:           500000 kB\n"
	    "Mlocked:               0 kB\nSwapTotal:       1048576 kB\nSwapFree:        1000000 kB\nDirty:              1234 kB\n"
	    "Writeback:            12 kB\nAnonPages:        300000 kB\nShmem:             20000 kB\nSReclaimable:      90000 kB\n"
	    "AnonHugePages:     70000 kB\nHugePages_Total:      64\nHugePages_Free:       64\nHugePages_Rsvd:        0\n"
	    "HugePages_Surp:        0\nHugepagesize:       2048 kB\nDirectMap4k:       30720 kB\n");
	buf_addstr(&st, "cpu  1 0 0 0 0 0 0 0 0 0\n");
	for (unsigned i = 0; i < cpus; i++) {
		buf_addf(&b, "processor\t: %u\nmodel name\t: Some CPU\ncpu MHz\t\t: %u.000\nphysical id\t: 0\nsiblings\t: %u\n"
			 "core id\t\t: %u\ncpu cores\t: %u\nflags\t\t: fpu sse\npower management:\n\n", i,
			 i % 2 ? 800 : 3400, cpus, i / 2, cpus / 2);
		buf_addf(&st, "cpu%u %u 0 0 100000 0 0 0 0 0 0\n", i, i * 100);
	}
	buf_addstr(&st, "intr 99 1 2\nctxt 98765\nbtime 1700000000\nprocesses 4321\nprocs_running 9\nprocs_blocked 8\nsoftirq 5 1 2\n");
	buf_addf(&range, "0-%u\n", cpus - 1);
	put("/proc/cpuinfo", buf_str(&b));
	put("/proc/stat", buf_str(&st));
	put("/proc/uptime", "1000.00 3000.00\n");
	put("/proc/diskstats", "   8       0 sda 1 2 3 4 5 6 7 8 9 10 11\n 259       3 nvme0n1p2 1 2 3 4 5 6 7 8 9 10 11\n");
	put("/proc/slabinfo", "slabinfo - version: 2.1\n# name <active_objs>\ndentry 1 2 3\n");
	put("/sys/devices/system/cpu/online", buf_str(&range));
	put("/sys/devices/system/cpu/possible", buf_str(&range));
	put("/sys/devices/system/cpu/kernel_max", "255\n");
}

static void begin(const char *mounts)
{
	drop("/proc");
	drop("/sys");
	host(4);
	put("/proc/self/mountinfo", mounts);
	put("/sys/fs/cgroup/place", "");
	for (const char *p = mounts; (p = strstr(p, "/sys/fs/cgroup")); p++) {
		char dir[128];

		snprintf(dir, sizeof(dir), "%.*s/cgroup.procs", (int)strcspn(p, " "), p);
		put(dir, "");
	}
	CHECK(proc_init(tree, &last) == 0);
}

static void begin_v1(void)
{
	begin("20 1 0:20 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n"
	      "21 1 0:21 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
	      "22 1 0:22 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n"
	      "23 1 0:23 / /sys/fs/cgroup/blkio rw - cgroup cgroup rw,blkio\n"
	      "24 1 0:24 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n");
	put(V1 "memory/a/c/memory.usage_in_bytes", "104857600\n");
	put(V1 "memory/a/c/memory.limit_in_bytes", "268435456\n");
	put(V1 "memory/a/memory.limit_in_bytes", "9223372036854771712\n");
	put(V1 "memory/a/c/memory.memsw.limit_in_bytes", "268435456\n");
	put(V1 "memory/a/c/memory.memsw.usage_in_bytes", "125829120\n");
	put(V1 "memory/a/c/memory.swappiness", "60\n");
	put(V1 "memory/a/c/memory.stat", "rss 1\nrss_huge 2\nmapped_file 3\ntotal_cache 50331648\ntotal_rss 1048576\n"
	    "total_rss_huge 67108864\ntotal_shmem 33554432\ntotal_mapped_file 4194304\ntotal_dirty 8192\ntotal_writeback 4096\n"
	    "total_swap 20971520\ntotal_inactive_anon 4096\ntotal_active_anon 8192\ntotal_inactive_file 10485760\n"
	    "total_active_file 5242880\ntotal_unevictable 0\n");
	put(V1 "cpuset/a/c/cpuset.effective_cpus", "1,3\n");
	put(V1 "cpuset/a/c/cpuset.cpus", "1,3\n");
	put(V1 "cpu/a/c/cpu.cfs_quota_us", "-1\n");
	put(V1 "cpu/a/c/cpu.cfs_period_us", "100000\n");
	put(V1 "cpu/a/c/cpuacct.usage_all", "cpu user system\n0 0 0\n1 2000000000 1000000000\n2 0 0\n3 500000000 0\n");
	put(V1 "blkio/a/c/blkio.throttle.io_service_bytes_recursive",
	    "8:0 Read 8192\n8:0 Write 4096\n8:0 Discard 0\n8:0 Total 12288\nTotal 12288\n");
	put(V1 "blkio/a/c/blkio.throttle.io_serviced_recursive", "8:0 Read 2\n8:0 Write 1\n8:0 Discard 0\n8:0 Total 3\nTotal 3\n");
}

static void begin_v2(void)
{
	begin("20 1 0:20 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
	put(V1 "cgroup.controllers", "cpuset cpu io memory hugetlb pids\n");
	CHECK(proc_init(tree, &last) == 0);
	put(V1 "a/c/cgroup.procs", "");
	put(V1 "a/c/memory.current", "104857600\n");
	put(V1 "a/c/memory.max", "max\n");
	put(V1 "a/memory.max", "268435456\n");
	put(V1 "a/memory.current", "150994944\n");
	put(V1 "a/c/memory.swap.max", "max\n");
	put(V1 "a/memory.swap.max", "134217728\n");
	put(V1 "a/c/memory.swap.current", "20971520\n");
	put(V1 "a/c/memory.stat", "anon 1048576\nfile 50331648\nkernel 1\nkernel_stack 16384\npagetables 32768\nshmem 33554432\n"
	    "file_mapped 4194304\nfile_dirty 8192\nfile_writeback 4096\nanon_thp 67108864\ninactive_file 10485760\n"
	    "active_file 5242880\nslab_reclaimable 2097152\nslab_unreclaimable 1048576\nslab 3145728\n");
	put(V1 "a/c/cpuset.cpus.effective", "1,3\n");
	put(V1 "a/c/cpu.max", "max 100000\n");
	put(V1 "a/c/cpu.stat", "usage_usec 3500000\nuser_usec 2500000\nsystem_usec 1000000\n");
	put(V1 "a/c/io.stat", "8:0 rbytes=8192 wbytes=4096 rios=2 wios=1 dbytes=512 dios=7\n7:0 \n");
	put(V1 "a/c/io.pressure", "some avg10=1.00 avg60=0.50 avg300=0.10 total=77\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
}

/* Started at second 900 of the host. */
static struct proc_facts facts(void)
{
	return (struct proc_facts){
		.size = sizeof(struct proc_facts), .object = 1, .name = "c", .cgroup = "a/c", .init_pid = 4711, .init_start = 90000,
		.memory = PROC_NO_LIMIT, .swap = PROC_NO_LIMIT,
	};
}

static const char *show(struct proc_source *s, const char *path)
{
	static struct buf b;
	struct proc_place at;

	buf_reset(&b);
	CHECK(!proc_find(path, &at) && proc_show(s, &at, &b) == 0);
	return buf_str(&b);
}

/* The number behind a name at the start of a line. */
static unsigned long long field(const char *text, const char *name)
{
	char key[64];
	const char *p;

	snprintf(key, sizeof(key), "\n%s", name);
	p = strncmp(text, name, strlen(name)) ? strstr(text, key) : text - 1;
	return p ? strtoull(p + strlen(key), NULL, 10) : ~0ull;
}

static unsigned lines(const char *text, const char *start)
{
	unsigned n = 0;

	for (const char *p = text; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL)
		n += !strncmp(p, start, strlen(start));
	return n;
}

static void check_memory(struct proc_source *s, int version)
{
	const char *t = show(s, "proc/meminfo");

	CHECK(field(t, "MemTotal:") == 262144 && field(t, "MemFree:") == 262144 - 102400);
	/* pages of files, not tmpfs; v2 counts slabs as well */
	CHECK(field(t, "MemAvailable:") == 262144 - 102400 + 15360 + (version == 2 ? 2048 : 0));
	CHECK(field(t, "AnonHugePages:") == 65536 && field(t, "Mapped:") == 4096);
	CHECK(field(t, "Dirty:") == 8 && field(t, "Writeback:") == 4 && field(t, "Shmem:") == 32768);
	CHECK(field(t, "Buffers:") == 0 && field(t, "AnonPages:") == 1024 && field(t, "Cached:") == 49152);
	CHECK(field(t, "SwapTotal:") - field(t, "SwapFree:") == 20480);
	CHECK(field(t, "Hugepagesize:") == 2048 && field(t, "DirectMap4k:") == 30720);
	t = show(s, "proc/swaps");
	CHECK(strstr(t, version == 1 ? "virtual\t\t262144\t20480\t0\n" : "virtual\t\t131072\t20480\t0\n") != NULL);
}

static void check_cpus(struct proc_source *s)
{
	const char *t = show(s, "proc/cpuinfo");

	CHECK(lines(t, "processor\t: ") == 2 && strstr(t, "processor\t: 0\n") && strstr(t, "processor\t: 1\n"));
	/* of those that share the package, and of its cores: what the instance has */
	CHECK(lines(t, "siblings\t: 2\n") == 2 && lines(t, "core id\t\t: 0\n") == 1 && lines(t, "core id\t\t: 1\n") == 1);
	CHECK(lines(t, "cpu cores\t: 2\n") == 2);
	t = show(s, "proc/stat");
	CHECK(lines(t, "cpu0 ") == 1 && lines(t, "cpu1 ") == 1 && lines(t, "cpu") == 3 && strlen(t) % 256 == 0);
	CHECK(field(t, "procs_running ") == 0 && field(t, "ctxt ") == 0 && field(t, "btime ") == 1700000000);
	CHECK_STR(show(s, "sys/devices/system/cpu/online"), "0-1\n");
	CHECK_STR(show(s, "sys/devices/system/cpu/present"), "0-1\n");
	CHECK_STR(show(s, "sys/devices/system/cpu/possible"), "0-1\n");
	CHECK_STR(show(s, "sys/devices/system/cpu/offline"), "\n");
	CHECK(proc_cpu_count(s) == 2);
}

static void test_v1(void)
{
	struct proc_facts f = facts();
	struct proc_source *s;

	begin_v1();
	s = proc_source_new(&f, NULL);
	check_memory(s, 1);
	check_cpus(s);
	/* the first look has the time since the start; 100 s of two CPUs less 3.5 s */
	CHECK_STR(strtok((char *)show(s, "proc/stat"), "\n"), "cpu  250 0 100 19650 0 0 0 0 0 0");
	CHECK_STR(show(s, "proc/uptime"), "100.00 196.50\n");
	CHECK_STR(show(s, "proc/diskstats"), "   8       0 sda 2 0 16 0 1 0 8 0 0 0 0 0 0 0 0 0 0\n");
	CHECK_STR(show(s, "proc/slabinfo"), "slabinfo - version: 2.1\n# name <active_objs>\n");
	/* it must not be swapped out, but some is */
	put(V1 "memory/a/c/memory.swappiness", "0\n");
	CHECK(field(show(s, "proc/meminfo"), "SwapTotal:") == 20480 && field(show(s, "proc/meminfo"), "SwapFree:") == 0);
	/* more in use than the limit, for a moment */
	put(V1 "memory/a/c/memory.usage_in_bytes", "999999999999\n");
	CHECK(field(show(s, "proc/meminfo"), "MemFree:") == 0);
	/* what memory.stat says of all limits up to the root goes before the group's own files */
	put(V1 "memory/a/c/memory.swappiness", "60\n");
	put(V1 "memory/a/c/memory.stat", "hierarchical_memory_limit 33554432\nhierarchical_memsw_limit 50331648\ntotal_swap 0\n");
	CHECK(field(show(s, "proc/meminfo"), "MemTotal:") == 32768 && field(show(s, "proc/meminfo"), "SwapTotal:") == 49152);
	proc_source_free(s);
}

static void test_v2(void)
{
	struct proc_facts f = facts();
	struct proc_source *s;

	begin_v2();
	s = proc_source_new(&f, NULL);
	check_memory(s, 2);
	check_cpus(s);
	CHECK_STR(show(s, "proc/uptime"), "100.00 196.50\n");
	CHECK_STR(strtok((char *)show(s, "proc/stat"), "\n"), "cpu  250 0 100 19650 0 0 0 0 0 0");
	CHECK_STR(show(s, "proc/diskstats"), "   8       0 sda 2 0 16 0 1 0 8 0 0 0 0 7 0 1 0 0 0\n");
	CHECK(strstr(show(s, "proc/pressure/io"), "some avg10=1.00 avg60=0.50 avg300=0.10 total=77\n") != NULL);
	CHECK(strstr(show(s, "proc/pressure/cpu"), "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n") != NULL);
	/* unknown is empty, not the host's */
	drop(V1 "a/c/io.stat");
	proc_source_idle(s);
	CHECK_STR(show(s, "proc/diskstats"), "");
	proc_source_free(s);
}

/* The controller is off in the leaf: the parent counts and limits. */
static void test_no_controller(void)
{
	struct proc_facts f = facts();
	struct proc_source *s;

	begin_v2();
	for (int i = 0; i < 5; i++) {
		static const char *const names[] = { "current", "max", "stat", "swap.max", "swap.current" };
		char path[64];

		snprintf(path, sizeof(path), V1 "a/c/memory.%s", names[i]);
		drop(path);
	}
	drop(V1 "a/c/cpu.max");
	f.quota_us = 50000;
	f.period_us = 100000;
	f.cpus = PROC_CPUS_QUOTA;
	s = proc_source_new(&f, NULL);
	CHECK(field(show(s, "proc/meminfo"), "MemTotal:") == 262144);
	CHECK(field(show(s, "proc/meminfo"), "MemFree:") == 262144 - 147456);
	CHECK_STR(show(s, "sys/devices/system/cpu/online"), "0\n");
	/* the group is gone: as configured, and no error */
	drop(V1 "a/c");
	f.memory = 64 << 20;
	proc_source_update(s, &f);
	proc_source_idle(s);
	CHECK(field(show(s, "proc/meminfo"), "MemTotal:") == 65536);
	show(s, "proc/stat");
	show(s, "proc/loadavg");
	proc_source_free(s);
}

static void test_quota(void)
{
	struct proc_facts f = facts();
	struct proc_source *s;

	f.cpus = PROC_CPUS_QUOTA;
	begin_v1();
	put(V1 "cpuset/a/c/cpuset.effective_cpus", "0-3\n");
	put(V1 "cpu/a/c/cpu.cfs_quota_us", "250000\n");
	s = proc_source_new(&f, NULL);
	CHECK(proc_cpu_count(s) == 3 && lines(show(s, "proc/stat"), "cpu") == 4 && lines(show(s, "proc/cpuinfo"), "processor") == 3);
	/* what ran on the fourth CPU is shown by the others: no time is lost */
	CHECK_STR(strtok((char *)show(s, "proc/stat"), "\n"), "cpu  250 0 100 29650 0 0 0 0 0 0");
	/* the parent allows less */
	put(V1 "cpu/a/cpu.cfs_quota_us", "150000\n");
	put(V1 "cpu/a/cpu.cfs_period_us", "100000\n");
	CHECK_STR(show(s, "sys/devices/system/cpu/online"), "0-1\n");
	/* without the key the set counts */
	f.cpus = PROC_CPUS_CPUSET;
	proc_source_update(s, &f);
	CHECK_STR(show(s, "sys/devices/system/cpu/online"), "0-3\n");
	proc_source_free(s);
	/* the same numbers everywhere in version 2, at the first read too */
	begin_v2();
	f.cpus = PROC_CPUS_QUOTA;
	put(V1 "a/c/cpuset.cpus.effective", "0-3\n");
	put(V1 "a/c/cpu.max", "150000 100000\n");
	s = proc_source_new(&f, NULL);
	CHECK(lines(show(s, "proc/stat"), "cpu") == 3 && lines(show(s, "proc/cpuinfo"), "processor") == 2);
	CHECK_STR(strtok((char *)show(s, "proc/stat"), "\n"), "cpu  250 0 100 19650 0 0 0 0 0 0");
	proc_source_free(s);
}

/* Limits at both ends of what the kernel takes, and CPUs that the host has switched off. */
static void test_extremes(void)
{
	struct proc_facts f = facts();
	struct proc_source *s;
	const char *t;

	begin_v2();
	s = proc_source_new(&f, NULL);
	put(V1 "a/c/memory.max", "0\n");
	put(V1 "a/c/memory.swap.max", "0\n");
	t = show(s, "proc/meminfo");
	/* programs divide by it */
	CHECK(field(t, "MemTotal:") == 4 && field(t, "MemFree:") == 0 && field(t, "MemAvailable:") <= 4);
	CHECK(field(t, "SwapTotal:") == 0 && field(t, "SwapFree:") == 0 && lines(show(s, "proc/swaps"), "none") == 0);
	put(V1 "a/memory.max", "18446744073709547520\n");
	put(V1 "a/c/memory.max", "9223372036854771712\n");
	put(V1 "a/memory.swap.max", "9223372036854771712\n");
	put(V1 "a/c/memory.swap.max", "max\n");
	t = show(s, "proc/meminfo");
	CHECK(field(t, "MemTotal:") == 8388608 && field(t, "SwapTotal:") == 1048576 && strstr(t, "\nMemFree:         8286208 kB\n"));
	put("/sys/devices/system/cpu/online", "0,2-3\n");
	put(V1 "a/c/cpuset.cpus.effective", "0-1,3\n");
	CHECK_STR(show(s, "sys/devices/system/cpu/online"), "0-1\n");
	CHECK(lines(show(s, "proc/stat"), "cpu") == 3 && lines(show(s, "proc/cpuinfo"), "processor") == 2);
	proc_source_free(s);
}

static unsigned long long nth(const char *text, const char *name, int n)
{
	const char *p = strstr(text, name);

	for (; p && n > 0; n--)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p, NULL, 10) : 0;
}

/* Counters that go down, CPUs that go away, a server that begins anew with the same history. */
static void test_never_back(void)
{
	struct proc_facts f = facts();
	struct proc_history *h;
	struct proc_source *s;
	const char *t;

	begin_v1();
	h = proc_history_attach(calloc(1, proc_history_size()));
	s = proc_source_new(&f, h);
	CHECK(nth(show(s, "proc/stat"), "cpu0 ", 1) == 200);
	put("/proc/uptime", "1010.00 0.00\n");
	put(V1 "cpu/a/c/cpuacct.usage_all", "cpu user system\n0 0 0\n1 1000000000 0\n2 0 0\n3 0 0\n");
	put(V1 "cpuset/a/c/cpuset.effective_cpus", "3\n");
	t = show(s, "proc/stat");
	CHECK(nth(t, "cpu0 ", 1) == 200 && nth(t, "cpu  ", 2) == 250 && nth(t, "cpu0 ", 4) == 10700);
	s = proc_source_free(s);
	s = proc_source_new(&f, proc_history_attach(h));
	put("/proc/uptime", "1020.00 0.00\n");
	put(V1 "cpu/a/c/cpuacct.usage_all", "cpu user system\n0 0 0\n1 1000000000 0\n2 0 0\n3 2000000000 0\n");
	t = show(s, "proc/stat");
	CHECK(nth(t, "cpu0 ", 1) == 400 && nth(t, "cpu0 ", 4) == 11500);
	/* another life begins with nothing */
	f.init_start = 102000;
	f.init_pid = 5000;
	put("/proc/uptime", "1021.00 0.00\n");
	put(V1 "cpu/a/c/cpuacct.usage_all", "cpu user system\n0 0 0\n1 9000000000 0\n2 0 0\n3 9000000000 0\n");
	proc_source_update(s, &f);
	CHECK_STR(show(s, "proc/uptime"), "1.00 1.00\n");
	proc_source_free(s);
	free(h);
}

/* Whoever owns the memory took it back: nothing is written there, nor behind it, where others' histories are. */
static void test_no_history(void)
{
	const size_t size = proc_history_size();
	struct proc_facts f = facts();
	struct proc_source *s;
	unsigned char *memory = malloc(2 * size);
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct proc_place at;
	size_t changed = 0;

	begin_v1();
	memset(memory, 0, size);
	memset(memory + size, 0xaa, size);
	s = proc_source_new(&f, proc_history_attach(memory));
	show(s, "proc/stat");
	show(s, "proc/loadavg");
	memset(memory, 0, size);
	put("/proc/uptime", "1010.00 0.00\n");
	CHECK(!proc_find("proc/stat", &at) && proc_show(s, &at, &b) == -ESTALE);
	show(s, "proc/loadavg");
	for (size_t i = 0; i < 2 * size; i++)
		changed += memory[i] != (i < size ? 0 : 0xaa);
	CHECK(!changed);
	proc_source_free(s);
	free(memory);
}

static void test_load(void)
{
	struct proc_facts f = facts();
	struct proc_source *s;
	const char *t;

	begin_v2();
	/* threads deep down count; a name may look like a state */
	put(V1 "a/c/1/2/3/4/5/cgroup.threads", "5001\n5002\n5003\n");
	put(V1 "a/c/cgroup.threads", "4711\n");
	put("/proc/4711/stat", "4711 (init) S 1\n");
	put("/proc/4711/status", "Name:\tinit\nNSpid:\t4711\t1\n");
	put("/proc/5001/stat", "5001 (a) R) R 1\n");
	put("/proc/5002/stat", "5002 (b) D 1\n");
	put("/proc/5003/stat", "5003 (x R) S 1\n");
	put("/proc/5003/status", "Name:\tx R\nNSpid:\t5003\t44\t7\n");
	/* 100 s with 0.035 CPUs used: the mean since the start, then 5 s with the two that are active now */
	s = proc_source_new(&f, NULL);
	t = show(s, "proc/loadavg");
	CHECK(strlen(t) == 40 && strstr(t, " 1/4 44 ") != NULL);
	CHECK(strtod(t, NULL) > 0.15 && strtod(t, NULL) < 0.25);
	t = show(s, "proc/stat");
	CHECK(field(t, "procs_running ") == 1 && field(t, "procs_blocked ") == 1 && field(t, "processes ") == 44);
	proc_source_free(s);
}

static void test_stopped(void)
{
	struct proc_facts f = {
		.size = sizeof(f), .memory = 512 << 20, .swap = 0, .cpu_count = 2, .cpus = PROC_CPUS_QUOTA, .quota_us = 1, .period_us = 100,
	};
	struct proc_source *s;

	begin_v2();
	s = proc_source_new(&f, NULL);
	CHECK(field(show(s, "proc/meminfo"), "MemTotal:") == 524288 && field(show(s, "proc/meminfo"), "MemFree:") == 524288);
	CHECK(field(show(s, "proc/meminfo"), "SwapTotal:") == 0 && field(show(s, "proc/meminfo"), "Cached:") == 0);
	CHECK_STR(show(s, "proc/uptime"), "0.00 0.00\n");
	CHECK_STR(show(s, "sys/devices/system/cpu/online"), "0\n");
	CHECK(!strncmp(show(s, "proc/loadavg"), "0.00 0.00 0.00 0/0 0 ", 21));
	f.cpus = PROC_CPUS_CPUSET;
	proc_source_update(s, &f);
	CHECK_STR(show(s, "sys/devices/system/cpu/online"), "0-1\n");
	strcpy(f.cpu_list, "1,3,900");
	f.cpu_count = 0;
	proc_source_update(s, &f);
	CHECK(lines(show(s, "proc/cpuinfo"), "processor") == 2);
	proc_source_free(s);
}

/* Start times that ps computes from btime must fit the clock of the instance's time namespace. */
static void test_time_namespace(void)
{
	struct proc_facts f = facts();
	struct proc_source *s;

	begin_v2();
	put("/proc/4711/timens_offsets", "monotonic          -900         0\nboottime          -899         0\n");
	s = proc_source_new(&f, NULL);
	CHECK(!strncmp(show(s, "proc/uptime"), "101.00 ", 7));
	CHECK(field(show(s, "proc/stat"), "btime ") == 1700000899);
	proc_source_free(s);
}

static void test_many_cpus(void)
{
	struct proc_facts f = facts();
	struct proc_source *s;
	const char *t;

	begin_v2();
	host(700);
	CHECK(proc_init(tree, &last) == 0);
	put(V1 "a/c/cpuset.cpus.effective", "0-698\n");
	s = proc_source_new(&f, NULL);
	t = show(s, "proc/cpuinfo");
	CHECK(lines(t, "processor\t: ") == 699 && strstr(t, "processor\t: 698\n"));
	CHECK(lines(show(s, "proc/stat"), "cpu") == 700);
	CHECK_STR(show(s, "sys/devices/system/cpu/online"), "0-698\n");
	proc_source_free(s);
}

static void test_huge_pages(void)
{
	struct proc_facts f = facts();
	struct proc_source *s;
	const char *t;

	begin_v2();
	put(V1 "a/c/hugetlb.2MB.current", "8388608\n");
	put(V1 "a/c/hugetlb.2MB.max", "33554432\n");
	put(V1 "a/c/hugetlb.2MB.rsvd.current", "12582912\n");
	s = proc_source_new(&f, NULL);
	t = show(s, "proc/meminfo");
	CHECK(field(t, "HugePages_Total:") == 16 && field(t, "HugePages_Free:") == 12 && field(t, "HugePages_Rsvd:") == 2);
	proc_source_free(s);
}

/* A group in an instance, asked about by the number of a process. */
static void test_foreign(void)
{
	struct proc_facts f = facts(), g = facts();
	struct proc_source *outer, *s;

	begin_v2();
	put("/proc/4712/cgroup", "0::/a/c/sub/init.scope\n");
	put(V1 "a/c/sub/cgroup.procs", "");
	put(V1 "a/c/sub/memory.current", "1048576\n");
	put(V1 "a/c/sub/memory.max", "67108864\n");
	put(V1 "a/c/sub/memory.swap.max", "max\n");
	put(V1 "a/c/sub/cpuset.cpus.effective", "0-3\n");
	g.init_pid = 4712;
	outer = proc_source_new(&f, NULL);
	s = proc_source_new_pid(&g, NULL);
	CHECK_STR(show(s, "sys/devices/system/cpu/online"), "0-3\n");
	proc_source_within(s, outer);
	CHECK_STR(show(s, "sys/devices/system/cpu/online"), "0-1\n");
	CHECK(field(show(s, "proc/meminfo"), "MemTotal:") == 65536 && field(show(s, "proc/meminfo"), "MemFree:") == 64512);
	CHECK(field(show(s, "proc/meminfo"), "SwapTotal:") == 131072);
	proc_source_free(s);
	proc_source_free(outer);
}

static int count_row(const struct proc_row *r, void *arg)
{
	unsigned *n = arg;

	CHECK(proc_row_by_id(r->id) == r && (r->id < 64 || strchr(r->path, '*')) && r->doc && S_ISDIR(r->mode) == !r->show);
	++*n;
	return 0;
}

static int count_name(void *arg, const char *name, const struct proc_place *at)
{
	++*(unsigned *)arg;
	return 0;
}

static bool exists(struct proc_source *s, const char *path)
{
	struct proc_place at;
	char again[256];

	if (proc_find(path, &at))
		return false;
	proc_path(&at, again, sizeof(again));
	CHECK_STR(again, path);
	return proc_exists(s, &at);
}

static unsigned names(struct proc_source *s, const char *path)
{
	struct proc_place at;
	unsigned n = 0;

	CHECK(!proc_find(path, &at) && !proc_list(s, &at, count_name, &n));
	return n;
}

#define CPU "sys/devices/system/cpu/"

static void test_rows(void)
{
	struct proc_facts f = { .size = sizeof(f), .memory = PROC_NO_LIMIT };
	struct proc_source *s;
	struct proc_place at;
	unsigned n = 0;

	CHECK(proc_row_each(count_row, &n) == 0 && n > 20);
	CHECK(proc_find("proc/none", &at) && proc_find(CPU "cpu01", &at) && proc_find(CPU "cpu", &at));
	CHECK(!proc_find(CPU "cpu3", &at) && at.n[0] == 3);
	begin_v2();
	s = proc_source_new(&f, NULL);
	CHECK(exists(s, CPU "cpu3") && !exists(s, CPU "cpu4") && !exists(s, CPU "cpu3/topology") && names(s, "sys/devices/system/cpu") == 9);
	proc_source_free(s);
}

/* CPUs 1 and 3 of four, two threads each on a core: what names them has the instance's numbers, and they are alone on their cores. */
static void test_topology(void)
{
	struct proc_facts f = facts();
	struct proc_source *s;
	char path[128];

	begin_v2();
	for (unsigned cpu = 0; cpu < 4; cpu++) {
		const struct { const char *name, *text; } files[] = {
			{ "topology/core_id", cpu < 2 ? "4\n" : "5\n" }, { "topology/thread_siblings", cpu < 2 ? "3\n" : "c\n" },
			{ "topology/thread_siblings_list", cpu < 2 ? "0-1\n" : "2-3\n" }, { "topology/package_cpus", "f\n" },
			{ "topology/package_cpus_list", "0-3\n" }, { "cache/index0/size", cpu < 2 ? "32K\n" : "48K\n" },
			{ "cache/index3/shared_cpu_list", "0-3\n" }, { "cache/index3/shared_cpu_map", "f\n" },
		};

		for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
			snprintf(path, sizeof(path), "/" CPU "cpu%u/%s", cpu, files[i].name);
			put(path, files[i].text);
		}
	}
	put("/sys/devices/system/node/node0/cpulist", "0-1\n");
	put("/sys/devices/system/node/node8/cpulist", "2-3\n");
	put("/sys/devices/system/node/node8/cpumap", "c\n");
	put("/sys/devices/system/node/node8/meminfo", "Node 8 MemTotal: 4194304 kB\nNode 8 MemFree: 40960 kB\n");
	s = proc_source_new(&f, NULL);
	CHECK_STR(show(s, CPU "cpu1/topology/core_id"), "5\n");
	CHECK_STR(show(s, CPU "cpu1/topology/thread_siblings_list"), "1\n");
	CHECK_STR(show(s, CPU "cpu1/topology/thread_siblings"), "2\n");
	CHECK_STR(show(s, CPU "cpu0/topology/package_cpus_list"), "0-1\n");
	CHECK_STR(show(s, CPU "cpu0/topology/package_cpus"), "3\n");
	CHECK_STR(show(s, CPU "cpu1/cache/index0/size"), "48K\n");
	CHECK_STR(show(s, CPU "cpu1/cache/index3/shared_cpu_list"), "0-1\n");
	CHECK_STR(show(s, CPU "cpu1/cache/index3/shared_cpu_map"), "3\n");
	CHECK(names(s, CPU "cpu1/cache") == 2 && names(s, CPU "cpu1/cache/index3") == 2 && names(s, CPU "cpu1/topology") == 5);
	CHECK(exists(s, CPU "cpu1/cache/index3") && !exists(s, CPU "cpu1/cache/index1") && !exists(s, CPU "cpu2/topology"));
	CHECK(!exists(s, CPU "cpu1/topology/die_id") && !exists(s, CPU "cpu1/online"));
	CHECK(names(s, "sys/devices/system/node") == 2);
	CHECK_STR(show(s, "sys/devices/system/node/node0/cpulist"), "0\n");
	CHECK_STR(show(s, "sys/devices/system/node/node8/cpumap"), "2\n");
	CHECK_STR(show(s, "sys/devices/system/node/node8/meminfo"), "Node 8 MemTotal:         262144 kB\nNode 8 MemFree:           40960 kB\n"
		  "Node 8 MemUsed:          221184 kB\n");
	proc_source_free(s);
}

int main(void)
{
	snprintf(tree, sizeof(tree), "/tmp/instfs-unit-proc.XXXXXX");
	if (!mkdtemp(tree))
		return 1;
	test_v1();
	test_v2();
	test_no_controller();
	test_quota();
	test_extremes();
	test_never_back();
	test_no_history();
	test_load();
	test_stopped();
	test_time_namespace();
	test_many_cpus();
	test_huge_pages();
	test_foreign();
	test_rows();
	test_topology();
	drop("");
	return UNIT_END();
}
