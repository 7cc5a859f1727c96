// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Operations: a table of those under way (by object), a queue for the workers, the results that a re-sent request may ask
 * for, and for each of them a record in the keep.
 *
 * `lock` guards table, queue and results, and the members of struct op that are "op.c's own"; it is taken after object.lock,
 * and only the keep's mutex is taken inside. An operation is in the table from the moment in which it is accepted until its
 * object is free again; done() is taken out of it in that same moment.
 */
#include "backends/core/op.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/event.h"
#include "backends/core/keep.h"
#include "backends/core/op_result.h"
#include "backends/core/value.h"

#define BUCKETS 256
#define WORKER_STACK (256 << 10)
#define WORKERS_MAX 256
#define NOTIFY_MS 100
#define CRASHES_MAX 3

struct job {
	struct op op;		/* first: executors see this alone */
	struct job *next, *queue_next;
	bool waited;		/* a request waits, or will be sent again */
	bool begun;		/* a worker of this server has it */
	uint8_t crashes;	/* of servers, in a row, while it was carried out */
	int64_t notified;	/* milliseconds */
};

/* In the keep, followed by the bytes of arg. */
struct op_record {
	uint64_t unique;
	int64_t sec;
	uint32_t nsec, object, flags, timeout;
	int32_t result;
	uint16_t kind;
	uint8_t before, waited, finished, begun, crashes, pad[5];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static struct op_class classes[OP_KIND_MAX];
static struct job *table[BUCKETS];
static struct job *queue, **queue_end = &queue;
static uint64_t last_id;
static unsigned crew;		/* number of the present set of workers; older ones leave when idle */
static bool loaded, crashed;

void op_register(enum op_kind k, const struct op_class *c)
{
	classes[k] = *c;
}

static const char *kind_name(enum op_kind k)
{
	return classes[k].name ? classes[k].name : "unknown";
}

/* ---- the table; under the lock ---- */

static struct job *job_of(uint32_t object)
{
	struct job *j = table[object % BUCKETS];

	while (j && j->op.obj->id != object)
		j = j->next;
	return j;
}

static void table_add(struct job *j)
{
	struct job **p = &table[j->op.obj->id % BUCKETS];

	j->next = *p;
	*p = j;
}

static void table_del(struct job *j)
{
	struct job **p = &table[j->op.obj->id % BUCKETS];

	while (*p != j)
		p = &(*p)->next;
	*p = j->next;
}

static void enqueue(struct job *j)
{
	j->queue_next = NULL;
	*queue_end = j;
	queue_end = &j->queue_next;
	pthread_cond_signal(&work);
}

static struct job *dequeue(void)
{
	struct job *j = queue;

	queue = j->queue_next;
	if (!queue)
		queue_end = &queue;
	return j;
}

/* ---- records; under the lock ---- */

static int record_put(const struct job *j)
{
	const struct op *op = &j->op;
	unsigned char buf[sizeof(struct op_record) + sizeof(op->arg)];
	size_t len = strlen(op->arg);
	const struct op_record r = {
		.unique = op->unique, .sec = op->started.tv_sec, .nsec = (uint32_t)op->started.tv_nsec, .object = op->obj->id,
		.flags = op->flags, .timeout = op->timeout, .result = op->result, .kind = (uint16_t)op->kind,
		.before = (uint8_t)op->before, .waited = j->waited, .finished = op->finished, .begun = j->begun,
		.crashes = j->crashes,
	};

	memcpy(buf, &r, sizeof(r));
	memcpy(buf + sizeof(r), op->arg, len);
	return keep_put(KEEP_OP, op->id, buf, sizeof(r) + len);
}

static void record_end(struct job *j)
{
	if (!j->op.unique || record_put(j) < 0)
		keep_del(KEEP_OP, j->op.id);
	else
		op_result_add(j->op.id, j->op.unique, j->op.obj->id, j->op.result, j->waited);
}

bool op_known(uint64_t unique)
{
	HOLD_LOCK(&lock);

	if (!unique)
		return false;
	if (op_result_of(unique))
		return true;
	for (size_t i = 0; i < BUCKETS; i++)
		for (const struct job *j = table[i]; j; j = j->next)
			if (j->op.unique == unique)
				return true;
	return false;
}

void op_acknowledge(uint64_t unique)
{
	HOLD_LOCK(&lock);

	if (unique)
		op_result_drop(unique);
}

/* ---- asking ---- */

bool op_busy(struct object *o, char *buf, size_t size)
{
	HOLD_LOCK(&lock);
	const struct job *j = job_of(o->id);

	if (j)
		snprintf(buf, size, "%s", kind_name(j->op.kind));
	return j;
}

bool op_waited(struct object *o, char *buf, size_t size)
{
	HOLD_LOCK(&lock);
	const struct job *j = job_of(o->id);

	if (j)
		snprintf(buf, size, "%s", kind_name(j->op.kind));
	return j && j->op.done;
}

/* A request that an earlier server had seen, or that is sent twice. */
static bool attach(struct object *o, uint64_t unique, void (*done)(void *arg, int result), void *done_arg)
{
	const struct op_result *r;
	struct job *j;
	int result;

	if (!unique)
		return false;
	pthread_mutex_lock(&lock);
	j = job_of(o->id);
	if (j && j->op.unique == unique) {
		j->op.done = done;
		j->op.done_arg = done_arg;
		j->waited |= done != NULL;
		pthread_mutex_unlock(&lock);
		return true;
	}
	r = op_result_of(unique);
	if (!r || r->object != o->id) {
		pthread_mutex_unlock(&lock);
		return false;
	}
	result = r->result;
	pthread_mutex_unlock(&lock);
	if (done)
		done(done_arg, result);
	return true;
}

static struct job *job_new(struct object *o, enum op_kind k, const char *arg, unsigned flags, unsigned timeout)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j)
		return NULL;
	j->op.kind = k;
	j->op.obj = object_ref(o);
	j->op.flags = flags;
	j->op.timeout = timeout;
	if (arg)
		snprintf(j->op.arg, sizeof(j->op.arg), "%s", arg);
	clock_gettime(CLOCK_REALTIME, &j->op.started);
	return j;
}

static void job_free(struct job *j)
{
	object_put(j->op.obj);
	free(j);
}

/* Shows the operation in its object. Under both locks. */
static void show(struct job *j)
{
	struct object *o = j->op.obj;

	o->run.op = &j->op;
	if (classes[j->op.kind].during != INST_STOPPED)
		o->run.state = classes[j->op.kind].during;
}

static int accept_job(struct job *j, struct err *e)
{
	struct object *o = j->op.obj;
	HOLD_LOCK(&o->lock);
	HOLD_LOCK(&lock);
	const struct job *other = job_of(o->id);

	if (o->gone)
		return err_set(e, ENOENT, "%s was removed", o->name);
	if (other)
		return err_set(e, EBUSY, "%s is busy: the operation \"%s\" is under way, see `progress`", o->name, kind_name(other->op.kind));
	j->op.id = ++last_id;
	j->op.before = j->op.after = o->run.state;
	if (record_put(j) < 0)
		return err_set(e, ENOSPC, "too much is under way: there is no memory left to remember one more operation");
	table_add(j);
	show(j);
	enqueue(j);
	return 0;
}

int op_submit(struct object *o, enum op_kind k, const char *arg, unsigned flags, unsigned timeout, const struct caller *who,
	      void (*done)(void *arg, int result), void *done_arg, struct err *e)
{
	struct job *j;
	int r;

	if (attach(o, who->unique, done, done_arg))
		return 0;
	if (!classes[k].execute)
		return err_set(e, EOPNOTSUPP, "this daemon has no operation of that kind (%d)", k);
	if (arg && strlen(arg) >= sizeof(j->op.arg))
		return err_set(e, ENAMETOOLONG, "more than %zu bytes", sizeof(j->op.arg) - 1);
	j = job_new(o, k, arg, flags | (who->uid ? 0 : OP_BY_ROOT), timeout);
	if (!j)
		return err_set(e, ENOMEM, "no memory for an operation");
	j->op.unique = who->unique;
	j->op.done = done;
	j->op.done_arg = done_arg;
	j->waited = done && who->unique;
	r = accept_job(j, e);
	if (r < 0)
		job_free(j);
	else
		object_changed(o, CHANGED_STATE | CHANGED_PROGRESS);
	return r;
}

bool op_detach(struct object *o, void *done_arg)
{
	HOLD_LOCK(&lock);
	struct job *j = job_of(o->id);

	if (!j || !j->op.done || j->op.done_arg != done_arg)
		return false;
	j->op.done = NULL;
	j->op.unique = 0;
	j->waited = false;
	record_put(j);
	return true;
}

/* ---- progress ---- */

static int64_t milliseconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void op_progress(struct op *op, const char *fmt, ...)
{
	struct job *j = (struct job *)op;
	char text[sizeof(op->progress)];
	int64_t now = milliseconds();
	bool notify;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&lock);
	memcpy(op->progress, text, sizeof(text));
	notify = now - j->notified >= NOTIFY_MS;
	if (notify)
		j->notified = now;
	pthread_mutex_unlock(&lock);
	if (notify)
		object_changed(op->obj, CHANGED_PROGRESS);
}

void op_print_progress(struct object *o, struct buf *out)
{
	HOLD_LOCK(&lock);
	const struct job *j = job_of(o->id);

	if (!j)
		return;
	buf_addf(out, "operation %s\nsince ", kind_name(j->op.kind));
	value_print_time(out, j->op.started.tv_sec);
	buf_addch(out, '\n');
	if (j->op.progress[0])
		buf_addf(out, "progress %s\n", j->op.progress);
}

/* ---- carrying out ---- */

static void tell_failure(struct op *op)
{
	_cleanup_buf_ struct buf extra = BUF_INIT;

	event_add_member(&extra, "operation", kind_name(op->kind));
	event_add_member(&extra, "error", op->err.text);
	event_emit("operation-failed", op->obj, buf_str(&extra));
}

/* The record says "finished" before anybody is told, and the object is free before that. */
static void finish(struct job *j)
{
	struct object *o = j->op.obj;
	void (*done)(void *arg, int result);
	void *done_arg;

	object_error_set(o, &j->op.err);
	{
		HOLD_LOCK(&o->lock);
		HOLD_LOCK(&lock);

		j->op.finished = true;
		o->run.op = NULL;
		o->run.state = j->op.ended ? INST_STOPPED : j->op.after;
		table_del(j);
		record_end(j);
		done = j->op.done;
		done_arg = j->op.done_arg;
	}
	if (classes[j->op.kind].ended)
		classes[j->op.kind].ended(&j->op);
	if (j->op.result < 0)
		tell_failure(&j->op);
	object_changed(o, CHANGED_STATE | CHANGED_PROGRESS | CHANGED_ERROR);
	if (done)
		done(done_arg, j->op.result);
	job_free(j);
}

static void begin(struct job *j)
{
	HOLD_LOCK(&j->op.obj->lock);
	HOLD_LOCK(&lock);

	j->op.begun = j->begun = true;
	record_put(j);
}

static void carry_out(struct job *j)
{
	const struct op_class *c = &classes[j->op.kind];
	int r;

	begin(j);
	if (j->crashes >= CRASHES_MAX)
		r = err_set(&j->op.err, EIO, "the operation \"%s\" crashed the server %d times and was given up", kind_name(j->op.kind),
			    CRASHES_MAX);
	else if (c->execute)
		r = c->execute(&j->op, &j->op.err);
	else
		r = err_set(&j->op.err, EOPNOTSUPP, "an operation of an unknown kind (%d)", j->op.kind);
	j->op.result = r < 0 ? r : 0;
	if (r >= 0)
		err_clear(&j->op.err);
	else if (!j->op.err.code)
		err_sys(&j->op.err, -r, "%s: the operation \"%s\" failed", j->op.obj->name, kind_name(j->op.kind));
	finish(j);
}

static void *worker(void *arg)
{
	unsigned mine = (unsigned)(uintptr_t)arg;

	for (;;) {
		struct job *j;

		pthread_mutex_lock(&lock);
		while (!queue && mine == crew)
			pthread_cond_wait(&work, &lock);
		if (mine != crew) {
			pthread_mutex_unlock(&lock);
			return NULL;
		}
		j = dequeue();
		pthread_mutex_unlock(&lock);
		carry_out(j);
	}
}

/* ---- what an earlier server left ---- */

/* What is left of the time that was given, so that restarts of the server do not stretch it for ever. */
static unsigned time_left(const struct op_record *r)
{
	time_t gone = time(NULL) - (time_t)r->sec;

	if (!r->timeout || gone < 0)
		return r->timeout;
	return gone >= (time_t)r->timeout ? 1 : r->timeout - (unsigned)gone;
}

static int load_one(uint64_t id, const void *data, size_t len, void *arg)
{
	_cleanup_object_ struct object *o = NULL;
	struct op_record r;
	char text[sizeof(((struct op *)0)->arg)];
	struct job *j = NULL;

	if (id > last_id)
		last_id = id;
	if (len < sizeof(r) || len - sizeof(r) >= sizeof(text)) {
		keep_del(KEEP_OP, id);
		return 0;
	}
	memcpy(&r, data, sizeof(r));
	memcpy(text, (const char *)data + sizeof(r), len - sizeof(r));
	text[len - sizeof(r)] = '\0';
	if (!r.finished && r.kind < OP_KIND_MAX)
		o = object_get(r.object);
	if (o)
		j = job_new(o, r.kind, text, r.flags, time_left(&r));
	HOLD_LOCK(&lock);
	if (j) {
		j->op.id = id;
		j->op.unique = r.unique;
		j->op.started = (struct timespec){ .tv_sec = r.sec, .tv_nsec = r.nsec };
		j->op.again = true;
		j->op.before = r.before;
		j->waited = r.waited;
		j->crashes = (uint8_t)(crashed && r.begun ? r.crashes + 1 : r.crashes);
		table_add(j);
	} else if (r.unique) {
		op_result_add(id, r.unique, r.object, r.finished ? r.result : -ENOENT, r.waited);
	} else {
		keep_del(KEEP_OP, id);
	}
	return 0;
}

void op_suspect(void)
{
	crashed = true;
}

void op_load(void)
{
	if (!loaded)
		keep_each(KEEP_OP, load_one, NULL);
	loaded = true;
}

/* Adoption has found out by now what is true of the instance. */
static void resume(struct job *j)
{
	struct object *o = j->op.obj;
	HOLD_LOCK(&o->lock);
	HOLD_LOCK(&lock);

	j->op.after = o->run.state;
	show(j);
	enqueue(j);
}

/* The ones of op_load() are in the table but not shown yet. In the order in which they were accepted. */
static void resume_all(void)
{
	for (;;) {
		struct job *first = NULL;

		pthread_mutex_lock(&lock);
		for (size_t i = 0; i < BUCKETS; i++)
			for (struct job *j = table[i]; j; j = j->next)
				if (!j->op.obj->run.op && (!first || j->op.id < first->op.id))
					first = j;
		pthread_mutex_unlock(&lock);
		if (!first)
			return;
		resume(first);
	}
}

int op_init(unsigned workers, struct err *e)
{
	pthread_attr_t attr;
	unsigned n, mine;
	int r = 0;

	op_load();
	resume_all();
	pthread_mutex_lock(&lock);
	mine = ++crew;
	pthread_mutex_unlock(&lock);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WORKER_STACK);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (!workers || workers > WORKERS_MAX)
		workers = workers ? WORKERS_MAX : 1;
	for (n = 0; n < workers && !r; n++) {
		pthread_t t;

		r = pthread_create(&t, &attr, worker, (void *)(uintptr_t)mine);
	}
	pthread_attr_destroy(&attr);
	if (r && n == 1)
		return err_sys(e, r, "cannot start a thread for operations");
	return 0;
}

void op_shutdown(void)
{
	HOLD_LOCK(&lock);

	crew++;
	pthread_cond_broadcast(&work);
}
