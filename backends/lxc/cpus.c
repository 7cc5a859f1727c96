// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which CPUs instances get: see cpus.h. One row per running instance that is bound to some CPUs. `lock` guards the rows and what is
 * written into groups, so that the rows say what the kernel was told last; only files of groups are written under it.
 */
#include "backends/lxc/cpus.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/value.h"

#define LIST_MAX CGROUP_VALUE_MAX

struct row {
	uint32_t id;
	unsigned count;		/* how many it wants; 0: pinned */
	cpu_set_t cpus;		/* where it is */
	char path[160];
};

struct load {
	unsigned on[CPU_SETSIZE];	/* instances */
	cpu_set_t online;
	int end;			/* behind the last CPU that is online: most hosts have far less than a set could hold */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct row *rows;
static size_t n_rows, cap_rows;

/* ---- lists ---- */

/* "0-2,5": the kernel's form. */
static void parse_list(const char *s, cpu_set_t *ret)
{
	CPU_ZERO(ret);
	while (*s) {
		char *end;
		unsigned long from = strtoul(s, &end, 10), to = from;

		if (end == s)
			return;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (; from <= to && from < CPU_SETSIZE; from++)
			CPU_SET(from, ret);
		s = *end == ',' ? end + 1 : "";
	}
}

static int print_list(const cpu_set_t *set, char *buf, size_t size)
{
	size_t len = 0;

	buf[0] = '\0';
	for (int i = 0; i < CPU_SETSIZE; i++) {
		int to = i;

		if (!CPU_ISSET(i, set))
			continue;
		while (to + 1 < CPU_SETSIZE && CPU_ISSET(to + 1, set))
			to++;
		len += (size_t)snprintf(buf + len, size - len, to > i ? "%s%d-%d" : "%s%d", len ? "," : "", i, to);
		if (len >= size)
			return -ENOSPC;
		i = to;
	}
	return 0;
}

/* Those that groups of ours may use: the root's, since v1 refuses what is not in it. */
static void online_cpus(cpu_set_t *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *file = cgroup_version(CGROUP_CPUSET) == 2 ? "cpuset.cpus.effective" : "cpuset.effective_cpus";
	char text[CGROUP_VALUE_MAX];

	if (cgroup_read(CGROUP_CPUSET, ".", file, text) == 0 && *text)
		parse_list(text, ret);
	else if (buf_read_file(&b, AT_FDCWD, "/sys/devices/system/cpu/online", 4096) == 0 && b.len)
		parse_list(buf_str(&b), ret);
	else
		sched_getaffinity(0, sizeof(*ret), ret);
}

/* ---- rows; lock held ---- */

static struct row *find_row(uint32_t id)
{
	for (size_t i = 0; i < n_rows; i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

static void drop_row(uint32_t id)
{
	struct row *r = find_row(id);

	if (r)
		*r = rows[--n_rows];
}

static void put_row(uint32_t id, const char *path, unsigned count, const cpu_set_t *cpus)
{
	struct row *r = find_row(id);

	if (!r && n_rows == cap_rows) {
		size_t cap = cap_rows ? 2 * cap_rows : 16;
		struct row *more = realloc(rows, cap * sizeof(*rows));

		/* a choice that is not remembered makes the balance worse, nothing else */
		if (!more)
			return;
		rows = more;
		cap_rows = cap;
	}
	if (!r)
		r = &rows[n_rows++];
	*r = (struct row) { .id = id, .count = count, .cpus = *cpus };
	snprintf(r->path, sizeof(r->path), "%s", path);
}

/* Of all but one. */
static void count_load(uint32_t but, struct load *l)
{
	memset(l->on, 0, sizeof(l->on));
	online_cpus(&l->online);
	l->end = 0;
	for (int c = 0; c < CPU_SETSIZE; c++)
		l->end = CPU_ISSET(c, &l->online) ? c + 1 : l->end;
	for (size_t i = 0; i < n_rows; i++)
		for (int c = 0; c < l->end && rows[i].id != but; c++)
			l->on[c] += CPU_ISSET(c, &rows[i].cpus) ? 1 : 0;
}

/* The online CPU outside of (or, with inside, in) a set that has the fewest (the most); -1: there is none. */
static int extreme(const struct load *l, const cpu_set_t *set, bool inside)
{
	int best = -1;

	for (int c = 0; c < l->end; c++) {
		if (!CPU_ISSET(c, &l->online) || !CPU_ISSET(c, set) != !inside)
			continue;
		if (best < 0 || (inside ? l->on[c] > l->on[best] : l->on[c] < l->on[best]))
			best = c;
	}
	return best;
}

/* Makes it as many as wanted and there are, beginning with what is in the set. */
static void fill(struct load *l, unsigned count, cpu_set_t *set)
{
	int c;

	CPU_AND(set, set, &l->online);
	while ((unsigned)CPU_COUNT(set) > count && (c = extreme(l, set, true)) >= 0) {
		CPU_CLR(c, set);
		l->on[c]--;
	}
	while ((unsigned)CPU_COUNT(set) < count && (c = extreme(l, set, false)) >= 0) {
		CPU_SET(c, set);
		l->on[c]++;
	}
}

/* What the value means now. keep: where it is, which counts in l already. */
static int choose(const char *value, struct load *l, cpu_set_t *set, unsigned *count, struct err *e)
{
	char wanted[LIST_MAX];
	int r = value_cpu(value, count, wanted, sizeof(wanted), e);

	if (r < 0)
		return r;
	if (*count) {
		fill(l, *count, set);
		return 0;
	}
	parse_list(wanted, set);
	CPU_AND(set, set, &l->online);
	return CPU_COUNT(set) ? 0 : err_set(e, ERANGE, "none of the CPUs %.64s is online", wanted);
}

static int choose_list(uint32_t id, const char *value, cpu_set_t *set, unsigned *count, char *list, size_t size, struct err *e)
{
	struct row *row = find_row(id);
	struct load l;
	int r;

	CPU_ZERO(set);
	count_load(id, &l);
	if (row && row->count)
		*set = row->cpus;
	for (int c = 0; c < l.end; c++)
		l.on[c] += CPU_ISSET(c, set) ? 1 : 0;
	r = choose(value, &l, set, count, e);
	if (r == 0 && print_list(set, list, size) < 0)
		r = err_set(e, E2BIG, "the list of CPUs for %.64s is too long", value);
	return r;
}

int cpus_choose(uint32_t id, const char *value, char *list, size_t size, struct err *e)
{
	unsigned count;
	cpu_set_t set;

	HOLD_LOCK(&lock);
	return choose_list(id, value, &set, &count, list, size, e);
}

void cpus_note(uint32_t id, const char *path, const char *value, const char *list)
{
	char wanted[LIST_MAX];
	unsigned count = 0;
	cpu_set_t set;

	parse_list(list, &set);
	HOLD_LOCK(&lock);
	if (!value || value_cpu(value, &count, wanted, sizeof(wanted), NULL) < 0)
		drop_row(id);
	else
		put_row(id, path, count, &set);
}

/* ---- moving ---- */

static int write_cpus(const char *path, const cpu_set_t *set)
{
	char list[LIST_MAX];
	int r = print_list(set, list, sizeof(list));

	return r < 0 ? r : cgroup_write(CGROUP_CPUSET, path, "cpuset.cpus", list);
}

/* One move that makes it more even; false: there is none. */
static bool move_one(struct load *l, cpu_set_t *sets)
{
	for (size_t i = 0; i < n_rows; i++) {
		int from, to;

		if (!rows[i].count)
			continue;
		from = extreme(l, &sets[i], true);
		to = extreme(l, &sets[i], false);
		if (from < 0 || to < 0 || l->on[from] < l->on[to] + 2)
			continue;
		CPU_CLR(from, &sets[i]);
		CPU_SET(to, &sets[i]);
		l->on[from]--;
		l->on[to]++;
		return true;
	}
	return false;
}

/* lock held */
static void balance(void)
{
	_cleanup_free_ cpu_set_t *sets = calloc(n_rows ? n_rows : 1, sizeof(*sets));
	struct load l;

	if (!sets)
		return;
	count_load(0, &l);
	for (size_t i = 0; i < n_rows; i++) {
		sets[i] = rows[i].cpus;
		if (rows[i].count)
			fill(&l, rows[i].count, &sets[i]);
	}
	while (move_one(&l, sets))
		;
	for (size_t i = 0; i < n_rows; i++) {
		/* one that ends just now, or whose own groups need a CPU, stays where it is */
		if (!CPU_EQUAL(&sets[i], &rows[i].cpus) && write_cpus(rows[i].path, &sets[i]) == 0)
			rows[i].cpus = sets[i];
	}
}

void cpus_balance(void)
{
	HOLD_LOCK(&lock);
	balance();
}

void cpus_forget(uint32_t id)
{
	HOLD_LOCK(&lock);
	if (!find_row(id))
		return;
	drop_row(id);
	balance();
}

/* All that there are, by name: v1 takes no empty list at all, v2 none for a group with processes (Linux 6.1: ENOSPC). */
static int release(char list[CGROUP_VALUE_MAX])
{
	return cgroup_read(CGROUP_CPUSET, ".", cgroup_version(CGROUP_CPUSET) == 2 ? "cpuset.cpus.effective" : "cpuset.cpus", list);
}

int cpus_apply(uint32_t id, const char *path, const char *value, struct err *e)
{
	char list[CGROUP_VALUE_MAX];
	unsigned count = 0;
	cpu_set_t set;
	int r;

	if (!cgroup_version(CGROUP_CPUSET))
		return 0;
	HOLD_LOCK(&lock);
	r = value ? choose_list(id, value, &set, &count, list, sizeof(list), e) : release(list);
	if (r < 0)
		return r;
	r = cgroup_write(CGROUP_CPUSET, path, "cpuset.cpus", list);
	if (r == -ENODATA && cgroup_pass_on(CGROUP_CPUSET, path) == 0)
		r = cgroup_write(CGROUP_CPUSET, path, "cpuset.cpus", list);
	if (r == -EBUSY)
		return err_set(e, EBUSY, "limits.cpu: groups that the instance made need CPUs outside of %s", list);
	if (r < 0)
		return err_sys(e, -r, "limits.cpu: the kernel refuses the CPUs %s", list);
	if (value)
		put_row(id, path, count, &set);
	else
		drop_row(id);
	balance();
	return 0;
}
