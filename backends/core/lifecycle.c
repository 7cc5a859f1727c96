// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Start, stop, restart, freeze and thaw, and what follows when an instance stopped. Executors run in workers with no lock
 * held; run.state and the marks in struct op change under object.lock.
 *
 * Who cleans up after an instance that ended by itself: without an operation, instance_stopped() does. With one that a
 * worker has, it only marks the operation (`ended`), and lifecycle_execute() and lifecycle_ended() see to the rest, because
 * a stop or restart may be waiting for just that.
 */
#include "backends/core/lifecycle.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/event.h"
#include "backends/core/exec.h"
#include "backends/core/idmap.h"
#include "backends/core/keep.h"
#include "backends/core/run.h"
#include "backends/core/storage.h"
#include "backends/core/value.h"

/* boot.autorestart, and where what it counts is in the keep: other numbers there have other bits set. */
#define RESTART_TRIES 10
#define RESTART_SECONDS 60
#define RESTARTS (1ULL << 61)

/* ---- facts ---- */

bool lifecycle_has_root(struct object *o)
{
	char source[8];

	if (backend_caps(o) & BACKEND_ROOTFS)
		return storage_exists(o);
	return object_value(o, ENT_FIELD, "source", source, sizeof(source));
}

int lifecycle_no_root(struct object *o, int code, struct err *e)
{
	return err_set(e, code, "%s has no root file system; write images/NAME or another origin to its `source` first", o->name);
}

enum inst_state lifecycle_state(struct op *op)
{
	HOLD_LOCK(&op->obj->lock);

	return op->ended ? INST_STOPPED : op->after;
}

void lifecycle_set_state(struct op *op, enum inst_state s)
{
	HOLD_LOCK(&op->obj->lock);

	op->after = s;
}

bool instance_is_running(struct object *o)
{
	HOLD_LOCK(&o->lock);

	return o->run.state != INST_STOPPED && o->run.state != INST_ERROR;
}

bool instance_is_32_bit(struct object *o)
{
	static const char *const narrow[] = { "i686", "i386", "i586", "armv7l", "armhf", "armv6l", "ppc", "s390" };
	char arch[32];

	if (!object_value(o, ENT_FIELD, "architecture", arch, sizeof(arch)))
		return false;
	for (size_t i = 0; i < sizeof(narrow) / sizeof(*narrow); i++)
		if (!strcmp(arch, narrow[i]))
			return true;
	return false;
}

int instance_save_run(struct object *o, struct err *e)
{
	return run_save(o, true, e);
}

static bool is_ephemeral(struct object *o)
{
	char text[8];
	bool yes;

	return object_value(o, ENT_FIELD, "ephemeral", text, sizeof(text)) && !value_bool(text, &yes, NULL) && yes;
}

/* Nothing runs any more. Under object.lock; state and operation stay. */
static void forget_processes(struct run *run)
{
	*run = (struct run){ .state = run->state, .op = run->op };
}

/* ---- start ---- */

static int prepare_root(struct object *o, const struct expanded *x, struct err *e)
{
	struct idmap map;
	char path[512];
	int r = idmap_for(x, &map, e);

	return r < 0 ? r : rootfs_mount(o, NULL, path, sizeof(path), e);
}

static void remember_use(struct object *o)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	value_print_time(&b, time(NULL));
	buf_addch(&b, '\n');
	/* A fact for the curious: a start does not fail for it. */
	if (!buf_error(&b))
		object_set(o, ENT_FIELD, "last_used", b.data, b.len, NULL);
}

/* The backend says that it runs. */
static int launched(struct op *op, const struct expanded *x, struct err *e)
{
	struct object *o = op->obj;
	int r;

	{
		HOLD_LOCK(&o->lock);

		if (op->ended)
			return err_set(e, ECHILD, "%s ended while it was being started; its `log` may say why", o->name);
		op->after = INST_RUNNING;
		if (!o->run.started.tv_sec)
			clock_gettime(CLOCK_REALTIME, &o->run.started);
	}
	r = run_save(o, true, e);
	if (!r)
		r = config_started(o, x, e);
	if (!r)
		remember_use(o);
	return r;
}

/* A start that cannot be finished: nothing is left of it. */
static void undo_start(struct op *op)
{
	struct object *o = op->obj;
	unsigned flags = op->flags;

	if (lifecycle_state(op) != INST_STOPPED) {
		op->flags |= OP_FORCE;
		backend_stop(o, op, NULL);
		op->flags = flags;
	}
	{
		HOLD_LOCK(&o->lock);

		op->ended = false;
		op->after = INST_STOPPED;
		forget_processes(&o->run);
	}
	exec_instance_gone(o);
	run_remove(o);
}

/* Asked before a restart stops anything. A guest that reboots by itself does not come here. */
static int check_protection(struct object *o, const struct expanded *x, struct err *e)
{
	if (!expanded_bool(x, "security.protection.start", false))
		return 0;
	return err_set(e, EPERM, "%s is protected from being started; unset security.protection.start first", o->name);
}

static int check_restart(struct object *o, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .n = 0 };
	int r = config_expand(o, &x, e);

	return r < 0 ? r : check_protection(o, &x, e);
}

static int launch(struct op *op, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .n = 0 };
	struct object *o = op->obj;
	int r;

	if (!lifecycle_has_root(o))
		return lifecycle_no_root(o, ENOENT, e);
	r = config_expand(o, &x, e);
	if (!r && lifecycle_state(op) == INST_RUNNING)
		return launched(op, &x, e);
	if (!r && !op->again)
		r = check_protection(o, &x, e);
	if (!r && (backend_caps(o) & (BACKEND_ROOTFS | BACKEND_DISK)) == BACKEND_ROOTFS)
		r = prepare_root(o, &x, e);
	/* Before it runs: should even the keep be lost, the next server knows whom to look for. */
	if (!r)
		r = run_save(o, false, e);
	if (!r)
		r = backend_start(o, &x, op, e);
	if (!r)
		r = launched(op, &x, e);
	if (r < 0)
		undo_start(op);
	return r;
}

static int start(struct op *op, struct err *e)
{
	return launch(op, e);
}

/* ---- stop ---- */

static void halted(struct op *op)
{
	struct object *o = op->obj;

	{
		HOLD_LOCK(&o->lock);

		op->ended = false;
		op->after = INST_STOPPED;
		forget_processes(&o->run);
	}
	exec_instance_gone(o);
	/* The record of an ephemeral one goes with it: should this server be killed in between, the next one finds it by that. */
	if (op->kind == OP_STOP && op->flags & OP_SHUTDOWN && !is_ephemeral(o) && !run_save_halted(o, NULL))
		return;
	if (op->kind != OP_STOP || !is_ephemeral(o))
		run_remove(o);
}

static int halt(struct op *op, struct err *e)
{
	enum inst_state now = lifecycle_state(op);
	int r = 0;

	/* A frozen guest cannot shut itself down. */
	if (now == INST_FROZEN && !(op->flags & OP_FORCE)) {
		r = backend_thaw(op->obj, op, e);
		if (r < 0)
			return r;
		lifecycle_set_state(op, INST_RUNNING);
	}
	if (now != INST_STOPPED)
		r = backend_stop(op->obj, op, e);
	if (!r)
		halted(op);
	return r;
}

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : a->tv_nsec > b->tv_nsec;
}

/* Whether an earlier server had come as far as the new start. */
static bool started_since(struct op *op)
{
	HOLD_LOCK(&op->obj->lock);

	return op->again && op->after == INST_RUNNING && later(&op->obj->run.started, &op->started);
}

static int restart(struct op *op, struct err *e)
{
	int r = 0;

	if (!op->again)
		r = check_restart(op->obj, e);
	if (!r && !started_since(op))
		r = halt(op, e);
	return r < 0 ? r : launch(op, e);
}

/* ---- freeze and thaw ---- */

static int change_freezer(struct op *op, enum inst_state to, int (*f)(struct object *o, struct op *op, struct err *e),
			  struct err *e)
{
	enum inst_state now = lifecycle_state(op);
	int r;

	if (now == INST_STOPPED)
		return err_set(e, EINVAL, "%s is stopped; start it first", op->obj->name);
	r = now == to ? 0 : f(op->obj, op, e);
	if (r < 0)
		return r;
	lifecycle_set_state(op, to);
	return 0;
}

static int freeze(struct op *op, struct err *e)
{
	return change_freezer(op, INST_FROZEN, backend_freeze, e);
}

static int thaw(struct op *op, struct err *e)
{
	return change_freezer(op, INST_RUNNING, backend_thaw, e);
}

/* ---- the end of an operation, and of an instance ---- */

void lifecycle_drop_ephemeral(struct object *o)
{
	struct err e = ERR_INIT;

	if (!is_ephemeral(o))
		return;
	backend_forget(o);
	if (rootfs_unmount(o, NULL, &e) < 0 || object_remove(o, &e) < 0)
		object_error_set(o, &e);
	/* EBUSY: somebody has started it again, and the record is a new one. */
	if (e.code != EBUSY)
		run_remove(o);
}

/* How often an instance was started again because it ended; of whoever starts a crashing one, in whatever server. */
struct restarts {
	int64_t since;		/* CLOCK_BOOTTIME, seconds */
	uint32_t n, pad;
	uint64_t unused;	/* not as long as a stamp, see change_save() */
};

static bool may_restart(struct object *o)
{
	const uint64_t key = RESTARTS | o->id;
	struct restarts r = { .n = 0 };
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	if (!keep_get_struct(KEEP_COUNTER, key, &r, sizeof(r)) || now.tv_sec - r.since >= RESTART_SECONDS)
		r = (struct restarts){ .since = now.tv_sec };
	if (++r.n > RESTART_TRIES)
		return false;
	keep_put(KEEP_COUNTER, key, &r, sizeof(r));
	return true;
}

/* boot.autorestart: what ended by itself is started again. */
static void restart_ended(struct object *o)
{
	_cleanup_expanded_ struct expanded x = { .n = 0 };
	const struct caller who = CALLER_DAEMON;
	struct err e = ERR_INIT;

	if (o->gone || is_ephemeral(o) || config_expand(o, &x, NULL) < 0 || !expanded_bool(&x, "boot.autorestart", false))
		return;
	if (!may_restart(o))
		err_set(&e, EAGAIN, "%s ended more than %d times in %d seconds and is not started again (boot.autorestart)", o->name,
			RESTART_TRIES, RESTART_SECONDS);
	else
		op_submit(o, OP_START, NULL, OP_DAEMON, 0, &who, NULL, NULL, &e);
	/* Busy: somebody else decided what becomes of it. */
	if (e.code && e.code != EBUSY)
		object_error_set(o, &e);
}

static void tell_stopped(struct object *o, const char *how)
{
	_cleanup_buf_ struct buf extra = BUF_INIT;

	exec_instance_gone(o);
	event_add_member(&extra, "how", how);
	event_emit("instance-stopped", o, buf_str(&extra));
	lifecycle_drop_ephemeral(o);
}

static const char *const success_events[OP_KIND_MAX] = {
	[OP_START] = "instance-started",
	[OP_RESTART] = "instance-restarted",
	[OP_FREEZE] = "instance-paused",
	[OP_THAW] = "instance-resumed",
};

int lifecycle_execute(struct op *op, int (*f)(struct op *op, struct err *e), struct err *e)
{
	struct object *o = op->obj;
	int r = f(op, e);
	bool ended;

	pthread_mutex_lock(&o->lock);
	ended = op->ended;
	pthread_mutex_unlock(&o->lock);
	/* instance_stopped() removed it before or will do so, but the executor may have written it anew in between. */
	if (ended)
		run_remove(o);
	return r;
}

void lifecycle_ended(struct op *op)
{
	struct object *o = op->obj;

	if (!op->result && success_events[op->kind])
		event_emit(success_events[op->kind], o, NULL);
	if (op->ended) {
		tell_stopped(o, "itself");
		restart_ended(o);
	} else if (op->kind == OP_STOP && !op->result) {
		tell_stopped(o, op->flags & OP_FORCE ? "forced" : "shutdown");
	}
	wait_notify(o);
}

enum ending { NO_NEWS, IDLE, BUSY };

/* note: write it down. With an operation, the rest is that operation's. */
static enum ending look_at_end(struct object *o, bool note)
{
	HOLD_LOCK(&o->lock);
	struct op *op = o->run.op;

	if (op ? op->ended : o->run.state == INST_STOPPED || o->run.state == INST_ERROR)
		return NO_NEWS;
	if (note) {
		forget_processes(&o->run);
		if (op)
			op->ended = true;
		else
			o->run.state = INST_STOPPED;
	}
	return op ? BUSY : IDLE;
}

void instance_stopped(struct object *o)
{
	enum ending end;

	object_ref(o);
	/* While it still counts as running nobody can start it, so that the record is not the one of a new start. */
	if (look_at_end(o, false) == IDLE && !is_ephemeral(o))
		run_remove(o);
	end = look_at_end(o, true);
	if (end == IDLE)
		tell_stopped(o, "itself");
	if (end == BUSY)
		run_remove(o);
	if (end != NO_NEWS) {
		object_changed(o, CHANGED_STATE | CHANGED_RUNTIME);
		wait_notify(o);
	}
	if (end == IDLE)
		restart_ended(o);
	object_put(o);
}

#define EXECUTOR(verb)                                              \
	static int execute_##verb(struct op *op, struct err *e)     \
	{                                                           \
		return lifecycle_execute(op, verb, e);              \
	}
EXECUTOR(start)
EXECUTOR(halt)
EXECUTOR(restart)
EXECUTOR(freeze)
EXECUTOR(thaw)

void lifecycle_register(void)
{
	static const struct op_class rows[OP_KIND_MAX] = {
		[OP_START] = { "start", INST_STARTING, execute_start, lifecycle_ended },
		[OP_STOP] = { "stop", INST_STOPPING, execute_halt, lifecycle_ended },
		[OP_RESTART] = { "restart", INST_RESTARTING, execute_restart, lifecycle_ended },
		[OP_FREEZE] = { "freeze", INST_FREEZING, execute_freeze, lifecycle_ended },
		[OP_THAW] = { "thaw", INST_THAWING, execute_thaw, lifecycle_ended },
	};

	for (enum op_kind k = OP_START; k <= OP_THAW; k++)
		op_register(k, &rows[k]);
}
