// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of files, and finding in it. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/core/cleanup.h"
#include "backends/proc/loadavg.h"
#include "backends/proc/host.h"
#include "backends/proc/show.h"

#define CPU_DIR "sys/devices/system/cpu"
#define NODE_DIR "sys/devices/system/node"
#define CACHES_MAX 16
#define NODES_MAX 1024

#define CPU_FILE(id, name, show, doc) { id, CPU_DIR "/cpu*/" name, S_IFREG | 0444, PROC_PER_CPU | PROC_DEEP, show, doc }
#define CACHE_FILE(id, name, show, doc) CPU_FILE(id, "cache/index*/" name, show, doc)
#define CPU_SUBDIR(id, name, doc) { id, CPU_DIR "/cpu*/" name, S_IFDIR | 0555, PROC_PER_CPU | PROC_DEEP, NULL, doc }
#define NODE_FILE(id, name, show, doc) { id, NODE_DIR "/" name, S_IFREG | 0444, PROC_DEEP | PROC_CONFIGURED, show, doc }

static const struct proc_row rows[] = {
	{ 1, "proc", S_IFDIR | 0555, .doc = "files of /proc as the instance sees them" },
	{ 2, "proc/cpuinfo", S_IFREG | 0444, PROC_CONFIGURED, cpuinfo_show, "its CPUs, numbered from 0", machine_cpuinfo },
	{ 3, "proc/diskstats", S_IFREG | 0444, PROC_VARIES, diskstats_show,
	  "requests and sectors of its own for each device; times are 0", machine_diskstats },
	{ 4, "proc/loadavg", S_IFREG | 0444, 0, loadavg_show, "mean number of active threads since it was started, all groups counted" },
	{ 5, "proc/meminfo", S_IFREG | 0444, 0, meminfo_show, "its memory and swap; the lowest limit from its group up to the root counts",
	  machine_meminfo },
	{ 6, "proc/slabinfo", S_IFREG | 0444, 0, slabinfo_show, "its kernel caches on kernels that count them, else the head only" },
	{ 7, "proc/stat", S_IFREG | 0444, PROC_VARIES, stat_show, "its CPU time, threads that run or wait; what is not counted for it is 0",
	  machine_stat },
	{ 8, "proc/swaps", S_IFREG | 0444, PROC_VARIES, swaps_show, "one line with the swap that it may use, none without", machine_swaps },
	{ 9, "proc/uptime", S_IFREG | 0444, 0, uptime_show, "seconds since it was started, and idle seconds of its CPUs", machine_uptime },
	{ 10, "proc/pressure", S_IFDIR | 0555, .doc = "pressure stall information" },
	{ 11, "proc/pressure/cpu", S_IFREG | 0444, PROC_VARIES | PROC_TRIGGER, pressure_show_cpu, "time in which its threads waited for a CPU" },
	{ 12, "proc/pressure/io", S_IFREG | 0444, PROC_VARIES | PROC_TRIGGER, pressure_show_io, "time in which its threads waited for disks" },
	{ 13, "proc/pressure/memory", S_IFREG | 0444, PROC_VARIES | PROC_TRIGGER, pressure_show_memory,
	  "time in which its threads waited for memory" },
	{ 20, "sys", S_IFDIR | 0555, .doc = "files of /sys as the instance sees them" },
	{ 21, "sys/devices", S_IFDIR | 0555, .doc = "as in /sys" },
	{ 22, "sys/devices/system", S_IFDIR | 0555, .doc = "as in /sys" },
	{ 23, CPU_DIR, S_IFDIR | 0555, .doc = "its CPUs" },
	{ 24, CPU_DIR "/kernel_max", S_IFREG | 0444, PROC_CONFIGURED, kernel_max_show, "highest number that the kernel was built for" },
	{ 25, CPU_DIR "/offline", S_IFREG | 0444, PROC_CONFIGURED, offline_show, "none" },
	{ 26, CPU_DIR "/online", S_IFREG | 0444, PROC_CONFIGURED, online_show, "its CPUs, numbered as in proc/cpuinfo and proc/stat" },
	{ 27, CPU_DIR "/possible", S_IFREG | 0444, PROC_CONFIGURED, online_show, "as online" },
	{ 28, CPU_DIR "/present", S_IFREG | 0444, PROC_CONFIGURED, online_show, "as online" },
	{ 29, CPU_DIR "/cpu*", S_IFDIR | 0555, PROC_PER_CPU | PROC_CONFIGURED, .doc = "one of its CPUs" },
	CPU_FILE(16, "online", topology_show, "1, where the host has it"),
	CPU_SUBDIR(30, "topology", "where it is, among the instance's CPUs"),
	CPU_FILE(31, "topology/physical_package_id", topology_show, "as on the host, and so are the ids below"),
	CPU_FILE(32, "topology/die_id", topology_show, "the die within the package"),
	CPU_FILE(33, "topology/cluster_id", topology_show, "the cluster within the die"),
	CPU_FILE(34, "topology/core_id", topology_show, "the core; as in proc/cpuinfo"),
	CPU_FILE(36, "topology/thread_siblings", topology_show_mask, "those on the same core, as a mask"),
	CPU_FILE(37, "topology/thread_siblings_list", topology_show_list, "those on the same core"),
	CPU_FILE(38, "topology/core_cpus", topology_show_mask, "those on the same core, as a mask"),
	CPU_FILE(39, "topology/core_cpus_list", topology_show_list, "those on the same core"),
	CPU_FILE(40, "topology/core_siblings", topology_show_mask, "those in the same package, as a mask"),
	CPU_FILE(41, "topology/core_siblings_list", topology_show_list, "those in the same package"),
	CPU_FILE(42, "topology/package_cpus", topology_show_mask, "those in the same package, as a mask"),
	CPU_FILE(43, "topology/package_cpus_list", topology_show_list, "those in the same package"),
	CPU_FILE(44, "topology/die_cpus", topology_show_mask, "those on the same die, as a mask"),
	CPU_FILE(45, "topology/die_cpus_list", topology_show_list, "those on the same die"),
	CPU_FILE(46, "topology/cluster_cpus", topology_show_mask, "those in the same cluster, as a mask"),
	CPU_FILE(47, "topology/cluster_cpus_list", topology_show_list, "those in the same cluster"),
	CPU_SUBDIR(48, "cache", "its caches"),
	CPU_SUBDIR(49, "cache/index*", "one of its caches"),
	CACHE_FILE(50, "id", topology_show, "as on the host"),
	CACHE_FILE(51, "level", topology_show, "1: next to the CPU"),
	CACHE_FILE(52, "type", topology_show, "Data, Instruction or Unified"),
	CACHE_FILE(53, "size", topology_show, "kilobytes with a K"),
	CACHE_FILE(54, "coherency_line_size", topology_show, "bytes"),
	CACHE_FILE(55, "number_of_sets", topology_show, "sets"),
	CACHE_FILE(56, "physical_line_partition", topology_show, "lines for each tag"),
	CACHE_FILE(57, "ways_of_associativity", topology_show, "ways"),
	CACHE_FILE(58, "allocation_policy", topology_show, "as on the host"),
	CACHE_FILE(59, "write_policy", topology_show, "as on the host"),
	CACHE_FILE(60, "shared_cpu_map", topology_show_mask, "the instance's CPUs that use it, as a mask"),
	CACHE_FILE(61, "shared_cpu_list", topology_show_list, "the instance's CPUs that use it"),
	{ 17, NODE_DIR, S_IFDIR | 0555, PROC_DEEP, .doc = "nodes of memory" },
	NODE_FILE(14, "online", topology_show, "as on the host"),
	NODE_FILE(15, "possible", topology_show, "as on the host"),
	{ 18, NODE_DIR "/node*", S_IFDIR | 0555, PROC_DEEP, .doc = "one of them" },
	NODE_FILE(19, "node*/cpulist", topology_show_list, "the instance's CPUs there"),
	NODE_FILE(62, "node*/cpumap", topology_show_mask, "the instance's CPUs there, as a mask"),
	NODE_FILE(63, "node*/distance", topology_show, "as on the host"),
	NODE_FILE(64, "node*/meminfo", node_meminfo_show, "its memory, and no more than the instance may use"),
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Whether a path is the pattern with a number in place of each '*'. No leading zeros: one name for each. */
static bool matches(const char *pattern, const char *path, unsigned *numbers)
{
	for (; *pattern; pattern++) {
		char *end;
		unsigned long v;

		if (*pattern != '*') {
			if (*pattern != *path++)
				return false;
			continue;
		}
		if (!isdigit((unsigned char)*path) || (*path == '0' && isdigit((unsigned char)path[1])))
			return false;
		v = strtoul(path, &end, 10);
		if (v > CPUS_NUMBER_MAX)
			return false;
		*numbers++ = (unsigned)v;
		path = end;
	}
	return !*path;
}

int proc_find(const char *path, struct proc_place *ret)
{
	for (size_t i = 0; i < ROWS; i++) {
		struct proc_place at = { .row = &rows[i] };

		if (matches(rows[i].path, path, at.n)) {
			*ret = at;
			return 0;
		}
	}
	return -ENOENT;
}

void proc_path(const struct proc_place *at, char *buf, size_t size)
{
	const unsigned *number = at->n;
	size_t used = 0;

	for (const char *p = at->row->path; *p && used + 1 < size; p++)
		if (*p == '*')
			used += (size_t)snprintf(buf + used, size - used, "%u", *number++);
		else
			buf[used++] = *p;
	buf[used < size ? used : size - 1] = '\0';
}

const struct proc_row *proc_row_by_id(unsigned id)
{
	for (size_t i = 0; i < ROWS; i++)
		if (rows[i].id == id)
			return &rows[i];
	return NULL;
}

int proc_row_each(int (*f)(const struct proc_row *r, void *arg), void *arg)
{
	int r = 0;

	for (size_t i = 0; i < ROWS && !r; i++)
		r = f(&rows[i], arg);
	return r;
}

bool proc_exists(struct proc_source *s, const struct proc_place *at)
{
	if (at->row->flags & PROC_PER_CPU && at->n[0] >= proc_cpu_count(s))
		return false;
	return !(at->row->flags & PROC_DEEP) || topology_exists(s, at);
}

/* The name within the directory, or NULL when it stands elsewhere. */
static const char *name_in(const struct proc_row *dir, const struct proc_row *r)
{
	size_t n = strlen(dir->path);

	if (strncmp(dir->path, r->path, n) != 0 || r->path[n] != '/' || strchr(r->path + n + 1, '/'))
		return NULL;
	return r->path + n + 1;
}

/* Each of those for which the last '*' stands, which is number i of the place. */
static int list_numbered(struct proc_source *s, struct proc_place *at, unsigned i,
			 int (*f)(void *arg, const char *name, const struct proc_place *at), void *arg)
{
	const unsigned most = i ? CACHES_MAX : at->row->flags & PROC_PER_CPU ? proc_cpu_count(s) : NODES_MAX;
	char path[512];
	int ret = 0;

	for (at->n[i] = 0; at->n[i] < most && !ret; at->n[i]++) {
		if (!proc_exists(s, at))
			continue;
		proc_path(at, path, sizeof(path));
		ret = f(arg, strrchr(path, '/') + 1, at);
	}
	return ret;
}

int proc_list(struct proc_source *s, const struct proc_place *dir,
	      int (*f)(void *arg, const char *name, const struct proc_place *at), void *arg)
{
	int ret = 0;

	for (size_t i = 0; i < ROWS && !ret; i++) {
		const char *name = name_in(dir->row, &rows[i]);
		struct proc_place at = { &rows[i], { dir->n[0], dir->n[1] } };

		if (!name)
			continue;
		if (strchr(name, '*'))
			ret = list_numbered(s, &at, strchr(dir->row->path, '*') != NULL, f, arg);
		else if (proc_exists(s, &at))
			ret = f(arg, name, &at);
	}
	return ret;
}

int proc_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	const struct proc_row *r = at->row;
	bool runs;
	int ret;

	if (!r->show)
		return -EISDIR;
	pthread_mutex_lock(&s->lock);
	ret = (s->machine.cpus && r->machine ? r->machine : r->show)(s, at, out);
	runs = s->facts.init_pid;
	pthread_mutex_unlock(&s->lock);
	if (r->show == loadavg_show && runs)
		loadavg_watch(s);
	return ret < 0 ? ret : buf_error(out);
}

void show_pad(struct buf *out, size_t from, size_t step)
{
	size_t len = out->len - from, missing = (step - len % step) % step;

	if (!len || !missing)
		return;
	buf_resize(out, out->len + missing);
	if (buf_error(out))
		return;
	memset(out->data + from + len - 1, ' ', missing);
	out->data[out->len - 1] = '\n';
}
