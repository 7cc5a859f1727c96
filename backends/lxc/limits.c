// SPDX-License-Identifier: LGPL-2.1-or-later
/* Limits: see limits.h. The numbers for shares, weights and the soft limit are LXD's, so that mixed hosts divide alike. */
#include "backends/lxc/limits.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>

#include "backends/core/value.h"

#define SHARES_V1 1024
#define WEIGHT_V2 100
#define PERIOD_US 100000

unsigned limits_of_key(const char *name)
{
	static const struct {
		const char *name;
		unsigned which;
	} map[] = {
		{ "limits.memory", LIMITS_MEMORY }, { "limits.memory.enforce", LIMITS_MEMORY }, { "limits.memory.swap", LIMITS_MEMORY },
		{ "limits.cpu", LIMITS_CPUSET }, { "limits.cpu.allowance", LIMITS_CPU }, { "limits.cpu.priority", LIMITS_CPU },
		{ "limits.processes", LIMITS_PIDS },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++)
		if (!strcmp(map[i].name, name))
			return map[i].which;
	return 0;
}

static struct limit *add(struct limits *l, enum cgroup_controller c, const char *file, const char *value)
{
	struct limit *n = &l->list[l->n++];

	n->controller = c;
	n->file = file;
	n->optional = false;
	snprintf(n->value, sizeof(n->value), "%s", value);
	return n;
}

static struct limit *add_number(struct limits *l, enum cgroup_controller c, const char *file, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	return add(l, c, file, text);
}

/* ---- memory ---- */

static uint64_t host_memory(void)
{
	struct sysinfo si;

	return sysinfo(&si) == 0 ? (uint64_t)si.totalram * si.mem_unit : 0;
}

static void memory_v1(struct limits *l, bool limited, uint64_t bytes, bool soft, bool swap, bool reset)
{
	char text[CGROUP_VALUE_MAX];

	if (limited && !soft)
		add_number(l, CGROUP_MEMORY, "memory.limit_in_bytes", bytes);
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.limit_in_bytes", "-1");
	if (limited && !soft && swap)
		add_number(l, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", bytes)->optional = true;
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "-1")->optional = true;
	if (limited)
		add_number(l, CGROUP_MEMORY, "memory.soft_limit_in_bytes", soft ? bytes : bytes / 10 * 9)->optional = true;
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.soft_limit_in_bytes", "-1")->optional = true;
	if (!swap)
		add(l, CGROUP_MEMORY, "memory.swappiness", "0");
	else if (reset && cgroup_read(CGROUP_MEMORY, ".", "memory.swappiness", text) == 0)
		add(l, CGROUP_MEMORY, "memory.swappiness", text);
}

static void memory_v2(struct limits *l, bool limited, uint64_t bytes, bool soft, bool swap, bool reset)
{
	if (limited && !soft)
		add_number(l, CGROUP_MEMORY, "memory.max", bytes);
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.max", "max");
	if (limited && soft)
		add_number(l, CGROUP_MEMORY, "memory.high", bytes);
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.high", "max");
	if (!swap)
		add(l, CGROUP_MEMORY, "memory.swap.max", "0")->optional = true;
	else if (limited && !soft)
		add_number(l, CGROUP_MEMORY, "memory.swap.max", bytes)->optional = true;
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.swap.max", "max")->optional = true;
}

static int make_memory(const struct expanded *x, bool reset, struct limits *l, struct err *e)
{
	const char *value = expanded_get(x, "limits.memory"), *enforce = expanded_get(x, "limits.memory.enforce");
	bool swap = expanded_bool(x, "limits.memory.swap", true), soft = enforce && !strcmp(enforce, "soft");
	uint64_t bytes = 0;
	int r;

	if (value) {
		r = value_size_or_percent(value, host_memory(), &bytes, e);
		if (r < 0)
			return r;
		if (bytes == 0)
			return err_set(e, ERANGE, "limits.memory: %s is nothing at all", value);
	}
	if (cgroup_version(CGROUP_MEMORY) == 1)
		memory_v1(l, value != NULL, bytes, soft, swap, reset);
	else if (cgroup_version(CGROUP_MEMORY) == 2)
		memory_v2(l, value != NULL, bytes, soft, swap, reset);
	return 0;
}

/* ---- CPU ---- */

/* All that there are: v1 wants them named, v2 takes an empty line. */
static void reset_cpuset(struct limits *l)
{
	char text[CGROUP_VALUE_MAX] = "";

	if (cgroup_version(CGROUP_CPUSET) == 2)
		add(l, CGROUP_CPUSET, "cpuset.cpus", "\n");
	else if (cgroup_read(CGROUP_CPUSET, ".", "cpuset.cpus", text) == 0)
		add(l, CGROUP_CPUSET, "cpuset.cpus", text);
}

static int make_cpuset(const struct expanded *x, uint32_t id, bool reset, struct limits *l, struct err *e)
{
	const char *value = expanded_get(x, "limits.cpu");
	char wanted[LIMIT_VALUE_MAX], list[LIMIT_VALUE_MAX];
	unsigned count;
	int r;

	if (!cgroup_version(CGROUP_CPUSET))
		return 0;
	if (!value) {
		if (reset)
			reset_cpuset(l);
		return 0;
	}
	r = value_cpu(value, &count, wanted, sizeof(wanted), e);
	if (r == 0)
		r = count ? cpus_choose(id, count, list, sizeof(list), e) : cpus_pin(wanted, list, sizeof(list), e);
	if (r < 0)
		return r;
	add(l, CGROUP_CPUSET, "cpuset.cpus", list);
	return 0;
}

static void cpu_v1(struct limits *l, int64_t shares, uint64_t quota, uint64_t period, bool reset)
{
	if (shares != SHARES_V1 || reset)
		add_number(l, CGROUP_CPU, "cpu.shares", shares < 2 ? 2 : (uint64_t)shares);
	if (quota) {
		add_number(l, CGROUP_CPU, "cpu.cfs_period_us", period);
		add_number(l, CGROUP_CPU, "cpu.cfs_quota_us", quota);
	} else if (reset) {
		add(l, CGROUP_CPU, "cpu.cfs_quota_us", "-1");
	}
}

static void cpu_v2(struct limits *l, int64_t weight, uint64_t quota, uint64_t period, bool reset)
{
	char text[64];

	if (weight != WEIGHT_V2 || reset)
		add_number(l, CGROUP_CPU, "cpu.weight", weight < 1 ? 1 : weight > 10000 ? 10000 : (uint64_t)weight);
	if (!quota && !reset)
		return;
	if (quota)
		snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64, quota, period);
	else
		snprintf(text, sizeof(text), "max %d", PERIOD_US);
	add(l, CGROUP_CPU, "cpu.max", text);
}

static int make_cpu(const struct expanded *x, bool reset, struct limits *l, struct err *e)
{
	const char *value = expanded_get(x, "limits.cpu.allowance"), *priority = expanded_get(x, "limits.cpu.priority");
	uint64_t percent = 10000, quota = 0, period = 0;
	int64_t prio = 10, full, share;
	int r = 0;

	if (value)
		r = value_allowance(value, &percent, &quota, &period, e);
	if (r == 0 && priority)
		r = value_int(priority, 0, 10, &prio, e);
	if (r < 0)
		return r;
	if (quota)
		percent = 10000;
	full = cgroup_version(CGROUP_CPU) == 2 ? WEIGHT_V2 : SHARES_V1;
	share = full * (int64_t)percent / 10000 - (10 - prio);
	if (cgroup_version(CGROUP_CPU) == 1)
		cpu_v1(l, share, quota, period, reset);
	else if (cgroup_version(CGROUP_CPU) == 2)
		cpu_v2(l, share, quota, period, reset);
	return 0;
}

static int make_pids(const struct expanded *x, bool reset, struct limits *l, struct err *e)
{
	const char *value = expanded_get(x, "limits.processes");
	int64_t n;
	int r;

	if (!cgroup_version(CGROUP_PIDS))
		return 0;
	if (!value) {
		if (reset)
			add(l, CGROUP_PIDS, "pids.max", "max");
		return 0;
	}
	r = value_int(value, 1, 4194304, &n, e);
	if (r == 0)
		add_number(l, CGROUP_PIDS, "pids.max", (uint64_t)n);
	return r;
}

int limits_make(const struct expanded *x, uint32_t id, unsigned which, bool reset, struct limits *ret, struct err *e)
{
	int r = 0;

	ret->n = 0;
	if (which & LIMITS_MEMORY)
		r = make_memory(x, reset, ret, e);
	if (r == 0 && which & LIMITS_CPUSET)
		r = make_cpuset(x, id, reset, ret, e);
	if (r == 0 && which & LIMITS_CPU)
		r = make_cpu(x, reset, ret, e);
	if (r == 0 && which & LIMITS_PIDS)
		r = make_pids(x, reset, ret, e);
	return r;
}

void limits_print(const struct limits *l, struct buf *out)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct limit *m = &l->list[i];

		/* liblxc fails when a file is missing; these are written once the group is there */
		if (!m->optional)
			buf_addf(out, "lxc.cgroup%s.%s = %s\n", cgroup_version(m->controller) == 2 ? "2" : "", m->file, m->value);
	}
}

/* ---- into the kernel ---- */

/*
 * Some pairs have to be written in an order that depends on what is there (memory and memory+swap, period and quota): what the
 * kernel refuses is tried once more after the others. Returns the index of the one that failed for good in *failed.
 */
static int write_list(const struct limit *list, size_t n, const char *path, size_t *failed)
{
	bool refused[LIMITS_MAX] = { false };
	int r;

	for (size_t i = 0; i < n; i++) {
		r = cgroup_write(list[i].controller, path, list[i].file, list[i].value);
		refused[i] = r < 0 && !(r == -ENODATA && list[i].optional);
	}
	for (size_t i = 0; i < n; i++) {
		r = refused[i] ? cgroup_write(list[i].controller, path, list[i].file, list[i].value) : 0;
		if (r < 0) {
			*failed = i;
			return r;
		}
	}
	return 0;
}

/* v2 would kill processes to get below a new maximum; v1 refuses with EBUSY. Let the kernel reclaim, then refuse alike. */
static int make_room(const struct limits *l, const char *path, struct err *e)
{
	for (size_t i = 0; i < l->n; i++) {
		const struct limit *m = &l->list[i];
		uint64_t now, max = strtoull(m->value, NULL, 10);
		char text[32];

		if (strcmp(m->file, "memory.max") != 0 || !strcmp(m->value, "max"))
			continue;
		if (cgroup_read_u64(CGROUP_MEMORY, path, "memory.current", &now) < 0 || now <= max)
			continue;
		snprintf(text, sizeof(text), "%" PRIu64, now - max);
		(void)cgroup_write(CGROUP_MEMORY, path, "memory.reclaim", text);
		if (cgroup_read_u64(CGROUP_MEMORY, path, "memory.current", &now) == 0 && now > max)
			return err_set(e, EBUSY, "limits.memory: the instance uses %" PRIu64 " bytes now, more than %" PRIu64, now, max);
	}
	return 0;
}

static int explain(const struct limit *m, int r, struct err *e)
{
	if (r == -EBUSY && m->controller == CGROUP_MEMORY)
		return err_set(e, EBUSY, "%s: the instance uses more than %s bytes now", m->file, m->value);
	if (r == -EBUSY)
		return err_set(e, EBUSY, "%s: groups of the instance's own need what would be taken away (wanted: %s)", m->file,
			       m->value);
	return err_sys(e, -r, "%s: the kernel refuses %s", m->file, m->value);
}

int limits_write(const struct limits *l, const char *path, struct err *e)
{
	struct limits before = { .n = 0 };
	char text[CGROUP_VALUE_MAX];
	size_t failed;
	int r = make_room(l, path, e);

	if (r < 0)
		return r;
	/* In reverse: dependent files go back in the order in which they could have come. */
	for (size_t i = l->n; i-- > 0;)
		if (cgroup_read(l->list[i].controller, path, l->list[i].file, text) == 0)
			add(&before, l->list[i].controller, l->list[i].file, *text ? text : "\n");
	r = write_list(l->list, l->n, path, &failed);
	if (r < 0) {
		size_t ignored;

		explain(&l->list[failed], r, e);
		write_list(before.list, before.n, path, &ignored);
	}
	return r;
}
