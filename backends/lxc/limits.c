// SPDX-License-Identifier: LGPL-2.1-or-later
/* Limits: see limits.h. The numbers for shares, weights and the soft limit are LXD's, so that mixed hosts divide alike. */
#include "backends/lxc/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/value.h"
#include "backends/lxc/cpus.h"

#define SHARES_V1 1024
#define WEIGHT_V2 100
#define PERIOD_US 100000
#define BLKIO_DEFAULT 500	/* of v1, and LXD's priority 5 */
#define IO_DEFAULT 100		/* of v2 */
#define INTERFACES_MAX 8

unsigned limits_of_key(const char *name)
{
	static const struct {
		const char *name;
		unsigned which;
	} map[] = {
		{ "limits.memory", LIMITS_MEMORY }, { "limits.memory.enforce", LIMITS_MEMORY }, { "limits.memory.swap", LIMITS_MEMORY },
		{ "limits.memory.swap.priority", LIMITS_MEMORY }, { "limits.cpu", LIMITS_CPUSET },
		{ "limits.cpu.allowance", LIMITS_CPU }, { "limits.cpu.priority", LIMITS_CPU }, { "limits.processes", LIMITS_PIDS },
		{ "limits.hugepages.64KB", LIMITS_HUGEPAGES }, { "limits.hugepages.1MB", LIMITS_HUGEPAGES },
		{ "limits.hugepages.2MB", LIMITS_HUGEPAGES }, { "limits.hugepages.1GB", LIMITS_HUGEPAGES },
		{ "limits.disk.priority", LIMITS_DISK }, { "limits.network.priority", LIMITS_NETWORK },
	};

	for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++)
		if (!strcmp(map[i].name, name))
			return map[i].which;
	return 0;
}

static struct limit *add(struct limits *l, enum cgroup_controller c, const char *file, const char *value)
{
	/* make_*() add fewer than that for certain; one too many must not be written elsewhere */
	struct limit *n = &l->list[l->n < LIMITS_MAX ? l->n++ : LIMITS_MAX - 1];

	*n = (struct limit) { .controller = c, .file = file };
	snprintf(n->value, sizeof(n->value), "%.*s", LIMIT_VALUE_MAX - 1, value);
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

struct memory {
	bool limited, soft, swap;
	uint64_t bytes;
	uint64_t swap_bytes;	/* UINT64_MAX: none of its own */
	unsigned swappiness;
	bool has_priority;
};

static int read_memory(const struct expanded *x, struct memory *m, struct err *e)
{
	const char *value = expanded_get(x, "limits.memory"), *enforce = expanded_get(x, "limits.memory.enforce");
	const char *swap = expanded_get(x, "limits.memory.swap"), *priority = expanded_get(x, "limits.memory.swap.priority");
	int64_t prio = 10;
	int r = 0;

	*m = (struct memory) { .limited = value, .soft = enforce && value_is(enforce, "soft"), .swap = true, .swap_bytes = UINT64_MAX,
			       .has_priority = priority };
	if (value)
		r = value_size_or_percent(value, host_memory(), &m->bytes, e);
	if (r == 0 && value && !m->bytes)
		return err_set(e, ERANGE, "limits.memory: %s is nothing at all", value);
	if (r == 0 && swap)
		r = value_swap(swap, &m->swap, &m->swap_bytes, e);
	if (r == 0 && priority)
		r = value_int(priority, 0, 10, &prio, e);
	m->swappiness = m->swap ? 70 - (unsigned)prio : 0;
	return r;
}

/* v1 counts memory and swap together, so that swap alone is limited only where memory is. */
static void memsw_v1(struct limits *l, const struct memory *m, bool reset)
{
	uint64_t both = m->bytes;

	if (m->swap_bytes != UINT64_MAX)
		both = m->bytes > INT64_MAX - m->swap_bytes ? INT64_MAX : m->bytes + m->swap_bytes;
	if (m->limited && !m->soft && m->swap)
		add_number(l, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", both)->optional = true;
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "-1")->optional = true;
}

static void memory_v1(struct limits *l, const struct memory *m, bool reset)
{
	char text[CGROUP_VALUE_MAX];

	if (m->limited && !m->soft)
		add_number(l, CGROUP_MEMORY, "memory.limit_in_bytes", m->bytes);
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.limit_in_bytes", "-1");
	memsw_v1(l, m, reset);
	if (m->limited)
		add_number(l, CGROUP_MEMORY, "memory.soft_limit_in_bytes", m->soft ? m->bytes : m->bytes / 10 * 9)->optional = true;
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.soft_limit_in_bytes", "-1")->optional = true;
	if (!m->swap || m->has_priority)
		add_number(l, CGROUP_MEMORY, "memory.swappiness", m->swappiness);
	else if (reset && cgroup_read(CGROUP_MEMORY, ".", "memory.swappiness", text) == 0)
		add(l, CGROUP_MEMORY, "memory.swappiness", text);
}

static void memory_v2(struct limits *l, const struct memory *m, bool reset)
{
	if (m->limited && !m->soft)
		add_number(l, CGROUP_MEMORY, "memory.max", m->bytes);
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.max", "max");
	if (m->limited && m->soft)
		add_number(l, CGROUP_MEMORY, "memory.high", m->bytes);
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.high", "max");
	if (m->swap_bytes != UINT64_MAX)
		add_number(l, CGROUP_MEMORY, "memory.swap.max", m->swap_bytes)->optional = true;
	else if (m->limited && !m->soft)
		add_number(l, CGROUP_MEMORY, "memory.swap.max", m->bytes)->optional = true;
	else if (reset)
		add(l, CGROUP_MEMORY, "memory.swap.max", "max")->optional = true;
}

static int make_memory(const struct expanded *x, bool reset, struct limits *l, struct err *e)
{
	struct memory m;
	int r = read_memory(x, &m, e);

	if (r < 0)
		return r;
	if (cgroup_version(CGROUP_MEMORY) == 1)
		memory_v1(l, &m, reset);
	else if (cgroup_version(CGROUP_MEMORY) == 2)
		memory_v2(l, &m, reset);
	return 0;
}

/* ---- CPU ---- */

/* For a start; in a running group cpus_apply() does it. */
static int make_cpuset(const struct expanded *x, uint32_t id, struct limits *l, struct err *e)
{
	const char *value = expanded_get(x, "limits.cpu");
	char list[LIMIT_VALUE_MAX];
	int r;

	if (!value || !cgroup_version(CGROUP_CPUSET))
		return 0;
	r = cpus_choose(id, value, list, sizeof(list), e);
	if (r == 0)
		add(l, CGROUP_CPUSET, "cpuset.cpus", list);
	return r;
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

/* ---- huge pages, disks, networks ---- */

static int make_hugepages(const struct expanded *x, bool reset, struct limits *l, struct err *e)
{
	static const struct {
		const char *key, *v1, *v2;
	} sizes[] = {
		{ "limits.hugepages.64KB", "hugetlb.64KB.limit_in_bytes", "hugetlb.64KB.max" },
		{ "limits.hugepages.1MB", "hugetlb.1MB.limit_in_bytes", "hugetlb.1MB.max" },
		{ "limits.hugepages.2MB", "hugetlb.2MB.limit_in_bytes", "hugetlb.2MB.max" },
		{ "limits.hugepages.1GB", "hugetlb.1GB.limit_in_bytes", "hugetlb.1GB.max" },
	};
	bool v1 = cgroup_version(CGROUP_HUGETLB) == 1;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		const char *value = expanded_get(x, sizes[i].key), *file = v1 ? sizes[i].v1 : sizes[i].v2;
		uint64_t bytes = 0;
		int r = value ? value_size(value, &bytes, e) : 0;

		if (r < 0)
			return r;
		if (value)
			add_number(l, CGROUP_HUGETLB, file, bytes)->optional = true;
		else if (reset)
			add(l, CGROUP_HUGETLB, file, v1 ? "-1" : "max")->optional = true;
	}
	return 0;
}

/* 1 to 1000 on v1, where 500 is what everybody has; 1 to 10000 on v2, where 100 is. */
static int make_disk(const struct expanded *x, bool reset, struct limits *l, struct err *e)
{
	const char *value = expanded_get(x, "limits.disk.priority");
	bool v1 = cgroup_version(CGROUP_IO) == 1;
	int64_t prio = 5, weight;
	int r = value ? value_int(value, 0, 10, &prio, e) : 0;

	if (r < 0 || (!value && !reset))
		return r;
	weight = prio * (v1 ? BLKIO_DEFAULT : IO_DEFAULT) / 5;
	if (!weight)
		weight = v1 ? 10 : 1;
	/* which of them there is depends on the scheduler that was built in */
	add_number(l, CGROUP_IO, v1 ? "blkio.bfq.weight" : "io.bfq.weight", (uint64_t)weight)->optional = true;
	add_number(l, CGROUP_IO, v1 ? "blkio.weight" : "io.weight", (uint64_t)weight)->optional = true;
	return 0;
}

/* Of the host's real interfaces: a virtual one is never what is saturated. */
static int make_network(const struct expanded *x, bool reset, struct limits *l, struct err *e)
{
	const char *value = expanded_get(x, "limits.network.priority");
	_cleanup_dir_ DIR *d = NULL;
	char line[NAME_MAX + 32];
	struct dirent *de;
	int64_t prio = 0;
	int r = value ? value_int(value, 0, 10, &prio, e) : 0, n = 0;

	if (r < 0 || (!value && !reset) || !cgroup_version(CGROUP_NET_PRIO))
		return r;
	d = opendir("/sys/class/net");
	while (d && n < INTERFACES_MAX && (de = readdir(d))) {
		snprintf(line, sizeof(line), "%s/device", de->d_name);
		if (*de->d_name == '.' || faccessat(dirfd(d), line, F_OK, 0) < 0)
			continue;
		snprintf(line, sizeof(line), "%s %" PRId64, de->d_name, prio);
		add(l, CGROUP_NET_PRIO, "net_prio.ifpriomap", line)->optional = true;
		n++;
	}
	return 0;
}

int limits_make(const struct expanded *x, uint32_t id, unsigned which, bool reset, struct limits *ret, struct err *e)
{
	static const struct {
		unsigned which;
		int (*make)(const struct expanded *x, bool reset, struct limits *l, struct err *e);
	} makers[] = {
		{ LIMITS_MEMORY, make_memory }, { LIMITS_CPU, make_cpu }, { LIMITS_PIDS, make_pids },
		{ LIMITS_HUGEPAGES, make_hugepages }, { LIMITS_DISK, make_disk }, { LIMITS_NETWORK, make_network },
	};
	int r = 0;

	ret->n = 0;
	for (size_t i = 0; i < sizeof(makers) / sizeof(*makers) && r == 0; i++)
		if (which & makers[i].which)
			r = makers[i].make(x, reset, ret, e);
	if (r == 0 && which & LIMITS_CPUSET)
		r = make_cpuset(x, id, ret, e);
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

/* What the file says now, in the form in which it can be written back. */
static int read_before(const struct limit *m, const char *path, char text[CGROUP_VALUE_MAX])
{
	char name[NAME_MAX + 1];
	uint64_t v;
	int r;

	if (m->controller != CGROUP_NET_PRIO) {
		r = cgroup_read(m->controller, path, m->file, text);
		if (r == 0 && !*text)
			strcpy(text, "\n");
		return r;
	}
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(m->value, " "), m->value);
	r = cgroup_read_key(m->controller, path, m->file, name, &v);
	if (r == 0)
		snprintf(text, CGROUP_VALUE_MAX, "%s %" PRIu64, name, v);
	return r;
}

/*
 * What has to change and, in reverse, what is there now: dependent files go back in the order in which they could have come.
 * What says already what it should is left out; most of a group's files do when one key changes.
 */
static void compare(const struct limits *l, const char *path, struct limits *wanted, struct limits *before)
{
	char text[CGROUP_VALUE_MAX];

	for (size_t i = l->n; i-- > 0;) {
		const struct limit *m = &l->list[i];
		int r = read_before(m, path, text);

		if (r == -ENODATA && strcmp(m->value, "max") != 0 && cgroup_version(m->controller) == 2 &&
		    cgroup_pass_on(m->controller, path) == 0)
			r = read_before(m, path, text);
		if (r == 0 && !strcmp(text, m->value))
			continue;
		if (r == 0)
			add(before, m->controller, m->file, text);
		wanted->list[wanted->n++] = *m;
	}
	for (size_t i = 0; i < wanted->n / 2; i++) {
		struct limit m = wanted->list[i];

		wanted->list[i] = wanted->list[wanted->n - 1 - i];
		wanted->list[wanted->n - 1 - i] = m;
	}
}

int limits_write(const struct limits *l, const char *path, struct err *e)
{
	struct limits wanted = { .n = 0 }, before = { .n = 0 };
	size_t failed;
	int r = make_room(l, path, e);

	if (r < 0)
		return r;
	compare(l, path, &wanted, &before);
	r = write_list(wanted.list, wanted.n, path, &failed);
	if (r < 0) {
		size_t ignored;

		explain(&wanted.list[failed], r, e);
		write_list(before.list, before.n, path, &ignored);
	}
	return r;
}
