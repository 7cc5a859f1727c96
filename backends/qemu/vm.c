// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See vm.h. `table.lock` guards the list, counts and watches, and is a leaf. Callbacks of the watch thread get an instance's id and take
 * the row by it, so that it may vanish at any time; ids are never reused.
 */
#include "backends/qemu/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/instance.h"
#include "backends/core/keep.h"
#include "backends/core/lifecycle.h"
#include "backends/core/spawn.h"
#include "backends/core/watch.h"
#include "backends/qemu/place.h"
#include "backends/qemu/socket.h"

#define CHUNK 16384
#define CONSOLE_MAX (512 << 10)		/* of one of the two files; the older one is kept beside it */

static struct {
	pthread_mutex_t lock;
	struct vm *list;
} table = { .lock = PTHREAD_MUTEX_INITIALIZER };

/* Under the lock. */
static struct vm **find(uint32_t id)
{
	struct vm **p = &table.list;

	while (*p && (*p)->id != id)
		p = &(*p)->next;
	return p;
}

struct vm *vm_get(uint32_t id)
{
	HOLD_LOCK(&table.lock);
	struct vm *v = *find(id);

	if (v)
		v->refs++;
	return v;
}

static void *id_arg(uint32_t id)
{
	return (void *)(uintptr_t)id;
}

static void destroy(struct vm *v)
{
	if (v->end_watch > 0)
		watch_del(v->end_watch);
	if (v->console_watch > 0)
		watch_del(v->console_watch);
	qmp_close(v->qmp);
	cleanup_close(&v->console);
	cleanup_close(&v->pidfd);
	pthread_mutex_destroy(&v->lock);
	free(v);
}

struct vm *vm_put(struct vm *v)
{
	bool last;

	if (!v)
		return NULL;
	pthread_mutex_lock(&table.lock);
	last = !--v->refs;
	pthread_mutex_unlock(&table.lock);
	if (last)
		destroy(v);
	return NULL;
}

/* The table's own reference goes to the caller. */
static struct vm *take(uint32_t id, bool only_free)
{
	HOLD_LOCK(&table.lock);
	struct vm **p = find(id), *v = *p;

	if (!v || (only_free && v->held))
		return NULL;
	*p = v->next;
	return v;
}

/* ---- the console ---- */

/* Two files, so that there is always something to read and never too much. */
static void append(const struct vm *v, const char *data, size_t len)
{
	_cleanup_close_ int fd = open(v->console_log, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
	char old[sizeof(v->console_log) + 4];
	struct stat st;

	if (fd < 0 || write(fd, data, len) < 0 || fstat(fd, &st) < 0 || st.st_size < CONSOLE_MAX)
		return;
	snprintf(old, sizeof(old), "%s.1", v->console_log);
	rename(v->console_log, old);
}

static void on_console(void *arg)
{
	_cleanup_vm_ struct vm *v = vm_get((uint32_t)(uintptr_t)arg);
	char chunk[CHUNK];
	ssize_t n = v ? recv(v->console, chunk, sizeof(chunk), MSG_DONTWAIT) : -1;

	if (n > 0)
		append(v, chunk, (size_t)n);
	if (n == 0)
		watch_del(v->console_watch);
}

/* ---- events ---- */

void vm_frozen(struct object *o, bool frozen)
{
	bool changed;

	pthread_mutex_lock(&o->lock);
	changed = !o->run.op && o->run.state == (frozen ? INST_RUNNING : INST_FROZEN);
	if (changed)
		o->run.state = frozen ? INST_FROZEN : INST_RUNNING;
	pthread_mutex_unlock(&o->lock);
	if (!changed)
		return;
	instance_save_run(o, NULL);
	object_changed(o, CHANGED_STATE | CHANGED_RUNTIME);
	wait_notify(o);
}

static void on_event(const char *event, const json_t *data, void *arg)
{
	bool stop = !strcmp(event, "STOP");
	_cleanup_object_ struct object *o = NULL;

	if (!stop && strcmp(event, "RESUME") != 0)
		return;
	o = object_get((uint32_t)(uintptr_t)arg);
	if (o)
		vm_frozen(o, stop);
}

void vm_clean(struct object *o, int pidfd)
{
	struct place p;
	int status;

	if (pidfd >= 0)
		spawn_reap(pidfd, &status);
	place_of_vm(o, &p);
	cgroup_remove(p.cgroup, NULL);
	for (int i = 0; i < VM_SOCKETS; i++)
		unlink(p.socket[i]);
	keep_del(KEEP_BACKEND, o->id);
	HOLD_LOCK(&o->lock);
	o->run.init_pid = o->run.monitor_pid = 0;
	o->run.init_start = o->run.monitor_start = 0;
	o->run.cgroup[0] = '\0';
}

static void on_end(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;
	_cleanup_vm_ struct vm *v = take(id, true);
	_cleanup_object_ struct object *o = NULL;
	int64_t w = 0;

	if (!v) {
		/* held: whoever holds it waits for the same descriptor; do not be called again and again */
		pthread_mutex_lock(&table.lock);
		v = *find(id);
		if (v) {
			w = v->end_watch;
			v->end_watch = 0;
		}
		pthread_mutex_unlock(&table.lock);
		v = NULL;
		watch_del(w);
		return;
	}
	watch_del(v->end_watch);
	o = object_get(id);
	if (!o)
		return;
	vm_clean(o, v->pidfd);
	instance_stopped(o);
}

/* ---- life ---- */

struct vm *vm_add(struct object *o, int pidfd, struct err *e)
{
	struct vm *v = calloc(1, sizeof(*v));
	struct place p;

	if (!v) {
		err_set(e, ENOMEM, "out of memory");
		return NULL;
	}
	place_of_vm(o, &p);
	v->id = o->id;
	v->refs = 1;
	pthread_mutex_init(&v->lock, NULL);
	memcpy(v->console_log, p.console, sizeof(v->console_log));
	v->pidfd = fcntl(pidfd, F_DUPFD_CLOEXEC, 3);
	v->console = socket_connect(p.socket[VM_CONSOLE], e);
	v->qmp = v->console < 0 ? NULL : qmp_open(p.socket[VM_QMP], on_event, id_arg(v->id), e);
	if (v->pidfd < 0 || !v->qmp)
		return vm_put(v);
	vm_drop(o->id);
	HOLD_LOCK(&table.lock);
	v->refs++;
	v->next = table.list;
	table.list = v;
	v->console_watch = watch_add(v->console, on_console, id_arg(v->id));
	return v;
}

int vm_watch(struct vm *v, struct err *e)
{
	HOLD_LOCK(&table.lock);

	v->held = false;
	if (v->end_watch <= 0)
		v->end_watch = watch_add(v->pidfd, on_end, id_arg(v->id));
	return v->end_watch > 0 ? 0 : err_sys(e, (int)-v->end_watch, "cannot watch the virtual machine");
}

void vm_hold(uint32_t id)
{
	HOLD_LOCK(&table.lock);
	struct vm *v = *find(id);

	if (v)
		v->held = true;
}

void vm_release(uint32_t id)
{
	_cleanup_vm_ struct vm *v = vm_get(id);

	if (v)
		vm_watch(v, NULL);
}

void vm_drop(uint32_t id)
{
	vm_put(take(id, false));
}
