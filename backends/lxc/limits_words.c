// SPDX-License-Identifier: LGPL-2.1-or-later
/* runtime/effective: limits in words, read back from the kernel and not from the configuration. */
#include <inttypes.h>
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
	if (v1 && cgroup_read_u64(CGROUP_MEMORY, path, "memory.swappiness", &swappiness) == 0 && swappiness == 0)
		buf_addstr(out, "swap: only when nothing else helps (swappiness 0)\n");
}

static void words_slice(int64_t quota, uint64_t period, struct buf *out)
{
	if (quota > 0 && period > 0)
		buf_addf(out, "cpu: hard, %.2f CPUs (%" PRId64 " of every %" PRIu64 " us)\n", (double)quota / (double)period, quota, period);
}

static void words_cpu(const char *path, struct buf *out)
{
	char text[CGROUP_VALUE_MAX];
	uint64_t share, period = 0;

	if (cgroup_version(CGROUP_CPU) == 1) {
		if (cgroup_read_u64(CGROUP_CPU, path, "cpu.shares", &share) == 0)
			buf_addf(out, "cpu: soft, %" PRIu64 " shares (1024 is the normal share)\n", share);
		if (cgroup_read_u64(CGROUP_CPU, path, "cpu.cfs_period_us", &period) == 0 &&
		    cgroup_read(CGROUP_CPU, path, "cpu.cfs_quota_us", text) == 0)
			words_slice(strtoll(text, NULL, 10), period, out);
		return;
	}
	if (cgroup_read_u64(CGROUP_CPU, path, "cpu.weight", &share) == 0)
		buf_addf(out, "cpu: soft, weight %" PRIu64 " (100 is the normal weight)\n", share);
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

/* What was asked for and cannot be had here. */
static void words_missing(const struct expanded *x, const char *path, struct buf *out)
{
	static const struct {
		const char *key;
		enum cgroup_controller controller;
	} needs[] = {
		{ "limits.cpu", CGROUP_CPUSET }, { "limits.cpu.allowance", CGROUP_CPU }, { "limits.cpu.priority", CGROUP_CPU },
		{ "limits.memory", CGROUP_MEMORY }, { "limits.memory.enforce", CGROUP_MEMORY }, { "limits.memory.swap", CGROUP_MEMORY },
		{ "limits.processes", CGROUP_PIDS },
	};
	char text[CGROUP_VALUE_MAX];

	for (size_t i = 0; i < sizeof(needs) / sizeof(*needs); i++)
		if (expanded_get(x, needs[i].key) && !cgroup_version(needs[i].controller))
			buf_addf(out, "%s: not enforced: no %s controller\n", needs[i].key, cgroup_name(needs[i].controller));
	if (expanded_get(x, "limits.memory") && cgroup_version(CGROUP_MEMORY) == 1 &&
	    cgroup_read(CGROUP_MEMORY, path, "memory.memsw.limit_in_bytes", text) < 0)
		buf_addstr(out, "limits.memory: swap is not counted: no swap accounting in this kernel\n");
}

void limits_words(const struct expanded *x, const char *path, struct buf *out)
{
	if (cgroup_version(CGROUP_MEMORY))
		words_memory(path, out);
	if (cgroup_version(CGROUP_CPUSET))
		words_cpuset(path, out);
	if (cgroup_version(CGROUP_CPU))
		words_cpu(path, out);
	if (cgroup_version(CGROUP_PIDS))
		words_pids(path, out);
	words_missing(x, path, out);
}
