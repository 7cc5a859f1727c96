// SPDX-License-Identifier: LGPL-2.1-or-later
/* Records of commands, with a backend that only notes what it was asked. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/exec.h"
#include "backends/core/keep.h"
#include "backends/core/tree.h"
#include "tests/unit/unit.h"

static struct object *inst;
static struct err last;
static int starts, kills, adopted, waited;
static int start_result, adopt_result;

static int probe(struct buf *version, struct err *e) { return 0; }
static int start(struct object *o, const struct expanded *x, struct op *op, struct err *e) { return -ENOSYS; }
static int operate(struct object *o, struct op *op, struct err *e) { return -ENOSYS; }
static int adopt(struct object *o, struct err *e) { return 0; }
static int apply(struct object *o, const struct key *k, const char *n, const char *v, const struct expanded *x, struct err *e) { return 0; }
static int usage(struct object *o, const char *item, struct buf *out, struct err *e) { return -ENOSYS; }
static int show(struct object *o, struct buf *out, struct err *e) { return -ENOSYS; }
static int type_in(struct object *o, const char *data, size_t len, struct err *e) { return -ENOSYS; }
static int tty(struct object *o, bool make, char *buf, size_t size, struct err *e) { return -ENOSYS; }
static void forget(struct object *o) { }

static int run(struct object *o, struct exec_request *x, struct err *e)
{
	starts++;
	if (start_result < 0)
		return err_set(e, -start_result, "no");
	x->pid = 4711;
	x->pid_start = 42;
	return exec_record(x);
}

static int end(struct object *o, struct exec_request *x, struct err *e)
{
	kills++;
	return 0;
}

static int readopt(struct object *o, struct exec_request *x, struct err *e)
{
	CHECK(x->pid == 4711 && x->pid_start == 42);
	adopted++;
	return adopt_result;
}

static const struct backend_ops fake = {
	.name = "fake", .machine = backend_no_machine, .caps = BACKEND_CONTAINER | BACKEND_EXEC, .probe = probe, .start = start, .stop = operate, .freeze = operate,
	.thaw = operate, .apply = apply, .adopt = adopt, .usage = usage, .addresses = show, .effective = show, .warnings = show,
	.console_read = show, .console_write = type_in, .tty = tty, .log = show, .exec_start = run, .exec_kill = end,
	.exec_adopt = readopt, .forget = forget,
};

static void count(void *arg)
{
	++*(int *)arg;
}

static int set(uint32_t slot, const char *item, const char *value)
{
	const struct caller who = { .uid = 0 };

	err_clear(&last);
	return exec_set(inst, slot, item, value, strlen(value), &who, &last);
}

static struct exec_request make(const char *name)
{
	const struct meta m = { .mode = 0755 };
	struct exec_request x = { .slot = 0 };

	err_clear(&last);
	CHECK(exec_create(inst, name, &m, &x, &last) == 0);
	return x;
}

static int see(const struct exec_request *x, void *arg)
{
	++*(int *)arg;
	return 0;
}

static void test_names(void)
{
	const struct meta m = { .mode = 0755 };
	struct exec_request a = make("a"), b = make("b"), x;
	int n = 0;

	CHECK(a.slot && b.slot > a.slot);
	CHECK(exec_create(inst, "a", &m, &x, &last) == -EEXIST);
	CHECK(exec_create(inst, "../a", &m, &x, &last) == -EINVAL);
	CHECK(exec_find(inst, "b", &x) && x.slot == b.slot);
	CHECK(exec_find_slot(inst, a.slot, &x) && !strcmp(x.name, "a"));
	CHECK(exec_each(inst, 0, see, &n) == 0 && n == 2);
	CHECK(exec_each(inst, a.slot, see, &n) == 0 && n == 3);
	CHECK(exec_remove(inst, "a", &last) == 0 && !exec_find(inst, "a", &x));
	CHECK(exec_remove(inst, "a", &last) == -ENOENT);
	CHECK(exec_remove(inst, "b", &last) == 0);
}

static void test_inputs(void)
{
	struct exec_request x = make("i");
	_cleanup_buf_ struct buf out = BUF_INIT;

	CHECK(set(x.slot, "cwd", "relative\n") == -EINVAL);
	CHECK(set(x.slot, "cwd", "/a\n/b\n") == -EINVAL);
	CHECK(set(x.slot, "cwd", "/tmp\n") == 0);
	CHECK(set(x.slot, "env", "A=1\nB=\n\nC=x=y\n") == 0);
	CHECK(set(x.slot, "env", "A=1\n=2\n") == -EINVAL);
	CHECK(set(x.slot, "env", "novalue\n") == -EINVAL);
	CHECK(set(x.slot, "user", "") == -EINVAL);
	CHECK(set(x.slot, "user", "www\n") == 0);
	CHECK(set(x.slot, "command", "\n") == -EINVAL);
	CHECK(set(x.slot, "status", "0\n") == -EINVAL);
	CHECK(exec_set(inst, x.slot, "argv", "a\0b", 3, NULL, &last) == -EINVAL);
	CHECK(exec_stdin(inst, x.slot, "xxxxx", 5, 0, &last) == 0 && exec_stdin(inst, x.slot, NULL, 0, 0, &last) == 0);
	CHECK(exec_stdin(inst, x.slot, "b", 1, 2, &last) == 0 && exec_stdin(inst, x.slot, "a\0", 2, 0, &last) == 0);
	CHECK(exec_stdin(inst, x.slot, "c", 1, 64 << 20, &last) == -EFBIG);
	CHECK(exec_get(inst, x.slot, "stdin", &out, &last) == 0 && out.len == 3);
	buf_reset(&out);
	CHECK(exec_get(inst, x.slot, "stdout", &out, &last) == 0 && out.len == 0);
	CHECK(starts == 0);
	CHECK(exec_remove(inst, "i", &last) == 0);
	CHECK(set(x.slot, "cwd", "/tmp\n") == -ENOENT);
}

static void test_run(void)
{
	const struct caller again = { .uid = 0, .again = true };
	struct exec_request x = make("r"), y;
	_cleanup_buf_ struct buf out = BUF_INIT;

	inst->run.state = INST_STOPPED;
	CHECK(set(x.slot, "command", "true\n") == -ENOTCONN);
	inst->run.state = INST_FROZEN;
	CHECK(set(x.slot, "command", "true\n") == -EBUSY);
	inst->run.state = INST_RUNNING;
	start_result = -EIO;
	CHECK(set(x.slot, "command", "true\n") == -EIO);
	CHECK(exec_get(inst, x.slot, "command", &out, &last) == 0 && out.len == 0);
	start_result = 0;
	CHECK(set(x.slot, "command", "true\n") == 0 && starts == 2);
	CHECK(exec_find(inst, "r", &y) && y.running && y.pid == 4711 && y.started.tv_sec);
	CHECK(set(x.slot, "command", "true\n") == -EBUSY);
	CHECK(set(x.slot, "env", "A=1\n") == -EBUSY);
	CHECK(exec_set(inst, x.slot, "command", "true\n", 5, &again, &last) == 0 && starts == 2);
	CHECK(exec_get(inst, x.slot, "status", &out, &last) == 0 && out.len == 0);
	CHECK(exec_wait(inst, x.slot, count, &waited) != 0 && waited == 0);
	CHECK(exec_wait_cancel(exec_wait(inst, x.slot, count, &waited)));
	exec_finished(inst->id, x.slot, 3 << 8);
	exec_finished(inst->id, x.slot, SIGKILL);
	CHECK(waited == 1);
	CHECK(exec_get(inst, x.slot, "status", &out, &last) == 0);
	CHECK_STR(buf_str(&out), "3\n");
	CHECK(exec_wait(inst, x.slot, count, &waited) == 0 && waited == 2);
	CHECK(!exec_wait_cancel(12345));
	CHECK(exec_remove(inst, "r", &last) == 0 && kills == 0);
}

static void test_removed(void)
{
	struct exec_request x = make("k"), y;
	struct stat st;
	char dir[512];

	exec_dir(&x, dir, sizeof(dir));
	CHECK(stat(dir, &st) == 0 && (st.st_mode & 0777) == 0700);
	CHECK(set(x.slot, "argv", "sleep\n9\n") == 0);
	waited = 0;
	CHECK(exec_wait(inst, x.slot, count, &waited) != 0);
	CHECK(exec_remove(inst, "k", &last) == 0);
	CHECK(kills == 1 && waited == 1 && stat(dir, &st) < 0);
	exec_finished(inst->id, x.slot, 0);
	CHECK(waited == 1 && !exec_find(inst, "k", &y));
}

static void test_adopt(void)
{
	struct exec_request x = make("s"), idle = make("idle"), y;
	char path[512];

	CHECK(set(x.slot, "command", "x\n") == 0);
	snprintf(path, sizeof(path), "%s/exec/%u.999", model_rundir(), inst->id);
	CHECK(mkdir(path, 0700) == 0);
	exec_adopt_all();
	CHECK(adopted == 1 && access(path, F_OK) < 0);
	CHECK(exec_find(inst, "s", &y) && y.running);
	adopt_result = -ESRCH;
	exec_adopt_all();
	CHECK(exec_find(inst, "s", &y) && y.finished && y.status == SIGKILL);
	CHECK(keep_has(KEEP_EXEC, (uint64_t)inst->id << 32 | idle.slot));
	kills = 0;
	CHECK(set(idle.slot, "command", "x\n") == 0);
	exec_instance_gone(inst);
	CHECK(kills == 1 && exec_find(inst, "idle", &y));
}

int main(void)
{
	static const struct backend_ops *const list[] = { &fake, NULL };
	const struct meta m = { .mode = 0755 };
	_cleanup_buf_ struct buf version = BUF_INIT;
	char dir[] = "/tmp/instfs-unit-exec.XXXXXX", run_dir[512];

	CHECK(mkdtemp(dir) != NULL);
	CHECK(keep_attach_private() == 0);
	CHECK(backend_init(list, "fake", &version, &last) == 0);
	CHECK(model_open(dir, &last) == 0);
	snprintf(run_dir, sizeof(run_dir), "%s", model_rundir());
	CHECK(object_create(SPACE_INSTANCES, "c1", &m, &inst, &last) == 0);
	CHECK_STR(last.text, "");
	if (!inst)
		return UNIT_END();
	test_names();
	test_inputs();
	test_run();
	test_removed();
	test_adopt();
	object_put(inst);
	model_close();
	tree_remove(AT_FDCWD, dir, NULL);
	tree_remove(AT_FDCWD, run_dir, NULL);
	return UNIT_END();
}
