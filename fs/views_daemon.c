// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See views_daemon.h. The view server is no child of ours: it is started by an exec'd copy of this program that goes to the background, has
 * a holder of its own, and stays when we end, because containers stay. Should all of its processes be killed, another one is started
 * and what is mounted in containers is replaced.
 *
 * `lock` serialises starts; no other lock is taken while it is held. One thread at most looks after running instances.
 */
#include "fs/views_daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/instance.h"
#include "backends/core/run.h"
#include "backends/core/spawn.h"
#include "backends/core/views.h"
#include "backends/core/watch.h"
#include "fs/alive.h"
#include "fs/board.h"
#include "fs/control.h"
#include "fs/facts.h"
#include "fs/holder.h"
#include "fs/log.h"
#include "fs/mount.h"
#include "fs/shm.h"

#define START_MS 10000
#define STORE_KEY 1		/* our own end of "alive", with the holder */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool usable;
static int watched = -1;	/* the view server's end of "alive" */
static int64_t watch_id;
static struct {
	pthread_mutex_t lock;
	bool running, again;
} rounds = { .lock = PTHREAD_MUTEX_INITIALIZER };

static void path_of(const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/%s", model_rundir(), name);
}

/* ---- what runs already ---- */

static int refresh(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = run_exists(name) ? object_get(id) : NULL;
	struct err e = ERR_INIT;

	if (o && instance_is_running(o) && backend_refresh(o, &e) < 0 && e.code != EOPNOTSUPP)
		log_warning("%s: %s", name, e.text);
	return 0;
}

static bool another_round(void)
{
	HOLD_LOCK(&rounds.lock);
	rounds.running = rounds.again;
	rounds.again = false;
	return rounds.running;
}

static void *look_after(void *unused)
{
	do
		object_each(SPACE_INSTANCES, 0, refresh, NULL);
	while (another_round());
	return NULL;
}

static void look_after_all(void)
{
	pthread_attr_t a;
	pthread_t t;

	HOLD_LOCK(&rounds.lock);
	rounds.again = rounds.running;
	if (rounds.running)
		return;
	pthread_attr_init(&a);
	pthread_attr_setdetachstate(&a, PTHREAD_CREATE_DETACHED);
	rounds.running = !pthread_create(&t, &a, look_after, NULL);
	pthread_attr_destroy(&a);
}

/* ---- the server ---- */

static void post_options(void)
{
	struct options *o = board_options();
	const struct options *own = &shm->options;

	*o = (struct options){ .takeover = own->takeover, .health = own->health, .foreground = own->foreground, .allow_other = 1,
			       .mount_flags = MS_NOSUID | MS_NODEV | MS_NOEXEC, .fsname = "instfs-views" };
	path_of("", o->state_dir, sizeof(o->state_dir));
	o->state_dir[strlen(o->state_dir) - 1] = '\0';
	path_of("views", o->mountpoint, sizeof(o->mountpoint));
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
	struct spawn s = { .path = "/proc/self/exe", .argv = argv, .session = true, .err = shm->options.foreground ? STDERR_FILENO : 0 };
	int r;

	post_options();
	r = clear_place(e);
	return r ? r : spawn_run(&s, START_MS, NULL, e);
}

/* In the watch thread. Somebody who has just started a container may have been faster. */
static void all_dead(void *unused)
{
	{
		HOLD_LOCK(&lock);
		if (watched >= 0) {
			watch_del(watch_id);
			close(watched);
			watched = -1;
		}
	}
	log_warning("the view server and its holder were killed; starting others");
	look_after_all();
}

static int watch(void)
{
	char path[256];

	path_of("views.alive", path, sizeof(path));
	watched = alive_watch(path);
	if (watched < 0)
		return watched;
	watch_id = watch_add(watched, all_dead, NULL);
	return 0;
}

static int ensure(struct err *e)
{
	int r;

	HOLD_LOCK(&lock);
	if (!usable)
		return err_set(e, EOPNOTSUPP, "this daemon has no virtual files");
	if (watched >= 0 || !watch())
		return 0;
	r = start(e);
	if (r)
		log_warning("containers see the host's /proc: %s", e->text);
	else
		watch();
	return r;
}

struct caller_of { void (*f)(const char *path, unsigned flags, void *arg); void *arg; };

/* Files of /proc one by one, and of /sys the only directory: what stands beside these is the container's own. */
static int pass_on(const struct proc_row *r, void *arg)
{
	const struct caller_of *c = arg;
	bool in_proc = !strncmp(r->path, "proc/", 5);

	if (in_proc && S_ISREG(r->mode))
		c->f(r->path, r->flags & PROC_TRIGGER ? VIEWS_PRESSURE : 0, c->arg);
	else if (!in_proc && !strcmp(r->path, "sys/devices/system/cpu"))
		c->f(r->path, VIEWS_DIRECTORY, c->arg);
	return 0;
}

static void each(void (*f)(const char *path, unsigned flags, void *arg), void *arg)
{
	proc_row_each(pass_on, &(struct caller_of){ f, arg });
}

/* So that a view server that nobody needs any more knows whether we are there. */
static void tell_alive(void)
{
	_cleanup_close_ int fd = -1;
	char path[256];

	path_of("tree.alive", path, sizeof(path));
	fd = alive_hold(path);
	if (fd < 0 || holder_store_fd(STORE_KEY, fd) < 0)
		log_warning("%s: %s", path, strerror(errno));
}

int views_daemon_init(struct err *e)
{
	static const struct views_provider provider = { ensure, each };
	int r = geteuid() ? err_set(e, EPERM, "only root can mount for containers") : board_open(model_rundir(), e);


	usable = !r;
	if (!usable)
		return r;
	views_register(&provider);
	tell_alive();
	return 0;
}

/* ---- the board ---- */

void views_daemon_changed(struct object *o, unsigned what)
{
	struct proc_facts f;
	bool runs;

	if (!usable || o->space != SPACE_INSTANCES || !(what & (CHANGED_STATE | CHANGED_ENTRIES | CHANGED_NAME | CHANGED_RUNTIME)))
		return;
	pthread_mutex_lock(&o->lock);
	runs = !o->gone && o->run.state != INST_STOPPED && o->run.state != INST_ERROR;
	pthread_mutex_unlock(&o->lock);
	if (!runs) {
		board_remove(o->id);
		return;
	}
	facts_of(o, &f);
	if (board_post(&f) < 0)
		log_warning("%s: no room on the board", f.name);
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
	struct proc_facts f = { .object = 0 };

	if (!usable)
		return;
	while (board_next(f.object, &f)) {
		_cleanup_object_ struct object *o = object_get(f.object);

		if (o)
			views_daemon_changed(o, CHANGED_STATE);
		else
			board_remove(f.object);
	}
	object_each(SPACE_INSTANCES, 0, post_running, NULL);
	look_after_all();
}
