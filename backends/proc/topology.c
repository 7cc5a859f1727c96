// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Below a CPU's directory in /sys, and below /sys/devices/system/node. Which files there are, and what does not name CPUs (a core's
 * number, the size of a cache), is the host's; a CPU that the instance has not got is in no list, the others have its numbers.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/memory.h"
#include "backends/proc/show.h"

#define MASK_BITS 32			/* of each part of a mask */

/* The instance's CPUs, of which the first *count of the set are told, and the host's path of a file. */
static int find(struct proc_source *s, const struct proc_place *at, struct cpus *set, unsigned *count, char *path, size_t size)
{
	struct proc_place there = *at;
	int r = s->machine.cpus ? -ENOENT : source_cpus(s, set, count);

	if (r < 0)
		return r;
	if (at->row->flags & PROC_PER_CPU) {
		if (at->n[0] >= *count || at->n[0] >= set->n)
			return -ENOENT;
		there.n[0] = set->list[at->n[0]];
	}
	proc_path(&there, path, size);
	return 0;
}

bool topology_exists(struct proc_source *s, const struct proc_place *at)
{
	_cleanup_cpus_ struct cpus set = CPUS_INIT;
	char path[512];
	unsigned count;

	proc_path(at, path, sizeof(path));
	HOLD_LOCK(&s->lock);
	if (!(at->row->flags & PROC_PER_CPU))
		return !s->machine.cpus && host_exists(path);
	return !find(s, at, &set, &count, path, sizeof(path)) && host_exists(path);
}

int topology_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_cpus_ struct cpus set = CPUS_INIT;
	char path[512];
	unsigned count;
	int r = find(s, at, &set, &count, path, sizeof(path));

	return r ? r : host_read_path(path, out);
}

/* "cpumap" stands beside "cpulist", "core_cpus" beside "core_cpus_list". */
static void name_list(char *path, size_t size)
{
	size_t n = strlen(path);

	if (n > 3 && !strcmp(path + n - 3, "map"))
		snprintf(path + n - 3, size - (n - 3), "list");
	else
		snprintf(path + n, size - n, "_list");
}

/* The CPUs of a list, by the instance's numbers; *count: how many it has. */
static int read_list(struct proc_source *s, const struct proc_place *at, bool mask, struct cpus *ret, unsigned *count)
{
	_cleanup_cpus_ struct cpus set = CPUS_INIT, listed = CPUS_INIT;
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[512];
	unsigned n = 0;
	int r = find(s, at, &set, count, path, sizeof(path));

	if (!r && mask)
		name_list(path, sizeof(path));
	if (!r)
		r = host_read_path(path, &b);
	if (!r)
		r = cpus_parse(buf_str(&b), &listed);
	for (unsigned i = 0; !r && i < listed.n; i++) {
		int as = cpus_find(&set, listed.list[i]);

		if (as >= 0 && (unsigned)as < *count)
			listed.list[n++] = (unsigned)as;
	}
	cpus_cut(&listed, n);
	*ret = listed;
	listed = (struct cpus)CPUS_INIT;
	return r;
}

int topology_show_list(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_cpus_ struct cpus c = CPUS_INIT;
	unsigned count;
	int r = read_list(s, at, false, &c, &count);

	if (r)
		return r;
	cpus_print(&c, out);
	buf_addch(out, '\n');
	return 0;
}

/* As the kernel prints one of `count` bits: "3", "00000001,ffffffff". */
int topology_show_mask(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_cpus_ struct cpus c = CPUS_INIT;
	unsigned count, digits;
	int r = read_list(s, at, true, &c, &count);

	if (r)
		return r;
	digits = ((count - 1) % MASK_BITS) / 4 + 1;
	for (unsigned part = (count - 1) / MASK_BITS + 1; part-- > 0; digits = MASK_BITS / 4) {
		uint32_t bits = 0;

		for (unsigned i = 0; i < c.n; i++)
			if (c.list[i] / MASK_BITS == part)
				bits |= UINT32_C(1) << c.list[i] % MASK_BITS;
		buf_addf(out, "%0*" PRIx32 "%s", (int)digits, bits, part ? "," : "\n");
	}
	return 0;
}

/* "Node 0 MemTotal:        8388608 kB", of the host. */
static uint64_t node_bytes(const char *text, const char *name)
{
	const char *p = strstr(text, name);
	uint64_t kb = 0;

	return p && sscanf(p + strlen(name), "%" SCNu64, &kb) == 1 ? kb << 10 : 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Nothing counts an instance's memory by nodes: each has what it has, as far as the instance may use as much. */
int node_meminfo_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_memory_ struct memory m = { .total = 0 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t total, unused;
	int r = topology_show(s, at, &b);

	if (!r)
		r = memory_read(s, &m);
	if (r)
		return r;
	total = least(node_bytes(buf_str(&b), "MemTotal:"), m.total);
	unused = least(least(node_bytes(buf_str(&b), "MemFree:"), m.total > m.used ? m.total - m.used : 0), total);
	buf_addf(out, "Node %u MemTotal:       %8" PRIu64 " kB\nNode %u MemFree:        %8" PRIu64 " kB\nNode %u MemUsed:        %8" PRIu64 " kB\n",
		 at->n[0], total >> 10, at->n[0], unused >> 10, at->n[0], (total - unused) >> 10);
	return 0;
}
