// SPDX-License-Identifier: LGPL-2.1-or-later
/* Operations: one per object, progress, waiters that come and go, and what a server finds that another one left behind when it was killed. */
#include "backends/core/op.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/event.h"
#include "backends/core/keep.h"
#include "backends/core/tree.h"
#include "tests/unit/unit.h"

/* Shared between the servers of a test. */
static struct shared {
	atomic_int executed, again, done, result, release;
	atomic_int before, passed;
} *sh;

static char dir[64];
static int keep_fd;

static void sleep_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static bool become(atomic_int *what, int n)
{
	for (int i = 0; i < 1500 && *what != n; i++)
		sleep_ms(2);
	return *what == n;
}

static int run_until_released(struct op *op, struct err *e)
{
	sh->executed++;
	sh->again += op->again;
	sh->before = op->before;
	op_progress(op, "half %d%%", 50);
	while (!sh->release)
		sleep_ms(1);
	op->after = INST_RUNNING;
	if (!strcmp(op->arg, "fail"))
		return err_set(e, ETIMEDOUT, "too slow");
	return 0;
}

static void on_done(void *arg, int result)
{
	sh->done++;
	sh->result = result;
}

static void reset(void)
{
	int passed = sh->passed;

	memset(sh, 0, sizeof(*sh));
	sh->passed = passed;
}

static struct object *instance(const char *name)
{
	const struct meta m = { .mode = 0755 };
	struct object *o = object_find(SPACE_INSTANCES, name);
	struct err e = ERR_INIT;

	if (!o)
		CHECK(!object_create(SPACE_INSTANCES, name, &m, &o, &e));
	return o;
}

static enum inst_state state_of(struct object *o)
{
	HOLD_LOCK(&o->lock);

	return o->run.state;
}

static int submit(struct object *o, enum op_kind k, const char *arg, uint64_t unique, bool wait, struct err *e)
{
	const struct caller who = { .uid = 0, .unique = unique };

	return op_submit(o, k, arg, 0, 0, &who, wait ? on_done : NULL, sh, e);
}

/* ---- within one server ---- */

static void test_plain(void)
{
	_cleanup_object_ struct object *o = instance("c1");
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct err e = ERR_INIT;
	char name[32];

	reset();
	CHECK(!submit(o, OP_START, NULL, 5, true, &e));
	CHECK(become(&sh->executed, 1));
	CHECK(state_of(o) == INST_STARTING && o->run.op && op_busy(o, name, sizeof(name)));
	CHECK_STR(name, "start");
	CHECK(submit(o, OP_STOP, NULL, 6, true, &e) == -EBUSY && strstr(e.text, "\"start\""));
	op_print_progress(o, &b);
	CHECK(!strncmp(buf_str(&b), "operation start\nsince 20", 24) && strstr(buf_str(&b), "\nprogress half 50%\n"));
	CHECK(op_known(5) && !op_known(6) && !op_known(0));
	sh->release = 1;
	CHECK(become(&sh->done, 1) && sh->result == 0);
	CHECK(state_of(o) == INST_RUNNING && !o->run.op && !op_busy(o, name, sizeof(name)));
	buf_reset(&b);
	op_print_progress(o, &b);
	CHECK(!b.len);
	/* The request is sent again before its result was acknowledged. */
	CHECK(op_known(5));
	CHECK(!submit(o, OP_START, NULL, 5, true, &e) && sh->done == 2 && sh->executed == 1);
	op_acknowledge(5);
	CHECK(!op_known(5));
	CHECK(submit(o, OP_RESTORE, NULL, 7, true, &e) == -EOPNOTSUPP);
}

static void test_failure(void)
{
	_cleanup_object_ struct object *o = instance("c2");
	struct err e = ERR_INIT;

	reset();
	sh->release = 1;
	CHECK(!submit(o, OP_START, "fail", 15, true, &e));
	CHECK(become(&sh->done, 1) && sh->result == -ETIMEDOUT);
	object_error_get(o, &e);
	CHECK(e.code == ETIMEDOUT);
	CHECK_STR(e.text, "too slow");
	CHECK(!submit(o, OP_START, "fine", 16, true, &e));
	CHECK(become(&sh->done, 2) && sh->result == 0);
	object_error_get(o, &e);
	CHECK(e.code == 0);
	op_acknowledge(15);
	op_acknowledge(16);
}

static void test_detach(void)
{
	_cleanup_object_ struct object *o = instance("c3");
	struct err e = ERR_INIT;
	char name[32];

	reset();
	CHECK(!submit(o, OP_START, NULL, 25, true, &e));
	CHECK(!op_detach(o, &e));
	CHECK(op_detach(o, sh) && !op_detach(o, sh));
	sh->release = 1;
	for (int i = 0; i < 1000 && op_busy(o, name, sizeof(name)); i++)
		sleep_ms(1);
	CHECK(state_of(o) == INST_RUNNING && sh->done == 0 && !op_known(25));
	/* Nobody waits (async): it is recognised while it runs, and for a while afterwards. */
	sh->release = 0;
	CHECK(!submit(o, OP_START, NULL, 26, false, &e) && op_known(26));
	CHECK(!submit(o, OP_START, NULL, 26, false, &e));
	sh->release = 1;
	for (int i = 0; i < 1000 && op_busy(o, name, sizeof(name)); i++)
		sleep_ms(1);
	CHECK(!submit(o, OP_START, NULL, 26, false, &e) && sh->executed == 2);
	op_acknowledge(26);
	CHECK(!op_known(26));
}

/* More operations than workers; each is done once. */
static void test_many(void)
{
	struct object *o[60];
	struct err e = ERR_INIT;
	char name[32];

	reset();
	sh->release = 1;
	for (int i = 0; i < 60; i++) {
		snprintf(name, sizeof(name), "many%d", i);
		o[i] = instance(name);
		CHECK(!submit(o[i], OP_START, NULL, 100 + (uint64_t)i, true, &e));
	}
	CHECK(become(&sh->done, 60) && sh->executed == 60);
	for (int i = 0; i < 60; i++) {
		op_acknowledge(100 + (uint64_t)i);
		CHECK(state_of(o[i]) == INST_RUNNING);
		object_put(o[i]);
	}
}

static void test_cost(void)
{
	_cleanup_object_ struct object *o = instance("c4");
	struct err e = ERR_INIT;
	struct rusage a, b;
	struct timespec t0, t1;

	reset();
	sh->release = 1;
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (int i = 0; i < 2000; i++) {
		CHECK(!submit(o, OP_START, NULL, 1000 + (uint64_t)i, true, &e));
		while (sh->done != i + 1)
			sched_yield();
		op_acknowledge(1000 + (uint64_t)i);
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	printf("one operation: %.1f us\n", ((double)(t1.tv_sec - t0.tv_sec) * 1e9 + (double)(t1.tv_nsec - t0.tv_nsec)) / 2000 / 1000);
	getrusage(RUSAGE_SELF, &a);
	sleep_ms(200);
	getrusage(RUSAGE_SELF, &b);
	CHECK(b.ru_nvcsw - a.ru_nvcsw <= 20);
}

static void everything(void)
{
	test_plain();
	test_failure();
	test_detach();
	test_many();
	test_cost();
}

/* ---- servers ---- */

static int nobody(uint64_t key, const void *data, size_t len, void *arg)
{
	return 1;
}

static void boot(void)
{
	static const struct op_class start = { "start", INST_STARTING, run_until_released, NULL };
	static const struct op_class stop = { "stop", INST_STOPPING, run_until_released, NULL };
	struct err e = ERR_INIT;

	unit_failed = unit_passed = 0;
	if (keep_attach(keep_fd) < 0 || model_open(dir, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		_exit(1);
	}
	op_register(OP_START, &start);
	op_register(OP_STOP, &stop);
	CHECK(!op_init(4, &e));
}

static void server(void (*f)(void), bool kill_it)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		boot();
		f();
		if (kill_it)
			kill(getpid(), SIGKILL);
		fflush(stdout);
		sh->passed += unit_passed;
		_exit(unit_failed ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	CHECK(kill_it ? WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL : WIFEXITED(status) && !WEXITSTATUS(status));
}

static void begin_two(void)
{
	_cleanup_object_ struct object *a = instance("k1"), *b = instance("k2"), *c = instance("k3");
	struct err e = ERR_INIT;

	reset();
	submit(a, OP_START, NULL, 50, true, &e);
	submit(b, OP_STOP, "fail", 51, true, &e);
	submit(c, OP_START, NULL, 0, false, &e);
	become(&sh->executed, 3);
}

/* The requests are sent again to the next server: while one is under way, and when it has ended. */
static void go_on(void)
{
	_cleanup_object_ struct object *a = instance("k1"), *b = instance("k2"), *c = instance("k3");
	struct err e = ERR_INIT;
	char name[32];

	CHECK(become(&sh->executed, 6) && sh->again == 3);
	CHECK(state_of(a) == INST_STARTING && state_of(b) == INST_STOPPING);
	CHECK(op_known(50) && op_known(51));
	CHECK(!submit(a, OP_START, NULL, 50, true, &e));
	sh->release = 1;
	CHECK(become(&sh->done, 1) && sh->result == 0);
	for (int i = 0; i < 1000 && (op_busy(b, name, sizeof(name)) || op_busy(c, name, sizeof(name))); i++)
		sleep_ms(1);
	op_acknowledge(50);
}

static void afterwards(void)
{
	_cleanup_object_ struct object *b = instance("k2");
	struct err e = ERR_INIT;

	CHECK(!op_known(50) && op_known(51) && sh->executed == 6);
	CHECK(!submit(b, OP_STOP, "fail", 51, true, &e));
	CHECK(sh->done == 2 && sh->result == -ETIMEDOUT && sh->executed == 6);
	object_error_get(b, &e);
	CHECK(e.code == ETIMEDOUT);
	op_acknowledge(51);
	CHECK(!keep_each(KEEP_OP, nobody, NULL));
}

/* What is removed meanwhile cannot be continued; who waits is told. */
static void begin_one(void)
{
	_cleanup_object_ struct object *a = instance("k4");
	struct err e = ERR_INIT;

	reset();
	submit(a, OP_START, NULL, 60, true, &e);
	become(&sh->executed, 1);
}

static void hurried(void)
{
	_cleanup_object_ struct object *a = instance("k4");

	become(&sh->executed, sh->executed + 1);
}

static void at_last(void)
{
	_cleanup_object_ struct object *a = instance("k4");
	struct err e = ERR_INIT;

	sh->release = 1;
	CHECK(!submit(a, OP_START, NULL, 60, true, &e));
	CHECK(become(&sh->done, 1) && sh->result == 0);
	op_acknowledge(60);
	CHECK(!keep_each(KEEP_OP, nobody, NULL));
	CHECK(state_of(a) == INST_RUNNING);
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/unit-op.XXXXXX");
	sh = mmap(NULL, sizeof(*sh), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	keep_fd = memfd_create("keep", MFD_CLOEXEC);
	CHECK(mkdtemp(dir) && !ftruncate(keep_fd, KEEP_SIZE));
	server(everything, false);
	server(begin_two, true);
	server(go_on, true);
	server(afterwards, false);
	server(begin_one, true);
	for (int i = 0; i < 3; i++)
		server(hurried, true);
	server(at_last, false);
	tree_remove(AT_FDCWD, dir, NULL);
	unit_passed += sh->passed;
	return UNIT_END();
}
