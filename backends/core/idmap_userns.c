// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * User namespaces that do nothing but carry an id map, for idmapped mounts. One per distinct map is kept as an open descriptor
 * for the life of the server. `cache_lock` guards the list and is held while one is made: a leaf lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/idmap.h"
#include "backends/core/watch.h"

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ull
#endif

struct userns {
	struct userns *next;
	struct idmap map;
	int fd;
};

static pthread_mutex_t cache_lock = PTHREAD_MUTEX_INITIALIZER;
static struct userns *cache;

/*
 * The child holds the namespace until it has been opened. It runs on a copy of a threaded process, so that it makes system calls
 * only. It ends when the write end of the pipe is closed, by us or by our death. Exit signal 0: nobody else's wait() reaps it.
 */
static pid_t spawn_holder(const int pipe_fds[2], int *ret_pidfd)
{
	struct clone_args args = {
		.flags = CLONE_NEWUSER | CLONE_PIDFD | CLONE_CLEAR_SIGHAND,
		.pidfd = (uint64_t)(uintptr_t)ret_pidfd,
		.exit_signal = 0,
	};
	pid_t pid = (pid_t)syscall(SYS_clone3, &args, sizeof(args));
	char c;

	if (pid != 0)
		return pid < 0 ? -errno : pid;
	syscall(SYS_close, pipe_fds[1]);
	while (syscall(SYS_read, pipe_fds[0], &c, 1) < 0 && errno == EINTR)
		;
	for (;;)
		syscall(SYS_exit_group, 0);
}

static int write_map(pid_t pid, const char *file, const struct id_extent *x, unsigned n, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_close_ int fd = -1;
	char path[64];

	for (unsigned i = 0; i < n; i++)
		buf_addf(&text, "%u %u %u\n", x[i].guest, x[i].host, x[i].count);
	if (buf_error(&text) < 0)
		return err_sys(e, ENOMEM, "id map");
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	/* the kernel takes a map in one write, once */
	if (fd < 0 || write(fd, text.data, text.len) != (ssize_t)text.len)
		return err_sys(e, errno, "%s", file);
	return 0;
}

static int open_userns(pid_t pid, const struct idmap *m, struct err *e)
{
	char path[64];
	int fd, r;

	r = write_map(pid, "uid_map", m->uid, m->n_uid, e);
	if (r == 0)
		r = write_map(pid, "gid_map", m->gid, m->n_gid, e);
	if (r < 0)
		return r;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, errno, "%s", path) : fd;
}

static int make_userns(const struct idmap *m, struct err *e)
{
	_cleanup_close_ int pidfd = -1;
	int fds[2], r;
	pid_t pid;
	siginfo_t si;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, errno, "pipe");
	pid = spawn_holder(fds, &pidfd);
	close(fds[0]);
	if (pid < 0) {
		close(fds[1]);
		return err_sys(e, -pid, "cannot make a user namespace");
	}
	r = open_userns(pid, m, e);
	close(fds[1]);
	/* the pipe alone would not do: a child of another thread may hold a copy of its end for a while */
	process_signal(pidfd, SIGKILL);
	while (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | __WALL) < 0 && errno == EINTR)
		;
	return r;
}

static bool same_side(const struct id_extent *a, unsigned na, const struct id_extent *b, unsigned nb)
{
	return na == nb && !memcmp(a, b, na * sizeof(*a));
}

int idmap_userns(const struct idmap *m, struct err *e)
{
	struct userns *u;
	int fd;

	if (!m->n_uid || !m->n_gid)
		return err_set(e, EINVAL, "a privileged instance has no id map");
	HOLD_LOCK(&cache_lock);
	for (u = cache; u; u = u->next) {
		if (same_side(u->map.uid, u->map.n_uid, m->uid, m->n_uid) && same_side(u->map.gid, u->map.n_gid, m->gid, m->n_gid))
			break;
	}
	if (!u) {
		fd = make_userns(m, e);
		if (fd < 0)
			return fd;
		u = calloc(1, sizeof(*u));
		if (!u)
			return fd;
		*u = (struct userns){ .next = cache, .map = *m, .fd = fd };
		cache = u;
	}
	fd = fcntl(u->fd, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? err_sys(e, errno, "user namespace") : fd;
}
