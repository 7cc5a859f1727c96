// SPDX-License-Identifier: LGPL-2.1-or-later
/* /proc/meminfo and /proc/swaps: the host's lines in their order and width, with the instance's numbers. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/memory.h"
#include "backends/proc/scan.h"
#include "backends/proc/show.h"

struct line {
	const char *name;
	/* Sum of these fields of memory.stat, "-" in front: less that one. NULL: that version does not count it, 0. */
	const char *v1[3], *v2[3];
	uint64_t (*compute)(struct proc_source *s, const struct memory *m);	/* instead */
	bool plain;		/* a number of things, not of kB */
};

static uint64_t stat_field(const struct memory *m, const char *name)
{
	return scan_key_or_0(buf_str(&m->stat), name);
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* ---- what is computed ---- */

static uint64_t mem_total(struct proc_source *s, const struct memory *m)
{
	return m->total;
}

static uint64_t mem_free(struct proc_source *s, const struct memory *m)
{
	return minus(m->total, m->used);
}

/* tmpfs is in the page cache but cannot be given back: only pages of files count. */
static uint64_t mem_available(struct proc_source *s, const struct memory *m)
{
	uint64_t v = mem_free(s, m);

	if (m->version == 1)
		v += stat_field(m, "total_active_file") + stat_field(m, "total_inactive_file");
	else
		v += stat_field(m, "active_file") + stat_field(m, "inactive_file") + stat_field(m, "slab_reclaimable");
	if (s->facts.init_pid && !m->counted && v > m->host_available)
		v = m->host_available;
	return v < m->total ? v : m->total;
}

static uint64_t swap_total(struct proc_source *s, const struct memory *m)
{
	return m->swap_total;
}

static uint64_t swap_free(struct proc_source *s, const struct memory *m)
{
	return m->swap_total - m->swap_used;
}

/* No more can be locked than is locked on the whole host, or cannot be evicted here. */
static uint64_t mlocked(struct proc_source *s, const struct memory *m)
{
	uint64_t here = stat_field(m, m->version == 1 ? "total_unevictable" : "unevictable"), host = memory_host(m, "Mlocked:");

	return here < host ? here : host;
}

/* The host's rule for its share of memory. */
static uint64_t commit_limit(struct proc_source *s, const struct memory *m)
{
	uint64_t host = minus(memory_host(m, "CommitLimit:"), m->host_swap) / 1024;

	if (!m->host_total)
		return 0;
	return (uint64_t)((double)host * 1024 / (double)m->host_total * (double)m->total) + m->swap_total;
}

/* Nobody counts promises of a group; what is used of them is the least that was promised. */
static uint64_t committed(struct proc_source *s, const struct memory *m)
{
	uint64_t used = m->version == 1 ? stat_field(m, "total_rss") + stat_field(m, "total_shmem") :
					  stat_field(m, "anon") + stat_field(m, "shmem");

	return used + m->swap_used;
}

/* ---- huge pages: the host's pool, as far as the group may use it ---- */

static uint64_t host_pages(const struct memory *m, const char *name)
{
	return memory_host(m, name) / 1024;
}

static struct huge read_huge(struct proc_source *s, const struct memory *m)
{
	struct huge h = {
		.total = host_pages(m, "HugePages_Total:"), .free = host_pages(m, "HugePages_Free:"),
		.reserved = host_pages(m, "HugePages_Rsvd:"), .surplus = host_pages(m, "HugePages_Surp:"),
		.size = memory_host(m, "Hugepagesize:"),
	};
	uint64_t limit, used, reserved, room;
	bool known;

	/* without the controller it may use the whole pool, of which mostly nothing is there */
	if (!h.size || !h.total || !group_number(&s->groups, GROUP_HUGE_CURRENT, &used))
		return h;
	limit = group_lowest(&s->groups, GROUP_HUGE_MAX, &known);
	if (limit / h.size < h.total)
		h.total = limit / h.size;
	room = minus(h.total, used / h.size);
	if (room < h.free)
		h.free = room;
	h.reserved = group_number(&s->groups, GROUP_HUGE_RESERVED, &reserved) ? minus(reserved, used) / h.size : 0;
	h.surplus = h.surplus < h.total ? h.surplus : h.total;
	return h;
}

static uint64_t huge_total(struct proc_source *s, const struct memory *m)
{
	return m->huge.total;
}

static uint64_t huge_free(struct proc_source *s, const struct memory *m)
{
	return m->huge.free;
}

static uint64_t huge_reserved(struct proc_source *s, const struct memory *m)
{
	return m->huge.reserved;
}

static uint64_t huge_surplus(struct proc_source *s, const struct memory *m)
{
	return m->huge.surplus;
}

/* All sizes together; only the pool of the default size can be told apart. */
static uint64_t huge_bytes(struct proc_source *s, const struct memory *m)
{
	const struct huge *h = &m->huge;

	return h->total < host_pages(m, "HugePages_Total:") ? h->total * h->size : memory_host(m, "Hugetlb:");
}

/* ---- the table: what stands here is the instance's; the other lines (Hugepagesize, VmallocTotal, DirectMap*) are the machine's ---- */

#define BOTH(FIELD) .v1 = { "total_" FIELD }, .v2 = { FIELD }

static const struct line lines[] = {
	{ "MemTotal", .compute = mem_total },
	{ "MemFree", .compute = mem_free },
	{ "MemAvailable", .compute = mem_available },
	{ "Buffers" },
	{ "Cached", .v1 = { "total_cache" }, .v2 = { "file" } },
	{ "SwapCached", BOTH("swapcached") },
	{ "Active", .v1 = { "total_active_anon", "total_active_file" }, .v2 = { "active_anon", "active_file" } },
	{ "Inactive", .v1 = { "total_inactive_anon", "total_inactive_file" }, .v2 = { "inactive_anon", "inactive_file" } },
	{ "Active(anon)", BOTH("active_anon") },
	{ "Inactive(anon)", BOTH("inactive_anon") },
	{ "Active(file)", BOTH("active_file") },
	{ "Inactive(file)", BOTH("inactive_file") },
	{ "Unevictable", BOTH("unevictable") },
	{ "Mlocked", .compute = mlocked },
	{ "SwapTotal", .compute = swap_total },
	{ "SwapFree", .compute = swap_free },
	{ "Zswap", .v2 = { "zswap" } },
	{ "Zswapped", .v2 = { "zswapped" } },
	{ "Dirty", .v1 = { "total_dirty" }, .v2 = { "file_dirty" } },
	{ "Writeback", .v1 = { "total_writeback" }, .v2 = { "file_writeback" } },
	{ "AnonPages", .v1 = { "total_rss" }, .v2 = { "anon" } },
	{ "Mapped", .v1 = { "total_mapped_file" }, .v2 = { "file_mapped" } },
	{ "Shmem", BOTH("shmem") },
	{ "KReclaimable", .v2 = { "slab_reclaimable" } },
	{ "Slab", .v2 = { "slab_reclaimable", "slab_unreclaimable" } },
	{ "SReclaimable", .v2 = { "slab_reclaimable" } },
	{ "SUnreclaim", .v2 = { "slab_unreclaimable" } },
	{ "KernelStack", .v2 = { "kernel_stack" } },
	{ "PageTables", .v2 = { "pagetables" } },
	{ "SecPageTables", .v2 = { "sec_pagetables" } },
	{ "NFS_Unstable" },
	{ "Bounce" },
	{ "WritebackTmp" },
	{ "CommitLimit", .compute = commit_limit },
	{ "Committed_AS", .compute = committed },
	{ "VmallocUsed", .v2 = { "vmalloc" } },
	{ "Percpu", .v2 = { "percpu" } },
	{ "HardwareCorrupted" },
	{ "AnonHugePages", .v1 = { "total_rss_huge" }, .v2 = { "anon_thp" } },
	{ "ShmemHugePages", .v2 = { "shmem_thp" } },
	{ "ShmemPmdMapped" },
	{ "FileHugePages", .v2 = { "file_thp" } },
	{ "FilePmdMapped" },
	{ "CmaTotal" },
	{ "CmaFree" },
	{ "Unaccepted" },
	{ "Balloon" },
	{ "HugePages_Total", .compute = huge_total, .plain = true },
	{ "HugePages_Free", .compute = huge_free, .plain = true },
	{ "HugePages_Rsvd", .compute = huge_reserved, .plain = true },
	{ "HugePages_Surp", .compute = huge_surplus, .plain = true },
	{ "Hugetlb", .compute = huge_bytes },
};

static const struct line *find_line(const char *name, size_t len)
{
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		if (!strncmp(lines[i].name, name, len) && !lines[i].name[len])
			return &lines[i];
	return NULL;
}

static uint64_t line_value(struct proc_source *s, const struct memory *m, const struct line *l)
{
	const char *const *fields = m->version == 1 ? l->v1 : l->v2;
	uint64_t v = 0;

	if (l->compute)
		return l->plain ? l->compute(s, m) : l->compute(s, m) / 1024;
	for (int i = 0; i < 3 && fields[i]; i++)
		v += stat_field(m, fields[i]);
	return v / 1024;
}

static unsigned digits(uint64_t v)
{
	unsigned n = 1;

	while (v /= 10)
		n++;
	return n;
}

/*
 * "MemTotal:       24683620 kB". Numbers of the instance cannot have more digits than the host's memory or swap has, so that the
 * length of the file stays the same while they change.
 */
static void show_line(struct proc_source *s, const struct memory *m, const char *line, int width, struct buf *out)
{
	size_t name = strcspn(line, ":\n"), len = strcspn(line, "\n");
	const struct line *l = line[name] == ':' ? find_line(line, name) : NULL;

	if (!l) {
		buf_add(out, line, len);
		buf_addch(out, '\n');
		return;
	}
	buf_addf(out, "%.*s:%*s%*" PRIu64 "%s\n", (int)name, line, name < 15 ? (int)(15 - name) : 0, "", width, line_value(s, m, l),
		 l->plain ? "" : " kB");
}

int meminfo_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_memory_ struct memory m = { .stat = BUF_INIT };
	uint64_t most;
	int r = memory_read(s, &m), width;

	if (r < 0)
		return r;
	m.huge = read_huge(s, &m);
	most = m.host_total > m.host_swap ? m.host_total : m.host_swap;
	width = (int)digits(most / 1024);
	for (const char *l = m.host.len ? buf_str(&m.host) : NULL; l; l = scan_next(l))
		show_line(s, &m, l, width > 8 ? width : 8, out);
	return 0;
}

int swaps_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_memory_ struct memory m = { .stat = BUF_INIT };
	int r = memory_read(s, &m);

	if (r < 0)
		return r;
	buf_addstr(out, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	if (m.swap_total)
		buf_addf(out, "%-40svirtual\t\t%" PRIu64 "\t%" PRIu64 "\t0\n", "none", m.swap_total / 1024, m.swap_used / 1024);
	return 0;
}
