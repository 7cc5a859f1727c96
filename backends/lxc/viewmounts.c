// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Virtual files of containers: see viewmounts.h. The kernel's list of a container's mounts tells what is in place; only when something is
 * wrong is the helper started, which enters the container's mount namespace (helper_mounts.c).
 *
 * /proc/pressure is not virtual where the kernel counts for groups: a file of the container's group is the same in form, and can be
 * polled. Triggers may be written by everybody, as on the host.
 */
#include "backends/lxc/viewmounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/spawn.h"
#include "backends/core/views.h"
#include "backends/core/watch.h"

#define HELPER_MS 10000
#define MOUNTS_MAX (1u << 20)
#define PATHS_MAX 32

/* ---- where they come from ---- */

/* "proc/pressure/io" -> "io.pressure" */
static void pressure_name(const char *path, char *buf, size_t size)
{
	snprintf(buf, size, "%.40s.pressure", strrchr(path, '/') + 1);
}

/* Of the group that is or will be there. False: this kernel keeps none for groups. */
static bool pressure_path(const char *cgroup, const char *path, char *buf, size_t size)
{
	char name[64], link[64], root[256];
	_cleanup_close_ int dir = cgroup_open_unified(".", ".", O_PATH | O_DIRECTORY | O_CLOEXEC), known = -1;
	ssize_t n;

	pressure_name(path, name, sizeof(name));
	/* The root group has it under another name on some kernels, ours is always below that of all monitors. */
	known = cgroup_open_unified("instfs.monitor", name, O_PATH | O_CLOEXEC);
	if (dir < 0 || known < 0)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
	n = readlink(link, root, sizeof(root) - 1);
	if (n <= 0)
		return false;
	root[n] = '\0';
	return snprintf(buf, size, "%s/%s/%s", root, cgroup, name) < (int)size;
}

static void source_of(const char *source, const char *cgroup, const char *target, unsigned flags, char *buf, size_t size)
{
	if (!(flags & VIEWS_PRESSURE) || !pressure_path(cgroup, target, buf, size))
		snprintf(buf, size, "%s", source);
}

/* ---- at the start ---- */

struct printing {
	const char *cgroup;
	struct buf *out;
};

static void print_one(const char *source, const char *target, unsigned flags, void *arg)
{
	const struct printing *p = arg;
	char path[600];

	source_of(source, p->cgroup, target, flags, path, sizeof(path));
	buf_addf(p->out, "lxc.mount.entry = %s %s none bind,optional%s 0 0\n", path, target, flags & VIEWS_NESTED ? ",create=dir" : "");
}

void viewmounts_print(const struct object *o, bool nesting, const char *cgroup, struct buf *out)
{
	views_each(o, nesting, print_one, &(struct printing) { cgroup, out });
}

static void grant_one(const char *source, const char *target, unsigned flags, void *arg)
{
	_cleanup_close_ int fd = -1;
	char name[64];

	if (!(flags & VIEWS_PRESSURE))
		return;
	pressure_name(target, name, sizeof(name));
	fd = cgroup_open_unified(arg, name, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		(void)fchmod(fd, 0666);
}

void viewmounts_grant(const struct object *o, const char *cgroup)
{
	char copy[256];

	snprintf(copy, sizeof(copy), "%s", cgroup);
	views_each(o, false, grant_one, copy);
}

/* ---- later ---- */

enum found { FOUND_NOTHING, FOUND_OURS, FOUND_DEAD, FOUND_OTHER };

struct looking {
	const char *cgroup;
	char *mounts;			/* /proc/PID/mountinfo */
	size_t n;
	char *sources[PATHS_MAX], *targets[PATHS_MAX];
};

/* What is on top of a path, by a line of the list: "ID PARENT MAJOR:MINOR ROOT PLACE OPTIONS ... - TYPE SOURCE ...". */
static enum found judge(char *line, const char *path, dev_t source)
{
	unsigned ma, mi;
	char place[256];
	const char *type = strstr(line, " - ");

	if (!type || sscanf(line, "%*d %*d %u:%u %*s %255s", &ma, &mi, place) != 3 || strcmp(place + 1, path) != 0)
		return FOUND_NOTHING;
	if (makedev(ma, mi) == source || !strncmp(type + 3, "cgroup", 6))
		return FOUND_OURS;
	return strncmp(type + 3, "fuse.instfs ", 12) != 0 ? FOUND_OTHER : FOUND_DEAD;
}

static enum found look(char *mounts, const char *path, dev_t source)
{
	enum found last = FOUND_NOTHING, f;
	char *end;

	for (char *line = mounts; line && *line; line = end ? end + 1 : NULL) {
		end = strchr(line, '\n');
		if (end)
			*end = '\0';
		f = judge(line, path, source);
		if (f != FOUND_NOTHING)
			last = f;
		if (end)
			*end = '\n';
	}
	return last;
}

static void look_one(const char *source, const char *target, unsigned flags, void *arg)
{
	struct looking *l = arg;
	char path[600];
	struct stat st;
	enum found f;

	source_of(source, l->cgroup, target, flags, path, sizeof(path));
	if (l->n == PATHS_MAX || stat(path, &st) < 0)
		return;
	f = look(l->mounts, target, st.st_dev);
	if (f != FOUND_NOTHING && f != FOUND_DEAD)
		return;
	l->sources[l->n] = strdup(path);
	l->targets[l->n] = strdup(target);
	if (l->sources[l->n] && l->targets[l->n])
		l->n++;
}

static int run_helper(const struct looking *l, int pidfd, struct err *e)
{
	const char *argv[2 * PATHS_MAX + 3] = { "instfs-lxc", "mounts" };
	const struct spawn_fd pass = { .fd = pidfd, .as = 3 };
	char helper[512];
	struct spawn s = { .path = helper, .argv = argv, .session = true, .fds = &pass, .n_fds = 1 };
	int r = spawn_helper("instfs-lxc", helper, sizeof(helper), e);

	for (size_t i = 0; i < l->n; i++) {
		argv[2 + 2 * i] = l->sources[i];
		argv[3 + 2 * i] = l->targets[i];
	}
	return r < 0 ? r : spawn_run(&s, HELPER_MS, NULL, e);
}

static int refresh(struct object *o, const struct run *run, bool nesting, struct err *e)
{
	_cleanup_close_ int pidfd = process_open(run->init_pid, run->init_start);
	_cleanup_buf_ struct buf mounts = BUF_INIT;
	struct looking l = { .cgroup = run->cgroup };
	char path[64];
	int r;

	if (pidfd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/mountinfo", (int)run->init_pid);
	r = buf_read_file(&mounts, AT_FDCWD, path, MOUNTS_MAX);
	if (r < 0 || !mounts.len)
		return 0;	/* it ended */
	l.mounts = mounts.data;
	views_each(o, nesting, look_one, &l);
	if (l.n)
		r = run_helper(&l, pidfd, e);
	for (size_t i = 0; i < l.n; i++) {
		free(l.sources[i]);
		free(l.targets[i]);
	}
	return r < 0 ? err_wrap(e, "virtual files of /proc") : 0;
}

int viewmounts_refresh(struct object *o, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	bool nesting;
	struct run run;
	int r;

	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	if (!run.init_pid)
		return 0;
	viewmounts_grant(o, run.cgroup);
	nesting = config_expand(o, &x, NULL) == 0 && expanded_bool(&x, "security.nesting", false);
	r = views_open(nesting, e);
	return r < 0 ? r : refresh(o, &run, nesting, e);
}
