// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which CPUs an instance with `limits.cpu` as a number gets. One row per running instance that is bound to some CPUs, whether
 * it was placed here or pinned by its administrator; a new one goes where the fewest are. `lock` guards the rows; a leaf.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/lxc/limits.h"

struct row {
	uint32_t id;
	cpu_set_t cpus;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct row *rows;
static size_t n_rows, cap_rows;

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

static void online_cpus(cpu_set_t *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (buf_read_file(&b, AT_FDCWD, "/sys/devices/system/cpu/online", 4096) == 0 && b.len)
		parse_list(buf_str(&b), ret);
	else
		sched_getaffinity(0, sizeof(*ret), ret);
}

static struct row *find_row(uint32_t id)
{
	for (size_t i = 0; i < n_rows; i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

void cpus_set(uint32_t id, const char *list)
{
	HOLD_LOCK(&lock);
	struct row *r = find_row(id);

	if (!*list) {
		if (r)
			*r = rows[--n_rows];
		return;
	}
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
	r->id = id;
	parse_list(list, &r->cpus);
}

int cpus_pin(const char *wanted, char *list, size_t size, struct err *e)
{
	cpu_set_t online, set;

	online_cpus(&online);
	parse_list(wanted, &set);
	CPU_AND(&set, &set, &online);
	if (!CPU_COUNT(&set))
		return err_set(e, ERANGE, "none of the CPUs %.64s is online", wanted);
	if (print_list(&set, list, size) < 0)
		return err_set(e, E2BIG, "the list of CPUs %.64s is too long", wanted);
	return 0;
}

int cpus_choose(uint32_t id, unsigned count, char *list, size_t size, struct err *e)
{
	unsigned load[CPU_SETSIZE] = { 0 }, n = 0;
	cpu_set_t online, chosen;

	online_cpus(&online);
	CPU_ZERO(&chosen);
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_rows; i++)
		for (int c = 0; c < CPU_SETSIZE && rows[i].id != id; c++)
			load[c] += CPU_ISSET(c, &rows[i].cpus) ? 1 : 0;
	pthread_mutex_unlock(&lock);
	while (n < count) {
		int best = -1;

		for (int c = 0; c < CPU_SETSIZE; c++)
			if (CPU_ISSET(c, &online) && !CPU_ISSET(c, &chosen) && (best < 0 || load[c] < load[best]))
				best = c;
		if (best < 0)
			break;
		CPU_SET(best, &chosen);
		n++;
	}
	if (print_list(&chosen, list, size) < 0)
		return err_set(e, E2BIG, "the list of %u CPUs is too long", n);
	return 0;
}
