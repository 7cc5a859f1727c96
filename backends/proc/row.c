// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of files, and finding in it. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/core/cleanup.h"
#include "backends/proc/loadavg.h"
#include "backends/proc/show.h"

#define CPU_DIR "sys/devices/system/cpu"

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
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Whether a path is the pattern with a number in place of '*'. No leading zeros: one name for each. */
static bool matches(const char *pattern, const char *path, unsigned *cpu)
{
	size_t n = strcspn(pattern, "*");
	char *end;
	unsigned long v;

	if (!pattern[n])
		return !strcmp(pattern, path);
	if (strncmp(pattern, path, n) != 0 || !isdigit((unsigned char)path[n]) || (path[n] == '0' && isdigit((unsigned char)path[n + 1])))
		return false;
	v = strtoul(path + n, &end, 10);
	if (v > CPUS_NUMBER_MAX || strcmp(end, pattern + n + 1) != 0)
		return false;
	*cpu = (unsigned)v;
	return true;
}

const struct proc_row *proc_find(const char *path, unsigned *cpu)
{
	*cpu = 0;
	for (size_t i = 0; i < ROWS; i++)
		if (matches(rows[i].path, path, cpu))
			return &rows[i];
	return NULL;
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

bool proc_exists(struct proc_source *s, const struct proc_row *r, unsigned cpu)
{
	return !(r->flags & PROC_PER_CPU) || cpu < proc_cpu_count(s);
}

/* The name within the directory, or NULL when it stands elsewhere. */
static const char *name_in(const struct proc_row *dir, const struct proc_row *r)
{
	size_t n = strlen(dir->path);

	if (strncmp(dir->path, r->path, n) != 0 || r->path[n] != '/' || strchr(r->path + n + 1, '/'))
		return NULL;
	return r->path + n + 1;
}

int proc_list(struct proc_source *s, const struct proc_row *dir, unsigned cpu,
	      int (*f)(void *arg, const char *name, const struct proc_row *r, unsigned cpu), void *arg)
{
	int ret = 0;

	for (size_t i = 0; i < ROWS && !ret; i++) {
		const char *name = name_in(dir, &rows[i]), *star = name ? strchr(name, '*') : NULL;
		unsigned n = star ? proc_cpu_count(s) : 0;
		char numbered[64];

		if (name && !star)
			ret = f(arg, name, &rows[i], cpu);
		for (unsigned c = 0; c < n && !ret; c++) {
			snprintf(numbered, sizeof(numbered), "%.*s%u%s", (int)(star - name), name, c, star + 1);
			ret = f(arg, numbered, &rows[i], c);
		}
	}
	return ret;
}

int proc_show(struct proc_source *s, const struct proc_row *r, unsigned cpu, struct buf *out)
{
	bool runs;
	int ret;

	if (!r->show)
		return -EISDIR;
	if (!proc_exists(s, r, cpu))
		return -ENOENT;
	pthread_mutex_lock(&s->lock);
	ret = (s->machine.cpus && r->machine ? r->machine : r->show)(s, cpu, out);
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
