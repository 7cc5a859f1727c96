// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/proc/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/scan.h"

#define PAGE 4096

uint64_t memory_host(const struct memory *m, const char *name)
{
	size_t n = strlen(name);

	for (const char *l = buf_str(&m->host); l; l = scan_next(l))
		if (!strncmp(l, name, n))
			return strtoull(l + n, NULL, 10) * 1024;
	return 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/* The lowest limit up to the root: v1 says it in memory.stat, which is read anyway. */
static bool read_limit(struct proc_source *s, const struct memory *m, const char *key, enum group_file f, uint64_t *ret)
{
	bool known = m->version == 1 && scan_key(buf_str(&m->stat), key, ret);

	if (!known)
		*ret = group_lowest(&s->groups, f, &known);
	return known;
}

static void read_swap_v1(struct proc_source *s, struct memory *m)
{
	uint64_t limit, both, swappiness;

	/* of memory and swap together: all of it can be swapped out, whatever the limit of memory is */
	if (!read_limit(s, m, "hierarchical_memsw_limit", GROUP_SWAP_MAX, &limit))
		return;		/* booted without accounting of swap */
	m->swap_total = least(limit, m->host_swap);
	if (!scan_key(buf_str(&m->stat), "total_swap", &m->swap_used) && group_number(&s->groups, GROUP_SWAP_CURRENT, &both))
		m->swap_used = minus(both, m->used);
	if (group_number(&s->groups, GROUP_SWAPPINESS, &swappiness) && !swappiness)
		m->swap_total = least(m->swap_used, m->swap_total);
}

static void read_swap_v2(struct proc_source *s, struct memory *m)
{
	bool known;
	uint64_t limit = group_lowest(&s->groups, GROUP_SWAP_MAX, &known);

	if (known)
		m->swap_total = least(limit, m->host_swap);
	group_number(&s->groups, GROUP_SWAP_CURRENT, &m->swap_used);
}

/* Not counted, or stopped: the size that was configured. */
static void from_facts(struct proc_source *s, struct memory *m)
{
	m->total = least(m->total, s->facts.memory);
	m->swap_total = least(s->facts.swap, m->host_swap);
	if (s->facts.init_pid)
		m->used = minus(m->total, least(m->host_free, m->total));
}

static int limit_to_outer(struct proc_source *s, struct memory *m)
{
	struct memory outer;
	int r;

	if (!s->outer)
		return 0;
	HOLD_LOCK(&s->outer->lock);
	r = memory_read(s->outer, &outer);
	if (r == 0) {
		m->total = least(m->total, outer.total);
		m->swap_total = least(m->swap_total, outer.swap_total);
	}
	memory_free(&outer);
	return r;
}

int memory_read(struct proc_source *s, struct memory *m)
{
	uint64_t limit;

	*m = (struct memory){ .host = BUF_INIT, .stat = BUF_INIT };
	if (host_read(HOST_MEMINFO, &m->host) == -ENOMEM)
		return -ENOMEM;
	m->host_total = memory_host(m, "MemTotal:");
	m->host_free = memory_host(m, "MemFree:");
	m->host_available = memory_host(m, "MemAvailable:");
	m->host_swap = memory_host(m, "SwapTotal:");
	m->counted = group_number(&s->groups, GROUP_MEMORY_CURRENT, &m->used);
	if (m->counted) {
		m->version = group_version(&s->groups, GROUP_MEMORY_CURRENT);
		group_read_nearest(&s->groups, GROUP_MEMORY_STAT, &m->stat);
	}
	read_limit(s, m, "hierarchical_memory_limit", GROUP_MEMORY_MAX, &limit);
	m->total = least(limit, m->host_total);
	if (m->counted)
		(m->version == 1 ? read_swap_v1 : read_swap_v2)(s, m);
	else
		from_facts(s, m);
	if (buf_error(&m->stat) < 0 || limit_to_outer(s, m) < 0)
		return -ENOMEM;
	/* programs divide by it, and who reads this has a page at least */
	if (!m->total)
		m->total = PAGE;
	/* swapped out before the limit was lowered, or counted a moment later */
	m->swap_used = least(m->swap_used, m->swap_total);
	return 0;
}

void memory_free(struct memory *m)
{
	buf_free(&m->stat);
	buf_free(&m->host);
}
