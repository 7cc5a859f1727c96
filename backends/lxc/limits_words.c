// SPDX-License-Identifier: LGPL-2.1-or-later
/* runtime/effective: limits in words, read back from the kernel and not from the configuration. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/lxc/limits.h"

#define V1_NO_LIMIT (UINT64_C(1) << 62)	/* v1 says "no limit" as LONG_MAX rounded down to a page */

static void words_memory(const char *path, struct buf *out)
{
	bool v1 = cgroup_version(CGROUP_MEMORY) == 1;
	uint64_t hard, soft, swap, swappiness;

	if (cgroup_read_u64(CGROUP_MEMORY, path, v1 ? "memory.limit_in_bytes" : "memory.max", &hard) < 0)
		return;
	if (hard < V1_NO_LIMIT)
		buf_addf(out, "memory: hard, %" PRIu64 " bytes\n", hard);
	if (cgroup_read_u64(CGROUP_MEMORY, path, v1 ? "memory.soft_limit_in_bytes" : "memory.high", &soft) == 0 && soft < V1_NO_LIMIT)
		buf_addf(out, "memory: soft, %" PRIu64 " bytes\n", soft);
	if (hard >= V1_NO_LIMIT && soft >= V1_NO_LIMIT)
		buf_addstr(out, "memory: no limit\n");
	if (v1 && cgroup_read_u64(CGROUP_MEMORY, path, "memory.memsw.limit_in_bytes", &swap) == 0 && swap < V1_NO_LIMIT)
		buf_addf(out, "memory and swap together: hard, %" PRIu64 " bytes\n", swap);
	if (!v1 && cgroup_read_u64(CGROUP_MEMORY, path, "memory.swap.max", &swap) == 0 && swap < V1_NO_LIMIT)
		buf_addf(out, swap ? "swap: hard, %" PRIu64 " bytes\n" : "swap: none\n", swap);
	if (v1 && cgroup_read_u64(CGROUP_MEMORY, path, "memory.swappiness", &swappiness) == 0)
		buf_addf(out, swappiness ? "swap: swappiness %" PRIu64 "\n" : "swap: only when nothing else helps (swappiness %" PRIu64 ")\n",
			 swappiness);
}

static void words_slice(int64_t quota, uint64_t period, struct buf *out)
{
	if (quota > 0 && period > 0)
		buf_addf(out, "cpu: hard, %.10g ms per %.10g ms (%.2f CPUs)\n", (double)quota / 1000, (double)period / 1000,
			 (double)quota / (double)period);
}

static void words_cpu(const char *path, struct buf *out)
{
	char text[CGROUP_VALUE_MAX];
	uint64_t share, period = 0;

	if (cgroup_version(CGROUP_CPU) == 1) {
		if (cgroup_read_u64(CGROUP_CPU, path, "cpu.shares", &share) == 0)
			buf_addf(out, "cpu: soft, weight %" PRIu64 " (1024 is normal)\n", share);
		if (cgroup_read_u64(CGROUP_CPU, path, "cpu.cfs_period_us", &period) == 0 &&
		    cgroup_read(CGROUP_CPU, path, "cpu.cfs_quota_us", text) == 0)
			words_slice(strtoll(text, NULL, 10), period, out);
		return;
	}
	if (cgroup_read_u64(CGROUP_CPU, path, "cpu.weight", &share) == 0)
		buf_addf(out, "cpu: soft, weight %" PRIu64 " (100 is normal)\n", share);
	if (cgroup_read(CGROUP_CPU, path, "cpu.max", text) == 0 && strncmp(text, "max", 3) != 0) {
		char *end;
		int64_t quota = strtoll(text, &end, 10);

		words_slice(quota, strtoull(end, NULL, 10), out);
	}
}

static void words_cpuset(const char *path, struct buf *out)
{
	char text[CGROUP_VALUE_MAX];
	const char *file = cgroup_version(CGROUP_CPUSET) == 1 ? "cpuset.effective_cpus" : "cpuset.cpus.effective";

	if (cgroup_read(CGROUP_CPUSET, path, file, text) == 0)
		buf_addf(out, "cpu: runs on CPUs %s\n", text);
}

static void words_pids(const char *path, struct buf *out)
{
	uint64_t max;

	if (cgroup_read_u64(CGROUP_PIDS, path, "pids.max", &max) < 0)
		return;
	if (max == UINT64_MAX)
		buf_addstr(out, "processes: no limit\n");
	else
		buf_addf(out, "processes: at most %" PRIu64 "\n", max);
}

static void words_weight(const char *path, struct buf *out)
{
	static const char *const files[] = { "blkio.bfq.weight", "blkio.weight", "io.bfq.weight", "io.weight" };
	char text[CGROUP_VALUE_MAX];
	bool v1 = cgroup_version(CGROUP_IO) == 1;

	for (size_t i = v1 ? 0 : 2; i < (v1 ? 2u : 4u); i++) {
		if (cgroup_read(CGROUP_IO, path, files[i], text) < 0)
			continue;
		buf_addf(out, "disk: soft, weight %s (%d is normal)\n", text + (strncmp(text, "default ", 8) ? 0 : 8), v1 ? 500 : 100);
		return;
	}
}

static void words_hugepages(const char *path, struct buf *out)
{
	static const char *const sizes[] = { "64KB", "1MB", "2MB", "1GB" };
	char file[64];
	uint64_t max;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		snprintf(file, sizeof(file), "hugetlb.%s.%s", sizes[i], cgroup_version(CGROUP_HUGETLB) == 1 ? "limit_in_bytes" : "max");
		if (cgroup_read_u64(CGROUP_HUGETLB, path, file, &max) == 0 && max < V1_NO_LIMIT)
			buf_addf(out, "hugepages of %s: hard, %" PRIu64 " bytes\n", sizes[i], max);
	}
}

void limits_words(const struct expanded *x, const char *path, struct buf *out)
{
	static const struct {
		enum cgroup_controller controller;
		void (*f)(const char *path, struct buf *out);
	} words[] = {
		{ CGROUP_MEMORY, words_memory }, { CGROUP_CPUSET, words_cpuset }, { CGROUP_CPU, words_cpu }, { CGROUP_PIDS, words_pids },
		{ CGROUP_IO, words_weight }, { CGROUP_HUGETLB, words_hugepages },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (cgroup_version(words[i].controller))
			words[i].f(path, out);
}
