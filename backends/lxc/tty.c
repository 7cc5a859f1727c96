// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/lxc/tty.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/spawn.h"
#include "backends/core/watch.h"
#include "backends/lxc/console_master.h"
#include "backends/lxc/place.h"

#define READY_MS 10000	/* less than a request may take */
#define RECORD_MAX 4096

static pthread_mutex_t making = PTHREAD_MUTEX_INITIALIZER;	/* one process per container; not for looking only */

/* What the process wrote, while it lives. A number is given to another pty only after it ended. */
static bool find(const struct place *p, char *path, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_close_ int pidfd = -1;
	char file[sizeof(p->dir) + 8], name[64];
	unsigned long long start;
	int pid;

	snprintf(file, sizeof(file), "%s/tty", p->dir);
	if (buf_read_file(&b, AT_FDCWD, file, RECORD_MAX) < 0 || sscanf(buf_str(&b), "%d %llu %63s", &pid, &start, name) != 3)
		return false;
	pidfd = process_open(pid, start);
	if (pidfd >= 0)
		snprintf(path, size, "%s", name);
	return pidfd >= 0;
}

/* Somebody may have given the instance to another user since. */
static int give(const char *path, uid_t owner, struct err *e)
{
	struct stat st;

	if (lstat(path, &st) < 0 || (st.st_uid != owner && lchown(path, owner, (gid_t)-1) < 0))
		return err_sys(e, errno, "%s", path);
	return 0;
}

/* Out of the daemon's group, which may be killed as a whole, and not in the container's, which liblxc makes and removes. */
static int leave_group(pid_t pid, uint64_t start_time, void *arg)
{
	cgroup_enter("instfs.tty", pid);
	return 0;
}

static int wait_ready(int words, struct err *e)
{
	char text[256];
	int have = spawn_listen(words, READY_MS, text, sizeof(text));

	if (have < 0)
		return err_set(e, -have, "the pty was not ready within %d s", READY_MS / 1000);
	return have ? err_set(e, EIO, "the console got no pty: %s", text) : 0;
}

/* ---- its end, when it is our child ---- */

static pthread_mutex_t births = PTHREAD_MUTEX_INITIALIZER;	/* a leaf: a child may end before its watch has a number */

struct child {
	int pidfd;
	int64_t watch;
};

static void ended(void *arg)
{
	struct child *c = arg;

	pthread_mutex_lock(&births);
	pthread_mutex_unlock(&births);
	spawn_reap(c->pidfd, &(int){ 0 });
	watch_del(c->watch);
	close(c->pidfd);
	free(c);
}

/* Takes the descriptor. */
static void reap_later(int pidfd)
{
	struct child *c = malloc(sizeof(*c));

	if (!c) {
		close(pidfd);
		return;
	}
	*c = (struct child){ .pidfd = pidfd };
	HOLD_LOCK(&births);
	c->watch = watch_add(pidfd, ended, c);
}

/* ---- making one ---- */

static int start(const struct place *p, pid_t monitor, int pidfd, uid_t owner, struct err *e)
{
	_cleanup_close_ int store = open(p->store, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	_cleanup_close_ int run = open(p->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), words = -1, theirs = -1;
	const struct spawn_fd fds[] = { { pidfd, 3 }, { store, 4 }, { run, 5 } };
	char path[512], number[16], uid[16];
	const char *argv[] = { "instfs-tty", number, uid, NULL };
	struct spawn s = { .path = path, .argv = argv, .session = true, .fds = fds, .n_fds = 3, .born = leave_group };
	struct spawned child;
	int pipe[2], r;

	if (store < 0 || run < 0 || pipe2(pipe, O_CLOEXEC) < 0)
		return err_sys(e, errno, "a pty for the console");
	words = pipe[0];
	s.out = s.err = theirs = pipe[1];
	snprintf(number, sizeof(number), "%d", (int)monitor);
	snprintf(uid, sizeof(uid), "%u", owner);
	r = spawn_helper("instfs-tty", path, sizeof(path), e);
	if (r == 0)
		r = spawn_start(&s, &child, e);
	if (r < 0)
		return r;
	close(steal_fd(&theirs));
	r = wait_ready(words, e);
	reap_later(child.pidfd);
	return r;
}

/* Unless somebody else just did. */
static int make_one(const struct place *p, const struct run *run, uid_t owner, char *buf, size_t size, struct err *e)
{
	_cleanup_close_ int pidfd = process_open(run->monitor_pid, run->monitor_start), master = -1;
	int r;

	if (pidfd < 0)
		return err_set(e, ENOTCONN, "the instance does not run; it has no console");
	HOLD_LOCK(&making);
	if (find(p, buf, size))
		return 0;
	master = console_master(run->monitor_pid, pidfd);
	if (master < 0)
		return err_set(e, ENOTCONN, "the instance has no console (raw.lxc may have taken it away)");
	r = start(p, run->monitor_pid, pidfd, owner, e);
	return r < 0 || find(p, buf, size) ? r : err_set(e, EIO, "the pty of the console is gone again");
}

int tty_path(struct object *o, bool make, char *buf, size_t size, struct err *e)
{
	struct place p;
	struct run run;
	uid_t owner;
	int r = 0;

	buf[0] = '\0';
	pthread_mutex_lock(&o->lock);
	run = o->run;
	owner = o->meta.uid;
	pthread_mutex_unlock(&o->lock);
	place_of(o, &p);
	if (!find(&p, buf, size) && make)
		r = make_one(&p, &run, owner, buf, size, e);
	return r < 0 || !make ? r : give(buf, owner, e);
}
