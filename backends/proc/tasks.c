// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/proc/tasks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/scan.h"

#define DEPTH_MAX 64		/* of groups that a guest nests */
#define COST_SHARE 20

struct walk {
	const char *file;	/* with the numbers of threads */
	struct task_counts *counts;
	pid_t highest;
	uint64_t highest_start;	/* ticks since boot: a number alone may have become another thread's */
};

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int read_of(pid_t tid, const char *file, struct buf *out)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/%s", (int)tid, file);
	return host_read_path(path, out);
}

/* "4711 (name) R ...": any character may stand in the name. */
static void count_one(struct walk *w, pid_t tid)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *s;

	if (read_of(tid, "stat", &b) < 0)
		return;
	s = strrchr(buf_str(&b), ')');
	if (!s || !s[1])
		return;
	w->counts->total++;
	w->counts->running += s[2] == 'R';
	w->counts->blocked += s[2] == 'D';
	if (tid > w->highest) {
		w->highest = tid;
		w->highest_start = scan_start_time(s);
	}
}

static void count_group(struct walk *w, int dir)
{
	_cleanup_close_ int fd = openat(dir, w->file, O_RDONLY | O_CLOEXEC);
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (fd < 0 || host_pread(fd, true, &b) < 0)
		return;
	for (const char *l = b.len ? b.data : NULL; l; l = scan_next(l)) {
		pid_t tid = (pid_t)strtol(l, NULL, 10);

		if (tid > 0)
			count_one(w, tid);
	}
}

/* Takes the descriptor. */
static void walk(struct walk *w, int fd, int depth)
{
	_cleanup_dir_ DIR *d = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *de;

	if (!d) {
		cleanup_close(&fd);
		return;
	}
	count_group(w, dirfd(d));
	while (depth < DEPTH_MAX && (de = readdir(d)))
		if (de->d_type == DT_DIR && strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			walk(w, openat(dirfd(d), de->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), depth + 1);
}

/* The v2 hierarchy has all processes, on a host with both as well; else any of v1. */
static int open_top(struct proc_source *s, struct walk *w)
{
	static const enum cgroup_controller any[] = { CGROUP_CPU, CGROUP_PIDS, CGROUP_MEMORY, CGROUP_FREEZER };
	int fd = s->groups.unified ? cgroup_open_unified(s->groups.unified, ".", O_RDONLY | O_DIRECTORY) : -ENODATA;

	w->file = "cgroup.threads";
	for (size_t i = 0; fd < 0 && i < sizeof(any) / sizeof(any[0]); i++) {
		w->file = cgroup_version(any[i]) == 1 ? "tasks" : "cgroup.threads";
		if (s->groups.paths[any[i]])
			fd = cgroup_open(any[i], s->groups.paths[any[i]], ".", O_RDONLY | O_DIRECTORY);
	}
	return fd;
}

/* The numbers of a thread in "NSpid:", from the host's to its innermost namespace's. */
static const char *ns_numbers(const char *status)
{
	const char *s = strstr(status, "\nNSpid:");

	return s ? s + strlen("\nNSpid:") : "";
}

/* Which of them are the instance's: the last one of its init, which does not change while that lives. */
static unsigned ns_column(struct proc_source *s)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!s->ns_column && read_of(s->facts.init_pid, "status", &b) == 0)
		for (const char *a = ns_numbers(buf_str(&b)); *a == '\t'; a += 1 + strcspn(a + 1, "\t\n"))
			s->ns_column++;
	return s->ns_column;
}

static unsigned ns_number(struct proc_source *s, pid_t tid)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	unsigned v = 0, columns = ns_column(s);
	const char *t;

	if (!tid || read_of(tid, "status", &b) < 0)
		return 0;
	t = ns_numbers(buf_str(&b));
	for (unsigned i = 0; i < columns && *t == '\t'; i++) {
		v = (unsigned)strtoul(++t, NULL, 10);
		t += strcspn(t, "\t\n");
	}
	return v;
}

struct task_counts tasks_count(struct proc_source *s, int64_t max_age)
{
	struct task_counts c = { 0 };
	struct walk w = { .counts = &c };
	const char *freezer = s->groups.paths[CGROUP_FREEZER];
	int64_t t = now(), keep = s->tasks_cost * COST_SHARE;

	if (s->tasks_at && t - s->tasks_at < (keep > max_age ? keep : max_age))
		return s->tasks;
	walk(&w, open_top(s, &w), 0);
	/* those that are frozen look blocked, but wait for nothing */
	if (c.blocked && freezer && cgroup_is_frozen(freezer))
		c.running = c.blocked = 0;
	/* what it is called inside stays */
	c.last = s->tasks.last;
	if (w.highest != s->last_tid || w.highest_start != s->last_start || !c.last)
		c.last = ns_number(s, w.highest);
	s->last_tid = w.highest;
	s->last_start = w.highest_start;
	s->tasks = c;
	s->tasks_at = now();
	s->tasks_cost = s->tasks_at - t;
	return c;
}
