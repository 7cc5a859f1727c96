// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See views_daemon.h. The view server is no child of ours: it is started by an exec'd copy of this program that goes to the background, has
 * a holder of its own, and stays when we end, because containers stay. Who holds the lock of the run directory serves it.
 *
 * `lock` serialises starts; no other lock is taken while it is held.
 */
#include "fs/views_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/run.h"
#include "backends/core/spawn.h"
#include "backends/core/views.h"
#include "fs/board.h"
#include "fs/log.h"
#include "fs/mount.h"
#include "fs/shm.h"

#define START_MS 10000

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool usable;

/* ---- the server ---- */

static bool is_served(void)
{
	_cleanup_close_ int fd = open(model_rundir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

static void post_options(void)
{
	struct options *o = board_options();
	const struct options *own = &shm->options;

	*o = (struct options){ .takeover = own->takeover, .health = own->health, .foreground = own->foreground, .allow_other = 1,
			       .mount_flags = MS_NOSUID | MS_NODEV | MS_NOEXEC, .fsname = "instfs-views" };
	snprintf(o->state_dir, sizeof(o->state_dir), "%s", model_rundir());
	snprintf(o->mountpoint, sizeof(o->mountpoint), "%s/views", model_rundir());
}

/* What a server left that was killed together with its holder: dead, and in the way. */
static int clear_place(struct err *e)
{
	const char *place = board_options()->mountpoint;
	struct mount_place m;

	while (!mount_find(place, &m, NULL))
		if (umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return err_sys(e, errno, "unmount %s", place);
	if (mkdir(place, 0711) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s", place);
	return 0;
}

static int start(struct err *e)
{
	const char *argv[] = { "instfs", "--internal-views", model_rundir(), NULL };
	struct spawn s = { .path = "/proc/self/exe", .argv = argv, .session = true,
			   .err = shm->options.foreground ? STDERR_FILENO : 0 };
	int r;

	post_options();
	r = clear_place(e);
	if (r)
		return r;
	return spawn_run(&s, START_MS, NULL, e);
}

static int ensure(struct err *e)
{
	int r;

	HOLD_LOCK(&lock);
	if (!usable)
		return err_set(e, EOPNOTSUPP, "this daemon has no virtual files");
	r = is_served() ? 0 : start(e);
	if (r)
		log_warning("containers see the host's /proc: %s", e->text);
	return r;
}

int views_daemon_init(struct err *e)
{
	int r = geteuid() ? err_set(e, EPERM, "only root can mount for containers") : board_open(model_rundir(), e);

	usable = !r;
	views_register(ensure);
	return r;
}

/* ---- the board ---- */

void views_daemon_changed(struct object *o, unsigned what)
{
	struct board_facts f = { .id = o->id };

	if (!usable || !(what & (CHANGED_STATE | CHANGED_ENTRIES | CHANGED_NAME)))
		return;
	pthread_mutex_lock(&o->lock);
	f.init_pid = o->run.init_pid;
	if (o->space != SPACE_INSTANCES || o->gone || o->run.state == INST_STOPPED)
		f.id = 0;
	pthread_mutex_unlock(&o->lock);
	if (f.id)
		board_post(&f);
	else
		board_remove(o->id);
}

static int post_running(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = run_exists(name) ? object_get(id) : NULL;

	if (o)
		views_daemon_changed(o, CHANGED_STATE);
	return 0;
}

void views_daemon_adopt(void)
{
	struct board_facts f = { .id = 0 };

	if (!usable)
		return;
	while (board_next(f.id, &f)) {
		_cleanup_object_ struct object *o = object_get(f.id);

		if (o)
			views_daemon_changed(o, CHANGED_STATE);
		else
			board_remove(f.id);
	}
	object_each(SPACE_INSTANCES, 0, post_running, NULL);
}
