// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/proc/group.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/scan.h"

#define ABSENT (-2)

struct group_input {
	int fd;			/* -1: not opened yet. ABSENT: the root of a v2 hierarchy lacks most files, and never gets them */
};

#define UNIFIED CGROUP_MAX	/* the v2 hierarchy whatever its controllers are */
#define UNKNOWN (UINT64_MAX - 1)

/* NULL: that version has none. %s: the size of a huge page, "2MB". */
static const struct {
	enum cgroup_controller controller;
	const char *v1, *v2;
	bool many;			/* records: a short read is not the end */
} files[GROUP_FILE_MAX] = {
	[GROUP_MEMORY_CURRENT] = { CGROUP_MEMORY, "memory.usage_in_bytes", "memory.current" },
	[GROUP_MEMORY_STAT] = { CGROUP_MEMORY, "memory.stat", "memory.stat" },
	[GROUP_MEMORY_MAX] = { CGROUP_MEMORY, "memory.limit_in_bytes", "memory.max" },
	[GROUP_SWAP_CURRENT] = { CGROUP_MEMORY, "memory.memsw.usage_in_bytes", "memory.swap.current" },
	[GROUP_SWAP_MAX] = { CGROUP_MEMORY, "memory.memsw.limit_in_bytes", "memory.swap.max" },
	[GROUP_SWAPPINESS] = { CGROUP_MEMORY, "memory.swappiness", NULL },
	[GROUP_CPUSET_EFFECTIVE] = { CGROUP_CPUSET, "cpuset.effective_cpus", "cpuset.cpus.effective" },
	[GROUP_CPUSET] = { CGROUP_CPUSET, "cpuset.cpus", "cpuset.cpus" },
	[GROUP_CPU_MAX] = { CGROUP_CPU, "cpu.cfs_quota_us", "cpu.max" },
	[GROUP_CPU_PERIOD] = { CGROUP_CPU, "cpu.cfs_period_us", NULL },
	[GROUP_CPU_STAT] = { CGROUP_CPUACCT, NULL, "cpu.stat" },
	[GROUP_CPU_PER_CPU] = { CGROUP_CPUACCT, "cpuacct.usage_all", NULL },
	[GROUP_IO_STAT] = { CGROUP_IO, "blkio.throttle.io_service_bytes_recursive", "io.stat", true },
	[GROUP_IO_OPS] = { CGROUP_IO, "blkio.throttle.io_serviced_recursive", NULL, true },
	[GROUP_PIDS_CURRENT] = { CGROUP_PIDS, "pids.current", "pids.current" },
	[GROUP_SLABINFO] = { CGROUP_MEMORY, "memory.kmem.slabinfo", NULL, true },
	[GROUP_HUGE_CURRENT] = { CGROUP_HUGETLB, "hugetlb.%s.usage_in_bytes", "hugetlb.%s.current" },
	[GROUP_HUGE_MAX] = { CGROUP_HUGETLB, "hugetlb.%s.limit_in_bytes", "hugetlb.%s.max" },
	[GROUP_HUGE_RESERVED] = { CGROUP_HUGETLB, "hugetlb.%s.rsvd.usage_in_bytes", "hugetlb.%s.rsvd.current" },
	[GROUP_PRESSURE_CPU] = { UNIFIED, NULL, "cpu.pressure" },
	[GROUP_PRESSURE_IO] = { UNIFIED, NULL, "io.pressure" },
	[GROUP_PRESSURE_MEMORY] = { UNIFIED, NULL, "memory.pressure" },
};

/* ---- where ---- */

static int set_path(char **to, const char *path, size_t len)
{
	char *s = strndup(path, len);

	if (!s)
		return -ENOMEM;
	free(*to);
	*to = s;
	return 0;
}

int groups_set(struct groups *g, const char *path)
{
	int r = 0;

	groups_free(g);
	if (!*path)
		return 0;
	path += strspn(path, "/");
	for (int c = 0; c < CGROUP_MAX && r == 0; c++)
		r = set_path(&g->paths[c], path, strlen(path));
	return r < 0 ? r : set_path(&g->unified, path, strlen(path));
}

static bool lists(const char *controllers, size_t len, const char *name)
{
	const char *p = memmem(controllers, len, name, strlen(name)), *end = controllers + len;

	return p && (p == controllers || p[-1] == ',') && (p + strlen(name) == end || p[strlen(name)] == ',');
}

/* Where init stands is a group of its own when systemd runs; the instance is what is around that. */
static size_t cut_scope(const char *path, size_t len)
{
	static const char scope[] = "/init.scope";
	size_t n = sizeof(scope) - 1;

	return len >= n && !memcmp(path + len - n, scope, n) ? len - n : len;
}

/* A line "ID:CONTROLLERS:/PATH"; v2's are "0::/PATH", which is also the place of every controller that is not in v1. */
static int parse_line(struct groups *g, const char *line)
{
	const char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
	size_t len, n_list;
	int r = 0;

	if (!path || path[1] != '/')
		return 0;
	list++;
	n_list = (size_t)(path - list);
	path += 2;
	len = cut_scope(path, strcspn(path, "\n"));
	if (n_list == 0)
		r = set_path(&g->unified, path, len);
	for (int c = 0; c < CGROUP_MAX && r == 0; c++) {
		const char *name = c == CGROUP_IO ? "blkio" : cgroup_name((enum cgroup_controller)c);

		if (n_list ? lists(list, n_list, name) : cgroup_version((enum cgroup_controller)c) == 2)
			r = set_path(&g->paths[c], path, len);
	}
	return r;
}

int groups_parse(struct groups *g, const char *text)
{
	int r = 0;

	groups_free(g);
	for (const char *l = text; l && r == 0; l = scan_next(l))
		r = parse_line(g, l);
	return r;
}

/* ---- reading ---- */

static const char *path_of(const struct groups *g, enum group_file f)
{
	return files[f].controller == UNIFIED ? g->unified : g->paths[files[f].controller];
}

int group_version(const struct groups *g, enum group_file f)
{
	if (!path_of(g, f))
		return 0;
	return files[f].controller == UNIFIED ? 2 : cgroup_version(files[f].controller);
}

unsigned group_levels(const struct groups *g, enum group_file f)
{
	const char *p = path_of(g, f);
	unsigned n = p && *p ? 2 : 1;

	for (; p && *p; p++)
		n += *p == '/';
	return path_of(g, f) ? n : 0;
}

/* "2MB": how the controller calls the size of what /proc/meminfo counts. */
static const char *huge_size(char *buf, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *line;
	unsigned long kb = 2048;

	host_read(HOST_MEMINFO, &b);
	line = strstr(buf_str(&b), "\nHugepagesize:");
	if (line)
		kb = strtoul(line + strlen("\nHugepagesize:"), NULL, 10);
	if (kb >= 1 << 20)
		snprintf(buf, size, "%luGB", kb >> 20);
	else if (kb >= 1 << 10)
		snprintf(buf, size, "%luMB", kb >> 10);
	else
		snprintf(buf, size, "%luKB", kb);
	return buf;
}

static const char *file_name(const struct groups *g, enum group_file f, char *buf, size_t size)
{
	const char *name = group_version(g, f) == 1 ? files[f].v1 : files[f].v2, *mark = name ? strstr(name, "%s") : NULL;
	char huge[32];

	if (!mark)
		return name;
	snprintf(buf, size, "%.*s%s%s", (int)(mark - name), name, huge_size(huge, sizeof(huge)), mark + 2);
	return buf;
}

int group_open(struct groups *g, enum group_file f, unsigned level, int flags)
{
	char name_buf[64];
	const char *name = group_version(g, f) ? file_name(g, f, name_buf, sizeof(name_buf)) : NULL;
	_cleanup_free_ char *path = NULL;

	if (!name || level >= group_levels(g, f))
		return -ENODATA;
	path = strdup(path_of(g, f));
	if (!path)
		return -ENOMEM;
	for (; level; level--) {
		char *slash = strrchr(path, '/');

		*(slash ? slash : path) = '\0';
	}
	return files[f].controller == UNIFIED ? cgroup_open_unified(path, name, flags) : cgroup_open(files[f].controller, path, name, flags);
}

static struct group_input *input_of(struct groups *g, enum group_file f, unsigned level)
{
	unsigned n = group_levels(g, f);

	if (!g->inputs[f]) {
		g->inputs[f] = malloc(n * sizeof(struct group_input));
		for (unsigned i = 0; g->inputs[f] && i < n; i++)
			g->inputs[f][i].fd = -1;
	}
	return g->inputs[f] ? &g->inputs[f][level] : NULL;
}

int group_read(struct groups *g, enum group_file f, unsigned level, struct buf *out)
{
	struct group_input *in;
	size_t had = out->len;
	int r = -ENODATA;

	if (!group_version(g, f) || level >= group_levels(g, f))
		return -ENODATA;
	in = input_of(g, f, level);
	if (!in)
		return -ENOMEM;
	for (int i = 0; i < 2; i++) {
		if (in->fd == ABSENT)
			return -ENODATA;
		if (in->fd < 0)
			in->fd = group_open(g, f, level, O_RDONLY);
		if (in->fd < 0) {
			r = in->fd;
			in->fd = r == -ENODATA && level && level + 1 == group_levels(g, f) ? ABSENT : -1;
			return r;
		}
		r = host_pread(in->fd, files[f].many, out);
		if (r == 0)
			return 0;
		buf_resize(out, had);
		close(in->fd);
		in->fd = -1;
		if (r != -ENODEV)
			break;
	}
	return r == -ENODEV ? -ENODATA : r;
}

/* Whether the group itself is there. What is above one that has just been removed says nothing of it. */
static bool is_there(struct groups *g, enum group_file f)
{
	const char *path = path_of(g, f);
	_cleanup_close_ int fd = files[f].controller == UNIFIED ? cgroup_open_unified(path, "cgroup.procs", O_PATH) :
								  cgroup_open(files[f].controller, path, "cgroup.procs", O_PATH);

	return fd >= 0;
}

int group_read_nearest(struct groups *g, enum group_file f, struct buf *out)
{
	unsigned n = group_version(g, f) == 2 ? group_levels(g, f) : 1;
	int r = group_read(g, f, 0, out);

	if (r != -ENODATA || n < 2 || !is_there(g, f))
		return r;
	for (unsigned level = 1; level < n && r == -ENODATA; level++)
		r = group_read(g, f, level, out);
	return r;
}

uint64_t group_lowest(struct groups *g, enum group_file f, bool *known)
{
	uint64_t lowest = PROC_NO_LIMIT;
	unsigned n = group_levels(g, f);

	*known = false;
	for (unsigned level = 0; level < n; level++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		uint64_t v;

		if (group_read(g, f, level, &b) < 0)
			continue;
		v = scan_limit(buf_str(&b), UNKNOWN);
		if (v == UNKNOWN)
			continue;
		*known = true;
		if (v < lowest)
			lowest = v;
	}
	return lowest;
}

bool group_number(struct groups *g, enum group_file f, uint64_t *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t v = UNKNOWN;

	if (group_read_nearest(g, f, &b) == 0)
		v = scan_limit(buf_str(&b), UNKNOWN);
	if (v == UNKNOWN)
		return false;
	*ret = v;
	return true;
}

/* ---- end ---- */

void groups_close(struct groups *g)
{
	for (int f = 0; f < GROUP_FILE_MAX; f++) {
		unsigned n = g->inputs[f] ? group_levels(g, (enum group_file)f) : 0;

		for (unsigned i = 0; i < n; i++)
			cleanup_close(&g->inputs[f][i].fd);
		free(g->inputs[f]);
		g->inputs[f] = NULL;
	}
}

void groups_free(struct groups *g)
{
	groups_close(g);
	for (int c = 0; c < CGROUP_MAX; c++)
		free(g->paths[c]);
	free(g->unified);
	memset(g, 0, sizeof(*g));
}
