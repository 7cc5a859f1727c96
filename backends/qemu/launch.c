// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * QEMU is started by setpriv(1), which gives up everything and becomes it: a process in a session and a control group of its own, as a
 * user that nothing else runs as, with its sockets and disks as descriptors. Its pid is in the keep before it runs (KEEP_BACKEND, struct
 * starting), so that after a kill of the server at any moment the next one either takes over what was begun or removes it.
 */
#include "backends/qemu/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/device.h"
#include "backends/core/keep.h"
#include "backends/core/spawn.h"
#include "backends/core/watch.h"
#include "backends/qemu/command.h"
#include "backends/qemu/machine.h"
#include "backends/qemu/socket.h"
#include "backends/qemu/vm.h"

#define START_MS 30000
#define STOP_S 30
#define PRESS_MS 5000		/* a guest that is still booting misses the button */
#define CALL_MS 5000
#define ADOPT_MS 1000		/* nobody is served meanwhile */
#define LOG_MAX (256 << 10)

struct starting {
	uint64_t start_time;
	int32_t pid;
	uint32_t reserved;
};

static void kill_and_wait(int pidfd)
{
	if (pidfd < 0)
		return;
	process_signal(pidfd, SIGKILL);
	watch_wait(pidfd, 5000);
}

/* ---- what must be there ---- */

/* The root disk is the image's; everything else would be silently missing in the guest. */
static int check_devices(const struct expanded *x, struct err *e)
{
	for (size_t i = 0; i < x->n; i++) {
		const struct expanded_item *it = &x->items[i];
		char type[32], path[8];

		if (it->kind != ENT_DEVICE || !device_get(it->value, it->len, "type", type, sizeof(type)) || !strcmp(type, "none"))
			continue;
		if (strcmp(type, "disk") != 0 || !device_get(it->value, it->len, "path", path, sizeof(path)) || strcmp(path, "/") != 0)
			return err_set(e, EOPNOTSUPP, "devices/%s: virtual machines can have no devices yet but their root disk; write type=none "
				       "there to do without it", it->name);
	}
	return 0;
}

static int make_directory(const struct place *p, struct err *e)
{
	char above[sizeof(p->dir)];

	snprintf(above, sizeof(above), "%.*s", (int)(strrchr(p->dir, '/') - p->dir), p->dir);
	if ((mkdir(above, 0700) < 0 && errno != EEXIST) || (mkdir(p->dir, 0700) < 0 && errno != EEXIST))
		return err_sys(e, errno, "%s", p->dir);
	return 0;
}

/* The messages of this start; those of the one before stay beside it. */
static int open_log(const struct place *p, struct err *e)
{
	char old[sizeof(p->log) + 4];
	int fd;

	snprintf(old, sizeof(old), "%s.1", p->log);
	rename(p->log, old);
	fd = open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? err_sys(e, errno, "%s", p->log) : fd;
}

/* ---- the process ---- */

struct birth {
	struct object *o;
	const struct place *p;
};

static int record_start(pid_t pid, uint64_t start_time, void *arg)
{
	const struct birth *b = arg;
	struct starting s = { .start_time = start_time, .pid = pid };

	cgroup_enter(b->p->cgroup, pid);
	return keep_put(KEEP_BACKEND, b->o->id, &s, sizeof(s));
}

static int find_process(struct object *o, struct starting *s)
{
	if (!keep_get_struct(KEEP_BACKEND, o->id, s, sizeof(*s)))
		return -1;
	return process_open(s->pid, s->start_time);
}

static int spawn_with(struct object *o, const struct place *p, const struct expanded *x, const int *sockets, struct spawned *ret,
		      struct err *e)
{
	_cleanup_command_ struct command c = { .n = 0 };
	_cleanup_close_ int log = open_log(p, e);
	struct birth b = { o, p };
	int r;

	if (log < 0)
		return log;
	r = command_make(&c, o, p, x, sockets, e);
	if (r < 0)
		return r;
	const struct spawn s = {
		.path = SETPRIV, .argv = (const char *const *)c.argv, .err = log, .fds = c.fds, .n_fds = c.n_fds,
		.session = true, .no_new_privs = true, .born = record_start, .born_arg = &b,
	};

	return spawn_start(&s, ret, e);
}

static int spawn_machine(struct object *o, const struct place *p, const struct expanded *x, struct spawned *ret, struct err *e)
{
	int sockets[VM_SOCKETS], r = make_directory(p, e);

	for (int i = 0; i < VM_SOCKETS; i++) {
		sockets[i] = r < 0 ? r : socket_listen(p->socket[i], e);
		r = sockets[i] < 0 ? sockets[i] : r;
	}
	if (!r)
		r = spawn_with(o, p, x, sockets, ret, e);
	for (int i = 0; i < VM_SOCKETS; i++)
		cleanup_close(&sockets[i]);
	return r;
}

/* "2026-01-02T03:04:05.678901Z qemu-system-x86_64: -drive: ...": the last line without time and name. */
static int explain(const struct place *p, const struct err *why, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *line, *name;

	buf_read_file(&b, AT_FDCWD, p->log, LOG_MAX);
	while (b.len && b.data[b.len - 1] == '\n')
		buf_resize(&b, b.len - 1);
	if (!b.len)
		return err_set(e, why->code, "the virtual machine did not start: %.400s", why->text);
	line = strrchr(b.data, '\n');
	line = line ? line + 1 : b.data;
	name = strstr(line, "qemu-system-x86_64: ");
	return err_set(e, EIO, "the virtual machine did not start: %.400s", name ? name + strlen("qemu-system-x86_64: ") : line);
}

static int fill_run(struct object *o, const struct place *p, const struct starting *s)
{
	HOLD_LOCK(&o->lock);
	o->run.init_pid = o->run.monitor_pid = s->pid;
	o->run.init_start = o->run.monitor_start = s->start_time;
	memcpy(o->run.cgroup, p->cgroup, sizeof(o->run.cgroup));
	clock_gettime(CLOCK_REALTIME, &o->run.started);
	return 0;
}

/* It runs when its monitor says so. */
static int wait_running(struct object *o, const struct place *p, const struct starting *s, int pidfd, struct err *e)
{
	struct err why = ERR_INIT;
	_cleanup_vm_ struct vm *v = vm_add(o, pidfd, &why);
	int r = v ? machine_learn(v, START_MS, &why) : -why.code;

	if (r < 0 && watch_wait(pidfd, r == -ETIMEDOUT ? 0 : 1000))
		return explain(p, &why, e);
	if (r < 0)
		return err_set(e, why.code, "the virtual machine did not start: %.400s", why.text);
	r = fill_run(o, p, s);
	return r < 0 ? r : vm_watch(v, e);
}

int launch_vm_start(struct object *o, const struct expanded *x, struct op *op, struct err *e)
{
	_cleanup_close_ int pidfd = -1;
	struct starting s = { .pid = 0 };
	struct spawned child = { .pidfd = -1 };
	struct place p;
	int r = 0;

	place_of_vm(o, &p);
	pidfd = find_process(o, &s);
	if (pidfd < 0 || !op->again) {
		kill_and_wait(pidfd);
		vm_clean(o, pidfd);
		cleanup_close(&pidfd);
		pidfd = -1;
		r = check_devices(x, e);
		if (!r)
			r = spawn_machine(o, &p, x, &child, e);
		if (!r) {
			pidfd = child.pidfd;
			s = (struct starting){ .pid = child.pid, .start_time = child.start_time };
		}
	}
	if (!r)
		r = wait_running(o, &p, &s, pidfd, e);
	if (!r)
		return 0;
	vm_hold(o->id);
	kill_and_wait(pidfd);
	vm_drop(o->id);
	vm_clean(o, pidfd);
	return r;
}

/* ---- finding it again ---- */

int launch_vm_adopt(struct object *o, struct err *e)
{
	_cleanup_close_ int pidfd = -1;
	static unsigned patience = ADOPT_MS;
	_cleanup_vm_ struct vm *v = NULL;
	bool frozen = false;
	struct starting s;
	struct run run;

	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	pidfd = process_open(run.init_pid, run.init_start);
	if (pidfd < 0) {
		pidfd = find_process(o, &s);
		/* a start is under way, and its operation will be continued */
		if (pidfd < 0)
			vm_clean(o, -1);
		return 0;
	}
	v = vm_add(o, pidfd, e);
	if (!v)
		return -e->code;
	/* One that does not answer runs all the same, and can be killed; after the first such one nobody else is waited for. */
	if (machine_learn(v, patience, NULL) == 0 && machine_is_stopped(v, patience, &frozen, NULL) == 0) {
		HOLD_LOCK(&o->lock);
		o->run.state = frozen ? INST_FROZEN : INST_RUNNING;
	} else {
		patience = QMP_QUICK_MS;
	}
	return vm_watch(v, e) < 0 ? -e->code : 1;
}

/* ---- the end ---- */

static int64_t seconds_left(const struct op *op)
{
	int64_t seconds = op->timeout ? op->timeout : STOP_S;
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	if (op->again && now.tv_sec > op->started.tv_sec)
		seconds -= now.tv_sec - op->started.tv_sec;
	return seconds;
}

/* The power button, again and again. */
static int ask(struct vm *v, struct op *op, struct err *e)
{
	int64_t left = seconds_left(op) * 1000;
	int r;

	op_progress(op, "waiting for the virtual machine to shut down, at most %d s", (int)(left / 1000));
	for (; left > 0; left -= PRESS_MS) {
		r = qmp_call(v->qmp, "system_powerdown", NULL, CALL_MS, NULL, e);
		if (watch_wait(v->pidfd, r < 0 ? 1000 : (int)(left < PRESS_MS ? left : PRESS_MS)))
			return 0;
		if (r < 0)
			return r;
	}
	return err_set(e, ETIMEDOUT, "the virtual machine did not shut down within %u s; it still runs (\"stopped force\" kills it)",
		       op->timeout ? op->timeout : STOP_S);
}

int launch_vm_stop(struct object *o, struct op *op, struct err *e)
{
	_cleanup_vm_ struct vm *v = NULL;
	int r = 0;

	vm_hold(o->id);
	v = vm_get(o->id);
	if (v && (op->flags & OP_FORCE))
		kill_and_wait(v->pidfd);
	else if (v)
		r = ask(v, op, e);
	if (r < 0) {
		vm_release(o->id);
		return r;
	}
	vm_drop(o->id);
	vm_clean(o, v ? v->pidfd : -1);
	return 0;
}
