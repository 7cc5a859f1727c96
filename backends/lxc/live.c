// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Running containers: see live.h. `lock` guards the table and its rows and is a leaf: nothing else is called under it.
 * Callbacks come
 * from the watch thread with the instance's id as argument, so that a row may vanish at any time; ids are never reused.
 */
#include "backends/lxc/live.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/instance.h"
#include "backends/core/keep.h"
#include "backends/core/mount.h"
#include "backends/core/spawn.h"
#include "backends/core/watch.h"
#include "backends/lxc/cpus.h"
#include "backends/lxc/device.h"
#include "backends/lxc/limits.h"
#include "backends/lxc/place.h"
#include "backends/lxc/proc.h"
#include "backends/lxc/processes.h"
#include "backends/lxc/viewmounts.h"

#define BUCKETS 256
#define LOOK_MS 4		/* first look for the new init after a reboot */
#define LOOK_MAX_MS 100
#define REBOOT_MAX_MS 30000	/* a monitor without init for that long is stuck */

struct live {
	uint32_t id;
	int monitor_fd, init_fd;
	int64_t monitor_watch, init_watch, timer;
	unsigned look_ms, looked_ms;
	bool held;
	struct live *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct live *table[BUCKETS];

static struct live **find(uint32_t id)
{
	struct live **l = &table[id % BUCKETS];

	while (*l && (*l)->id != id)
		l = &(*l)->next;
	return l;
}

static void *id_arg(uint32_t id)
{
	return (void *)(uintptr_t)id;
}

/* Takes the row out of the table, or with only_free leaves one that is held. The caller owns it then. */
static struct live *take(uint32_t id, bool only_free)
{
	HOLD_LOCK(&lock);
	struct live **p = find(id), *l = *p;

	if (!l || (only_free && l->held))
		return NULL;
	*p = l->next;
	return l;
}

/* Not under the lock: a callback may be running and want it. */
static void stop_watching(struct live *l)
{
	if (l->timer)
		watch_del(l->timer);
	if (l->init_watch)
		watch_del(l->init_watch);
	if (l->monitor_watch)
		watch_del(l->monitor_watch);
	l->timer = l->init_watch = l->monitor_watch = 0;
}

static void destroy(struct live *l)
{
	if (l->init_fd >= 0)
		close(l->init_fd);
	close(l->monitor_fd);
	free(l);
}

void live_clean(struct object *o, int monitor_fd)
{
	struct place p;
	int status;

	if (monitor_fd >= 0)
		spawn_reap(monitor_fd, &status);
	place_of(o, &p);
	cgroup_remove(p.cgroup, NULL);
	cgroup_remove(p.monitor, NULL);
	devices_gone(o, &p);
	mount_detach(p.rootfs, NULL);
	cpus_forget(o->id);
	keep_del(KEEP_BACKEND, o->id);
	HOLD_LOCK(&o->lock);
	o->run.init_pid = o->run.monitor_pid = 0;
	o->run.init_start = o->run.monitor_start = 0;
	o->run.cgroup[0] = '\0';
}

static void on_monitor(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;
	_cleanup_object_ struct object *o = NULL;
	struct live *l = take(id, true);
	int64_t w = 0;

	if (!l) {
		/* held: whoever holds it waits for the same descriptor; do not be called again and again */
		pthread_mutex_lock(&lock);
		l = *find(id);
		if (l) {
			w = l->monitor_watch;
			l->monitor_watch = 0;
		}
		pthread_mutex_unlock(&lock);
		if (w)
			watch_del(w);
		return;
	}
	stop_watching(l);
	o = object_get(id);
	if (o) {
		live_clean(o, l->monitor_fd);
		instance_stopped(o);
	}
	destroy(l);
}

static void on_init(void *arg);
static void on_look(void *arg);

/* A container that rebooted has new groups with the limits of its start, and the devices of its start: bring them up to date. */
static void renew(struct object *o)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	struct limits limits;
	struct err e = ERR_INIT;
	struct place p;
	struct run run;

	place_of(o, &p);
	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	if (config_expand(o, &x, NULL) < 0)
		return;
	if (devices_started(o, &x, &e) < 0)
		object_error_set(o, &e);
	if (limits_make(&x, o->id, LIMITS_ALL & ~LIMITS_CPUSET, true, &limits, NULL) == 0)
		limits_write(&limits, p.cgroup, NULL);
	cpus_apply(o->id, p.cgroup, expanded_get(&x, "limits.cpu"), NULL);
	processes_renew(&run, &x);
}

static bool note_new_init(struct object *o, pid_t pid, int *fd)
{
	uint64_t start = process_start_time(pid);

	*fd = process_open(pid, start);
	if (*fd < 0)
		return false;
	pthread_mutex_lock(&o->lock);
	o->run.init_pid = pid;
	o->run.init_start = start;
	pthread_mutex_unlock(&o->lock);
	renew(o);
	viewmounts_grant(o, o->run.cgroup);
	instance_save_run(o, NULL);
	object_changed(o, CHANGED_RUNTIME);
	return true;
}

static void look_again(uint32_t id)
{
	unsigned ms = LOOK_MS;
	int64_t timer;
	struct live *l;

	pthread_mutex_lock(&lock);
	l = *find(id);
	if (l) {
		ms = l->look_ms < LOOK_MAX_MS ? l->look_ms : LOOK_MAX_MS;
		l->look_ms *= 2;
		l->looked_ms += ms;
		if (l->looked_ms > REBOOT_MAX_MS)
			process_signal(l->monitor_fd, SIGKILL);
	}
	pthread_mutex_unlock(&lock);
	if (!l)
		return;
	/* This is the watch thread: the timer cannot fire before it is noted. */
	timer = watch_timer(ms, on_look, id_arg(id));
	pthread_mutex_lock(&lock);
	l = *find(id);
	if (l)
		l->timer = timer;
	pthread_mutex_unlock(&lock);
	if (!l && timer)
		watch_del(timer);
}

static void watch_init_fd(uint32_t id, int fd)
{
	int64_t w = watch_add(fd, on_init, id_arg(id));
	struct live *l;

	pthread_mutex_lock(&lock);
	l = *find(id);
	if (l) {
		l->init_fd = fd;
		l->init_watch = w;
	}
	pthread_mutex_unlock(&lock);
	if (!l) {
		watch_del(w);
		close(fd);
	}
}

static void on_look(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;
	_cleanup_object_ struct object *o = object_get(id);
	pid_t monitor, init;
	struct live *l;
	int fd;

	pthread_mutex_lock(&lock);
	l = *find(id);
	if (l)
		l->timer = 0;
	pthread_mutex_unlock(&lock);
	if (!l || !o)
		return;
	pthread_mutex_lock(&o->lock);
	monitor = o->run.monitor_pid;
	pthread_mutex_unlock(&o->lock);
	init = monitor ? proc_init_of(monitor) : 0;
	if (init && note_new_init(o, init, &fd))
		watch_init_fd(id, fd);
	else if (monitor)
		look_again(id);
}

/* Init is gone and the monitor perhaps not: look for another init until the monitor goes too. */
static void on_init(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;
	struct live *l;
	int64_t w = 0;
	int fd = -1;

	pthread_mutex_lock(&lock);
	l = *find(id);
	if (l) {
		w = l->init_watch;
		fd = l->init_fd;
		l->init_watch = 0;
		l->init_fd = -1;
		l->look_ms = LOOK_MS;
		l->looked_ms = 0;
	}
	pthread_mutex_unlock(&lock);
	if (!w)
		return;
	watch_del(w);
	close(fd);
	look_again(id);
}

int live_add(struct object *o, struct err *e)
{
	struct live *l = calloc(1, sizeof(*l)), *old;
	struct run run;

	if (!l)
		return err_set(e, ENOMEM, "no memory to watch the container");
	old = take(o->id, false);
	if (old) {
		stop_watching(old);
		destroy(old);
	}
	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	l->id = o->id;
	l->monitor_fd = process_open(run.monitor_pid, run.monitor_start);
	l->init_fd = process_open(run.init_pid, run.init_start);
	if (l->monitor_fd < 0 || l->init_fd < 0) {
		if (l->monitor_fd >= 0)
			close(l->monitor_fd);
		if (l->init_fd >= 0)
			close(l->init_fd);
		free(l);
		return err_set(e, ESRCH, "the container ended as soon as it had begun");
	}
	/* Under the lock callbacks wait until the ids are noted. watch_add() takes its own lock only for short. */
	pthread_mutex_lock(&lock);
	l->next = table[l->id % BUCKETS];
	table[l->id % BUCKETS] = l;
	l->init_watch = watch_add(l->init_fd, on_init, id_arg(l->id));
	l->monitor_watch = watch_add(l->monitor_fd, on_monitor, id_arg(l->id));
	pthread_mutex_unlock(&lock);
	return 0;
}

/* A copy, because f may take long. */
static uint32_t *copy_ids(size_t *n)
{
	HOLD_LOCK(&lock);
	uint32_t *ids;

	*n = 0;
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct live *l = table[i]; l; l = l->next)
			++*n;
	ids = calloc(*n + 1, sizeof(*ids));
	*n = 0;
	for (size_t i = 0; i < BUCKETS && ids; i++)
		for (const struct live *l = table[i]; l; l = l->next)
			ids[(*n)++] = l->id;
	return ids;
}

bool live_each(bool (*f)(uint32_t id))
{
	size_t n;
	_cleanup_free_ uint32_t *ids = copy_ids(&n);
	bool all = ids != NULL;

	for (size_t i = 0; i < n; i++)
		all &= f(ids[i]);
	return all;
}

void live_hold(uint32_t id)
{
	HOLD_LOCK(&lock);
	struct live *l = *find(id);

	if (l)
		l->held = true;
}

void live_release(uint32_t id)
{
	HOLD_LOCK(&lock);
	struct live *l = *find(id);

	if (!l)
		return;
	l->held = false;
	if (!l->monitor_watch)
		l->monitor_watch = watch_add(l->monitor_fd, on_monitor, id_arg(id));
}

void live_drop(uint32_t id)
{
	struct live *l = take(id, false);

	if (!l)
		return;
	stop_watching(l);
	destroy(l);
}
