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
static struct server {
	enum shm_kind kind;
	const char *name;		/* of the command, and of the mount in the run directory */
	int watched;			/* its end of "alive"; -1: none */
	int64_t watch_id;
} servers[] = {
	{ SHM_VIEWS, "views", -1, 0 }, { SHM_NESTED, "nested", -1, 0 },
};
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

/* We may be another version than those who stayed: they become the same as we did. */
static void upgrade(const struct server *s)
{
	static struct options o;
	struct err e = ERR_INIT;
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s.alive", model_rundir(), s->name);
	fd = alive_watch(path);
	if (fd < 0)
		return;
	close(fd);
	if (board_same_program(s->kind))
		return;
	path_of(s->name, o.mountpoint, sizeof(o.mountpoint));
	if (control_upgrade(&o, &e))
		log_warning("the server of %s stays as it is: %s", s->name, e.text);
}

static void *look_after(void *unused)
{
	for (size_t i = 0; i < sizeof(servers) / sizeof(*servers); i++)
		upgrade(&servers[i]);
	do
		object_each(SPACE_INSTANCES, 0, refresh, NULL);
	while (another_round());
	return NULL;
}

static void look_after_all(void)
{
	HOLD_LOCK(&rounds.lock);
	rounds.again = rounds.running;
	if (rounds.running)
		return;
	rounds.running = !watch_thread(look_after, NULL);
}

/* ---- the server ---- */

static void post_options(const struct server *s)
{
	struct options *o = board_options(s->kind);
	const struct options *own = &shm->options;

	*o = (struct options){ .takeover = own->takeover, .health = own->health, .foreground = own->foreground, .allow_other = 1,
			       .mount_flags = MS_NOSUID | MS_NODEV | MS_NOEXEC };
	snprintf(o->fsname, sizeof(o->fsname), "instfs-%s", s->name);
	snprintf(o->state_dir, sizeof(o->state_dir), "%s", model_rundir());
	path_of(s->name, o->mountpoint, sizeof(o->mountpoint));
}

/* What a server left that was killed together with its holder: dead, and in the way. */
static int clear_place(const char *place, struct err *e)
{
	struct mount_place m;

	while (!mount_find(place, &m, NULL))
		if (umount2(place, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return err_sys(e, errno, "unmount %s", place);
	if (mkdir(place, 0711) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s", place);
	return 0;
}

static int start(const struct server *s, struct err *e)
{
	char command[64];
	const char *argv[] = { "instfs", command, model_rundir(), NULL };
	struct spawn sp = { .path = "/proc/self/exe", .argv = argv, .session = true, .err = shm->options.foreground ? STDERR_FILENO : 0 };
	int r;

	snprintf(command, sizeof(command), "--internal-%s", s->name);
	post_options(s);
	r = clear_place(board_options(s->kind)->mountpoint, e);
	return r ? r : spawn_run(&sp, START_MS, NULL, e);
}

/* In the watch thread. */
static void all_dead(void *arg)
{
	struct server *s = arg;

	{
		HOLD_LOCK(&lock);
		if (s->watched >= 0) {
			watch_del(s->watch_id);
			close(s->watched);
			s->watched = -1;
		}
	}
	log_warning("the server of %s and its holder were killed; starting others", s->name);
	look_after_all();
}

static int watch(struct server *s)
{
	char path[256], name[64];

	snprintf(name, sizeof(name), "%s.alive", s->name);
	path_of(name, path, sizeof(path));
	s->watched = alive_watch(path);
	if (s->watched < 0)
		return s->watched;
	s->watch_id = watch_add(s->watched, all_dead, s);
	return 0;
}

static int ensure_one(struct server *s, struct err *e)
{
	int r;

	HOLD_LOCK(&lock);
	if (s->watched >= 0 || !watch(s))
		return 0;
	r = start(s, e);
	if (r)
		log_warning("containers see the host's /proc: %s", e ? e->text : strerror(-r));
	else
		watch(s);
	return r;
}

static int ensure(bool nesting, struct err *e)
{
	struct err own = ERR_INIT;
	int r = 0;

	if (!e)
		e = &own;
	if (!usable)
		return err_set(e, EOPNOTSUPP, "this daemon has no virtual files");
	for (int i = 0; !r && i < (nesting ? 2 : 1); i++)
		r = ensure_one(&servers[i], e);
	return r;
}

struct passing {
	uint32_t id;
	views_fn f;
	void *arg;
};

/* Files of /proc one by one, and of /sys the two directories: what stands beside these is the container's own. */
static int pass_on(const struct proc_row *r, void *arg)
{
	const struct passing *p = arg;
	const char *device = strncmp(r->path, "sys/devices/system/", 19) ? NULL : r->path + 19;
	bool in_proc = !strncmp(r->path, "proc/", 5);
	char source[512];

	snprintf(source, sizeof(source), "%s/views/%u/%s", model_rundir(), p->id, r->path);
	if (in_proc && S_ISREG(r->mode))
		p->f(source, r->path, r->flags & PROC_TRIGGER ? VIEWS_PRESSURE : 0, p->arg);
	else if (device && !strchr(device, '/'))
		p->f(source, r->path, VIEWS_DIRECTORY, p->arg);
	return 0;
}

static void each(uint32_t id, bool nesting, views_fn f, void *arg)
{
	char source[256];

	proc_row_each(pass_on, &(struct passing){ id, f, arg });
	path_of("nested", source, sizeof(source));
	if (nesting)
		f(source, "var/lib/lxcfs", VIEWS_DIRECTORY | VIEWS_NESTED, arg);
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
