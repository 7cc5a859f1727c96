// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Commands in containers, from the server's side: starts the helper, waits for its end by a watch, reads the status that it left.
 * A watch belongs to its callback alone; instances and requests are looked up by number when it comes.
 */
#include "backends/lxc/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/spawn.h"
#include "backends/core/watch.h"
#include "backends/lxc/place.h"

struct attached {
	uint32_t object, slot;
	int pidfd;
	int64_t watch;
	pthread_mutex_t lock;	/* the watch may fire before its id is noted */
};

/* "137\n" as the helper wrote it, in wait(2)'s form; without the file the helper was killed. */
static int read_status(uint32_t object, uint32_t slot)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const struct exec_request x = { .object = object, .slot = slot };
	char path[512], file[560];

	exec_dir(&x, path, sizeof(path));
	snprintf(file, sizeof(file), "%s/status", path);
	if (buf_read_file(&b, AT_FDCWD, file, 64) < 0 || !b.len)
		return SIGKILL;
	return (atoi(b.data) & 0xff) << 8;
}

static void on_end(void *arg)
{
	struct attached *a = arg;
	int status;

	pthread_mutex_lock(&a->lock);
	watch_del(a->watch);
	pthread_mutex_unlock(&a->lock);
	spawn_reap(a->pidfd, &status);
	close(a->pidfd);
	exec_finished(a->object, a->slot, read_status(a->object, a->slot));
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* Takes over pidfd. */
static int watch_end(const struct exec_request *x, int pidfd)
{
	struct attached *a = calloc(1, sizeof(*a));
	int64_t w;

	if (!a) {
		close(pidfd);
		return -ENOMEM;
	}
	a->object = x->object;
	a->slot = x->slot;
	a->pidfd = pidfd;
	pthread_mutex_init(&a->lock, NULL);
	pthread_mutex_lock(&a->lock);
	w = watch_add(pidfd, on_end, a);
	a->watch = w;
	pthread_mutex_unlock(&a->lock);
	if (w < 0) {
		close(pidfd);
		pthread_mutex_destroy(&a->lock);
		free(a);
	}
	return w < 0 ? (int)w : 0;
}

/* environment.* first, then the file `env`: NAME=VALUE with a zero byte behind each, where only the helper looks. */
static int write_environment(struct object *o, const char *dir, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	_cleanup_buf_ struct buf out = BUF_INIT;
	_cleanup_close_ int fd = -1;
	char path[560];
	int r = config_expand(o, &x, e);

	if (r < 0)
		return r;
	for (size_t i = 0; i < x.n; i++) {
		if (x.items[i].kind != ENT_CONFIG || strncmp(x.items[i].name, "environment.", 12) != 0)
			continue;
		buf_addf(&out, "%s=%s", x.items[i].name + 12, expanded_get(&x, x.items[i].name));
		buf_addch(&out, '\0');
	}
	snprintf(path, sizeof(path), "%s/.environ", dir);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, errno, "%s", path);
	return out.len && write(fd, out.data, out.len) != (ssize_t)out.len ? err_set(e, ENOSPC, "%s could not be written", path) : 0;
}

static int record(pid_t pid, uint64_t start_time, void *arg)
{
	struct exec_request *x = arg;

	x->pid = pid;
	x->pid_start = start_time;
	return exec_record(x);
}

int attach_start(struct object *o, struct exec_request *x, struct err *e)
{
	char helper[512], dir[512], log[560];
	_cleanup_close_ int err = -1;
	struct spawned child;
	struct place p;
	int r;

	place_of(o, &p);
	exec_dir(x, dir, sizeof(dir));
	r = write_environment(o, dir, e);
	if (r == 0)
		r = spawn_helper("instfs-lxc", helper, sizeof(helper), e);
	if (r < 0)
		return r;
	snprintf(log, sizeof(log), "%s/.log", dir);
	err = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (err < 0)
		return err_sys(e, errno, "%s", log);

	const char *argv[] = { "instfs-lxc", "exec", p.lxcpath, strrchr(p.dir, '/') + 1, dir, NULL };
	const struct spawn s = { .path = helper, .argv = argv, .session = true, .err = err, .born = record, .born_arg = x };

	r = spawn_start(&s, &child, e);
	if (r == 0)
		r = watch_end(x, child.pidfd);
	return r;
}

int attach_kill(struct object *o, struct exec_request *x, struct err *e)
{
	_cleanup_close_ int pidfd = process_open(x->pid, x->pid_start);

	/* The helper kills what it attached and ends. */
	if (pidfd >= 0)
		process_signal(pidfd, SIGTERM);
	return 0;
}

int attach_adopt(struct object *o, struct exec_request *x, struct err *e)
{
	int pidfd = process_open(x->pid, x->pid_start);

	if (pidfd >= 0)
		return watch_end(x, pidfd);
	exec_finished(x->object, x->slot, read_status(x->object, x->slot));
	return 0;
}
