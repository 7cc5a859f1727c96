// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Instances over the mock backend: words, transitions, failures, instances that end by themselves, snapshots, copies, waiting, and what
 * a server finds after another one was killed. Children play the servers.
 */
#include "backends/core/instance.h"
#include "backends/core/lifecycle.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/event.h"
#include "backends/core/keep.h"
#include "backends/core/run.h"
#include "backends/core/tree.h"
#include "backends/core/watch.h"
#include "backends/mock/mock.h"
#include "tests/unit/unit.h"

static char dir[64];
static int keep_fd;
static atomic_int done, result, woken;
static atomic_int *passed;		/* by children */
static const struct caller root = CALLER_DAEMON;
static const struct meta plain = { .mode = 0755 };

static void sleep_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static bool become(atomic_int *what, int n)
{
	for (int i = 0; i < 2000 && *what != n; i++)
		sleep_ms(2);
	return *what == n;
}

static void on_done(void *arg, int r)
{
	result = r;
	done++;
}

static void on_wake(void *arg)
{
	woken++;
}

/* ---- short words ---- */

static struct object *get(const char *name)
{
	struct object *o = object_find(SPACE_INSTANCES, name);

	if (!o)
		fprintf(stderr, "there is no instance %s\n", name);
	return o;
}

static void config(const char *name, const char *key, const char *value)
{
	_cleanup_object_ struct object *o = get(name);
	const struct entry_change c = { .kind = strcmp(key, "ephemeral") ? ENT_CONFIG : ENT_FIELD, .name = key, .value = value,
					.len = value ? strlen(value) : 0 };
	struct err e = ERR_INIT;

	CHECK(!config_set(o, &c, &root, &e));
	if (e.code)
		fprintf(stderr, "%s: %s\n", key, e.text);
}

static int finish(int r)
{
	if (r != 1)
		return r;
	become(&done, 1);
	return result;
}

static struct err last;

/* Writes to state or source and waits. */
static int state(const char *name, const char *text)
{
	_cleanup_object_ struct object *o = get(name);

	done = 0;
	err_clear(&last);
	return finish(instance_set_state(o, text, false, &root, on_done, NULL, &last));
}

static int source(const char *name, const char *text)
{
	_cleanup_object_ struct object *o = get(name);

	done = 0;
	err_clear(&last);
	return finish(instance_set_source(o, text, false, &root, on_done, NULL, &last));
}

static void make(const char *name)
{
	_cleanup_object_ struct object *o = NULL;
	struct err e = ERR_INIT;

	CHECK(!instance_create(name, &plain, &root, &o, &e));
	CHECK(!source(name, "none"));
}

static enum inst_state state_of(const char *name)
{
	_cleanup_object_ struct object *o = get(name);
	HOLD_LOCK(&o->lock);

	return o->run.state;
}

static bool has_record(const char *name)
{
	return run_exists(name);
}

static bool field_is(const char *name, enum entry_kind k, const char *field, const char *value)
{
	_cleanup_object_ struct object *o = get(name);
	char buf[512] = "";

	object_value(o, k, field, buf, sizeof(buf));
	if (strcmp(buf, value))
		fprintf(stderr, "%s/%s is \"%s\"\n", name, field, buf);
	return !strcmp(buf, value);
}

static int events(const char *type)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char text[80];
	bool gap;
	int n = 0;

	snprintf(text, sizeof(text), "\"type\":\"%s\"", type);
	event_read(event_tail(), EVENT_LOG_MAX, &b, &gap);
	for (const char *p = buf_str(&b); (p = strstr(p, text)); p++)
		n++;
	return n;
}

/* ---- in one server ---- */

static void test_create(void)
{
	_cleanup_object_ struct object *o = NULL, *p = NULL;
	const struct caller again = { .unique = 7, .again = true };
	struct err e = ERR_INIT;
	char uuid[64];

	CHECK(instance_create("-bad", &plain, &root, &o, &e) == -EINVAL);
	CHECK(!instance_create("a", &plain, &root, &o, &e));
	CHECK(field_is("a", ENT_FIELD, "type", "container") && field_is("a", ENT_FIELD, "profiles", ""));
	CHECK(object_value(o, ENT_VOLATILE, "uuid", uuid, sizeof(uuid)) && strlen(uuid) == 36 && uuid[14] == '4');
	CHECK(instance_create("a", &plain, &root, &p, &e) == -EEXIST);
	CHECK(!instance_create("a", &plain, &again, &p, &e) && p == o);
	CHECK(!object_create(SPACE_PROFILES, "default", &plain, &p, &e));
	object_put(p);
	p = NULL;
	make("b");
	CHECK(field_is("b", ENT_FIELD, "profiles", "default") && events("instance-created") == 2);
	CHECK(field_is("b", ENT_FIELD, "source", "none"));
}

static void test_words(void)
{
	_cleanup_object_ struct object *o = get("b");
	static const struct {
		const char *text;
		int r;
		const char *word;
	} rows[] = {
		{ "running", 0, "" }, { "running\n", 0, "" }, { "stopped force timeout=5 async", 0, "" }, { "restarted", 0, "" },
		{ "", -EINVAL, "running, stopped, frozen or restarted" }, { "started", -EINVAL, "\"started\"" },
		{ "stopped fast", -EINVAL, "\"fast\"" }, { "stopped timeout=x", -EINVAL, "timeout" }, { "stopped timeout=0", -ERANGE, "timeout" },
		{ "stopped stateful", -EOPNOTSUPP, "stateful" }, { "frozen", -EINVAL, "is stopped; start it first" },
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct err e = ERR_INIT;
		int r = instance_check_state(o, rows[i].text, &e);

		CHECK(r == rows[i].r && strstr(e.text, rows[i].word));
		if (r != rows[i].r)
			fprintf(stderr, "\"%s\": %d %s\n", rows[i].text, r, e.text);
	}
	CHECK(state("a", "running") == -ENOENT && strstr(last.text, "source"));
	CHECK(state("a", "stopped") == 0);
}

static void test_transitions(void)
{
	CHECK(state("b", "running") == 0 && state_of("b") == INST_RUNNING && has_record("b"));
	CHECK(events("instance-started") == 1);
	CHECK(state("b", "running") == 0 && events("instance-started") == 1);
	CHECK(state("b", "frozen") == 0 && state_of("b") == INST_FROZEN && events("instance-paused") == 1);
	CHECK(state("b", "frozen") == 0 && events("instance-paused") == 1);
	CHECK(state("b", "running") == 0 && state_of("b") == INST_RUNNING && events("instance-resumed") == 1);
	CHECK(state("b", "frozen") == 0 && state("b", "stopped timeout=5") == 0 && state_of("b") == INST_STOPPED);
	CHECK(!has_record("b") && events("instance-stopped") == 1);
	CHECK(state("b", "stopped") == 0 && events("instance-stopped") == 1);
	CHECK(state("b", "restarted") == 0 && state_of("b") == INST_RUNNING && events("instance-restarted") == 1);
	CHECK(state("b", "restarted force") == 0 && state_of("b") == INST_RUNNING && events("instance-restarted") == 2);
	CHECK(events("instance-stopped") == 1);
	CHECK(source("b", "instances/a") == -EBUSY && strstr(last.text, "stop it first"));
	CHECK(state("b", "stopped force") == 0);
}

static void test_failures(void)
{
	config("b", "user.mock.fail", "start");
	CHECK(state("b", "running") == -EIO && state_of("b") == INST_STOPPED && !has_record("b"));
	config("b", "user.mock.fail", "stop freeze");
	CHECK(state("b", "running") == 0);
	CHECK(state("b", "frozen") == -EIO && state_of("b") == INST_RUNNING);
	CHECK(state("b", "stopped") == -EIO && state_of("b") == INST_RUNNING && has_record("b"));
	config("b", "user.mock.fail", NULL);
	config("b", "user.mock.delay", "1500");
	CHECK(state("b", "stopped timeout=1") == -ETIMEDOUT && state_of("b") == INST_RUNNING);
	CHECK(state("b", "stopped force") == 0 && state_of("b") == INST_STOPPED);
	config("b", "user.mock.delay", NULL);
	CHECK(events("operation-failed") == 4);
}

/* A second operation, an impatient and a careless writer. */
static void test_busy(void)
{
	_cleanup_object_ struct object *o = get("b");
	_cleanup_buf_ struct buf b = BUF_INIT;
	const struct caller who = { .unique = 900 };
	struct err e = ERR_INIT;

	config("b", "user.mock.delay", "200");
	done = 0;
	CHECK(instance_set_state(o, "running", false, &who, on_done, NULL, &e) == 1);
	CHECK(state_of("b") == INST_STARTING);
	CHECK(instance_set_state(o, "running", false, &root, on_done, NULL, &e) == -EBUSY && strstr(e.text, "\"start\""));
	CHECK(instance_set_state(o, "stopped", false, &root, on_done, NULL, &e) == -EBUSY);
	CHECK(instance_set_state(o, "running", false, &who, on_done, NULL, &e) == 1);
	sleep_ms(20);
	op_print_progress(o, &b);
	CHECK(strstr(buf_str(&b), "progress pretend to start"));
	CHECK(become(&done, 1) && !result);
	op_acknowledge(900);
	CHECK(instance_set_state(o, "stopped", true, &root, on_done, NULL, &e) == 0 && state_of("b") == INST_STOPPING);
	CHECK(object_remove(o, &e) == -EBUSY);
	for (int i = 0; i < 500 && state_of("b") != INST_STOPPED; i++)
		sleep_ms(2);
	CHECK(instance_set_state(o, "running async", false, &root, on_done, NULL, &e) == 0);
	for (int i = 0; i < 500 && state_of("b") != INST_RUNNING; i++)
		sleep_ms(2);
	CHECK(done == 1 && state_of("b") == INST_RUNNING);
	config("b", "user.mock.delay", NULL);
	CHECK(state("b", "stopped") == 0);
}

static void test_crash(void)
{
	int n = events("instance-stopped");

	config("b", "user.mock.crash", "60");
	CHECK(state("b", "running") == 0);
	for (int i = 0; i < 500 && state_of("b") != INST_STOPPED; i++)
		sleep_ms(2);
	CHECK(state_of("b") == INST_STOPPED && !has_record("b") && events("instance-stopped") == n + 1);
	/* While it is being stopped, and while it is being frozen. */
	config("b", "user.mock.delay", "100");
	config("b", "user.mock.crash", "160");
	CHECK(state("b", "running") == 0);
	sleep_ms(20);
	CHECK(state("b", "stopped") == 0 && state_of("b") == INST_STOPPED && !has_record("b"));
	CHECK(events("instance-stopped") == n + 2);
	config("b", "user.mock.crash", "50");
	CHECK(state("b", "running") == 0);
	CHECK(state("b", "frozen") != 0 && state_of("b") == INST_STOPPED && !has_record("b"));
	CHECK(events("instance-stopped") == n + 3);
	config("b", "user.mock.delay", NULL);
	config("b", "user.mock.crash", NULL);
	CHECK(state("b", "running") == 0 && state("b", "stopped") == 0);
}

static int count_one(uint32_t id, const char *name, void *arg)
{
	return strncmp(name, arg, strlen(arg)) == 0;
}

static void test_ephemeral(void)
{
	make("eph");
	config("eph", "ephemeral", "true\n");
	CHECK(state("eph", "running") == 0 && state("eph", "restarted") == 0);
	CHECK(state("eph", "stopped") == 0);
	CHECK(!object_find(SPACE_INSTANCES, "eph") && object_each(SPACE_TRASH, 0, count_one, "eph@"));
	make("eph2");
	config("eph2", "ephemeral", "true\n");
	config("eph2", "user.mock.crash", "30");
	CHECK(state("eph2", "running") == 0);
	for (int i = 0; i < 500 && object_count(SPACE_TRASH) < 2; i++)
		sleep_ms(2);
	CHECK(!object_find(SPACE_INSTANCES, "eph2"));
	config("b", "ephemeral", "false\n");
	CHECK(state("b", "running") == 0 && state("b", "stopped") == 0 && !has_record("b"));
}

static void test_wait(void)
{
	_cleanup_object_ struct object *o = get("b");
	struct err e = ERR_INIT;
	uint64_t id;

	woken = 0;
	CHECK(!instance_wait(o, "stopped", on_wake, NULL, &e) && woken == 1);
	CHECK(!instance_wait(o, "happy", on_wake, NULL, &e) && e.code == EINVAL && woken == 1);
	id = instance_wait(o, "frozen", on_wake, NULL, &e);
	CHECK(id && instance_wait_cancel(id) && !instance_wait_cancel(id));
	CHECK(instance_wait(o, "running", on_wake, NULL, &e) && instance_wait(o, "address", on_wake, NULL, &e));
	CHECK(instance_wait(o, "frozen", on_wake, NULL, &e));
	sleep_ms(50);
	CHECK(woken == 1);
	CHECK(state("b", "running") == 0 && become(&woken, 3));
	CHECK(state("b", "frozen") == 0 && become(&woken, 4));
	CHECK(state("b", "stopped") == 0);
}

static int snapshot(const char *name, const char *snap)
{
	_cleanup_object_ struct object *o = get(name);

	done = 0;
	err_clear(&last);
	return finish(instance_snapshot(o, snap, &plain, &root, on_done, NULL, &last));
}

static int delete_snapshot(struct object *o, const char *snap)
{
	done = 0;
	err_clear(&last);
	return finish(instance_snapshot_delete(o, snap, &root, on_done, NULL, &last));
}

static int restore(const char *name, const char *snap)
{
	_cleanup_object_ struct object *o = get(name);

	done = 0;
	err_clear(&last);
	return finish(instance_restore(o, snap, false, &root, on_done, NULL, &last));
}

static void test_snapshots(void)
{
	_cleanup_object_ struct object *o = get("b");
	struct err e = ERR_INIT;
	const struct snapshot *s;

	CHECK(snapshot("a", "s0") == -ENODATA);
	CHECK(snapshot("b", "../x") == -EINVAL);
	config("b", "snapshots.expiry", "1d 2H");
	config("b", "user.x", "then\n");
	CHECK(state("b", "running") == 0);
	CHECK(snapshot("b", "s0") == 0 && state_of("b") == INST_RUNNING);
	CHECK(snapshot("b", "s0") == -EEXIST);
	pthread_mutex_lock(&o->lock);
	s = object_snapshot(o, "s0");
	CHECK(s && s->expires == s->created.tv_sec + 26 * 3600 && s->meta.mode == 0755 && s->slot);
	pthread_mutex_unlock(&o->lock);
	/* A guest that cannot be frozen is not copied; one that was frozen stays so. */
	config("b", "user.mock.fail", "freeze");
	CHECK(snapshot("b", "s1") == -EIO && state_of("b") == INST_RUNNING);
	config("b", "user.mock.fail", "thaw");
	CHECK(snapshot("b", "s2") == -EIO && state_of("b") == INST_FROZEN);
	config("b", "user.mock.fail", NULL);
	CHECK(snapshot("b", "s3") == 0 && state_of("b") == INST_FROZEN);
	CHECK(restore("b", "s0") == -EBUSY);
	CHECK(state("b", "stopped") == 0);
	config("b", "user.x", "now\n");
	CHECK(restore("b", "nosuch") == -ENOENT);
	CHECK(restore("b", "s0\n") == 0 && field_is("b", ENT_CONFIG, "user.x", "then") && field_is("b", ENT_FIELD, "restore", "s0"));
	CHECK(instance_snapshot_rename(o, "s0", "s3", &e) == -EEXIST && instance_snapshot_rename(o, "no", "x", &e) == -ENOENT);
	CHECK(!instance_snapshot_rename(o, "s0", "first", &e));
	CHECK(!instance_copy_begin(o, &e) && delete_snapshot(o, "s3") == -EBUSY);
	instance_copy_end(o);
	CHECK(!delete_snapshot(o, "s3") && delete_snapshot(o, "s3") == -ENOENT);
	CHECK(events("instance-snapshot-created") == 2 && events("instance-snapshot-renamed") == 1);
	CHECK(events("instance-snapshot-deleted") == 1 && events("instance-restored") == 1);
}

static void test_sources(void)
{
	_cleanup_object_ struct object *image = NULL, *o = NULL;
	const char *fp = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
	const struct caller joe = { .uid = 1000, .gid = 1000 };
	struct err e = ERR_INIT;

	CHECK(source("a", "images/nosuch") == -ENOENT && source("a", "nonsense") == -EINVAL && source("a", "images/x/y") == -EINVAL);
	CHECK(source("a", "instances/a") == -EINVAL && source("a", "instances/b/snapshots/nosuch") == -ENOENT);
	CHECK(!object_create(SPACE_IMAGES, "img", &plain, &image, &e));
	CHECK(source("a", "images/img") == -ENODATA);
	CHECK(!object_set(image, ENT_FIELD, "fingerprint", fp, strlen(fp), &e));
	CHECK(!object_set(image, ENT_FIELD, "architecture", "x86_64\n", 7, &e));
	CHECK(source("a", "../../images/img\n") == 0);
	CHECK(field_is("a", ENT_VOLATILE, "base_image", fp) && field_is("a", ENT_FIELD, "architecture", "x86_64"));
	CHECK(state("a", "running") == 0);
	/* Written again by a configuration manager: nothing happens, even while it runs. */
	CHECK(source("a", "../../images/img") == 0);
	CHECK(source("a", "none") == -EBUSY);
	CHECK(state("a", "stopped") == 0);
	config("a", "security.protection.delete", "true");
	CHECK(source("a", "none") == -EPERM);
	config("a", "security.protection.delete", NULL);
	config("a", "limits.memory", "64MiB");
	CHECK(source("a", "none") == 0 && field_is("a", ENT_CONFIG, "limits.memory", "64MiB"));
	/* A copy gets the configuration, unless somebody has given it one. */
	CHECK(!instance_create("copy", &plain, &root, &o, &e) && source("copy", "instances/a") == 0);
	CHECK(field_is("copy", ENT_CONFIG, "limits.memory", "64MiB") && field_is("copy", ENT_FIELD, "profiles", ""));
	object_put(o);
	o = NULL;
	CHECK(!instance_create("copy2", &plain, &root, &o, &e));
	config("copy2", "limits.processes", "100");
	CHECK(source("copy2", "instances/b/snapshots/first") == 0 && field_is("copy2", ENT_CONFIG, "user.x", ""));
	CHECK(instance_set_source(o, "instances/a", false, &joe, on_done, NULL, &e) == -EACCES);
	object_put(o);
	o = NULL;
	CHECK(!instance_create("copy3", &plain, &root, &o, &e) && source("copy3", "instances/b/snapshots/first") == 0);
	CHECK(field_is("copy3", ENT_CONFIG, "user.x", "then"));
}

static void all_in_one(void)
{
	test_create();
	test_words();
	test_transitions();
	test_failures();
	test_busy();
	test_crash();
	test_ephemeral();
	test_wait();
	test_snapshots();
	test_sources();
}

/* ---- servers ---- */

static void boot(void)
{
	static const struct backend_ops *const list[] = { &mock_backend, NULL };
	_cleanup_buf_ struct buf version = BUF_INIT;
	struct err e = ERR_INIT;

	unit_failed = unit_passed = 0;
	CHECK(!watch_init());
	CHECK(!keep_attach(keep_fd));
	CHECK(!backend_init(list, "mock", &version, &e));
	if (model_open(dir, &e) < 0) {
		fprintf(stderr, "%s\n", e.text);
		_exit(1);
	}
	CHECK(!instance_adopt_all(&e));
	CHECK(!op_init(4, &e));
}

static pid_t begin(void (*f)(void))
{
	pid_t pid = fork();

	if (!pid) {
		boot();
		f();
		fflush(stdout);
		*passed += unit_passed;
		_exit(unit_failed ? 1 : 0);
	}
	return pid;
}

static void server(void (*f)(void))
{
	pid_t pid = begin(f);
	int status;

	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status));
}

static void server_killed(void (*f)(void))
{
	pid_t pid = begin(f);
	int status;

	waitpid(pid, &status, 0);
	CHECK(WIFSIGNALED(status));
}

static void die(void)
{
	kill(getpid(), SIGKILL);
}

static void new_keep(void)
{
	close(keep_fd);
	keep_fd = memfd_create("keep", MFD_CLOEXEC);
	CHECK(!ftruncate(keep_fd, KEEP_SIZE));
}

static void leave_running(void)
{
	_cleanup_object_ struct object *o = NULL;
	struct err e = ERR_INIT;

	make("r1");
	make("r2");
	make("r3");
	make("r4");
	CHECK(state("r1", "running") == 0 && state("r2", "running") == 0 && state("r2", "frozen") == 0);
	config("r3", "user.mock.crash", "200");
	CHECK(state("r3", "running") == 0);
	config("r4", "user.mock.delay", "100");
	o = get("r4");
	CHECK(instance_set_state(o, "running", false, &root, on_done, NULL, &e) == 1);
	sleep_ms(30);
	if (!unit_failed)
		die();
}

static void find_running(void)
{
	CHECK(state_of("r1") == INST_RUNNING && state_of("r2") == INST_FROZEN);
	for (int i = 0; i < 500 && (state_of("r3") != INST_STOPPED || state_of("r4") != INST_RUNNING); i++)
		sleep_ms(2);
	CHECK(state_of("r3") == INST_STOPPED && !has_record("r3") && state_of("r4") == INST_RUNNING && has_record("r4"));
	/* Killed between freezing for a snapshot and thawing. */
	_cleanup_object_ struct object *o = get("r1");
	const struct caller who = { .unique = 70 };
	struct err e = ERR_INIT;

	config("r1", "user.mock.delay", "60");
	CHECK(instance_snapshot(o, "s", &plain, &who, on_done, NULL, &e) == 1);
	sleep_ms(90);
	if (!unit_failed)
		die();
}

static void find_snapshot(void)
{
	_cleanup_object_ struct object *o = get("r1");
	const struct caller who = { .unique = 70, .again = true };
	struct err e = ERR_INIT;

	done = 0;
	CHECK(finish(instance_snapshot(o, "s", &plain, &who, on_done, NULL, &e)) == 0);
	CHECK(state_of("r1") == INST_RUNNING);
	pthread_mutex_lock(&o->lock);
	CHECK(object_snapshot(o, "s"));
	pthread_mutex_unlock(&o->lock);
	op_acknowledge(70);
	/* In the midst of a restart. */
	CHECK(instance_set_state(o, "restarted", false, &who, on_done, NULL, &e) == 1);
	sleep_ms(30);
	if (!unit_failed)
		die();
}

static void find_restart(void)
{
	_cleanup_object_ struct object *o = get("r1");
	const struct caller who = { .unique = 70, .again = true };
	struct err e = ERR_INIT;

	done = 0;
	CHECK(finish(instance_set_state(o, "restarted", false, &who, on_done, NULL, &e)) == 0);
	CHECK(state_of("r1") == INST_RUNNING && has_record("r1") && events("instance-restarted") == 1);
	op_acknowledge(70);
	config("r1", "user.mock.delay", NULL);
	config("r4", "user.mock.delay", NULL);
}

/* The holder died too, the host did not: nothing is remembered, and nothing runs any more. */
static void find_nothing(void)
{
	CHECK(state_of("r1") == INST_STOPPED && !has_record("r1") && state_of("r2") == INST_STOPPED);
	CHECK(events("instance-stopped") == 3);
}

static void prepare_boot(void)
{
	CHECK(state("r1", "running") == 0 && state("r2", "running") == 0);
	config("r2", "boot.autostart", "false");
	config("r3", "user.mock.crash", NULL);
	config("r3", "boot.autostart", "true");
	config("r3", "boot.autostart.priority", "10");
	config("r3", "boot.autostart.delay", "1");
	config("r4", "ephemeral", "true\n");
	CHECK(state("r4", "running") == 0);
}

static time_t started(const char *name, long *ms)
{
	_cleanup_object_ struct object *o = get(name);
	HOLD_LOCK(&o->lock);

	*ms = o->run.started.tv_sec * 1000 + o->run.started.tv_nsec / 1000000;
	return o->run.started.tv_sec;
}

static void find_booted(void)
{
	long first = 0, second = 0;

	for (int i = 0; i < 1000 && state_of("r1") != INST_RUNNING; i++)
		sleep_ms(3);
	CHECK(state_of("r1") == INST_RUNNING && state_of("r3") == INST_RUNNING);
	CHECK(state_of("r2") == INST_STOPPED && !has_record("r2"));
	CHECK(!object_find(SPACE_INSTANCES, "r4"));
	CHECK(started("r3", &first) && started("r1", &second) && second - first >= 900);
	CHECK(!run_booted());
}

/* As if the host had been booted: other records, and no keep. */
static void change_boot_id(void)
{
	char command[512];

	snprintf(command, sizeof(command),
		 "echo other > %s/boot-id && sed -i 's/\"boot_id\": \"[^\"]*\"/\"boot_id\": \"other\"/' %s/instances/*/run.json", dir, dir);
	CHECK(!system(command));
	new_keep();
}

/* Servers come and go under a client that repeats its request until it is done. */
static void hurry(void)
{
	_cleanup_object_ struct object *o = get("r1");
	const struct caller who = { .unique = 500, .again = true };
	struct err e = ERR_INIT;

	done = 0;
	finish(instance_set_state(o, "restarted", false, &who, on_done, NULL, &e));
	pause();
}

static void calm(void)
{
	_cleanup_object_ struct object *o = get("r1");
	const struct caller who = { .unique = 500, .again = true };
	struct err e = ERR_INIT;

	done = 0;
	CHECK(finish(instance_set_state(o, "restarted", false, &who, on_done, NULL, &e)) == 0);
	op_acknowledge(500);
	CHECK(state_of("r1") == INST_RUNNING && has_record("r1"));
	CHECK(state("r1", "stopped") == 0 && !has_record("r1"));
}

static void slow_r1(void)
{
	config("r1", "user.mock.delay", "10");
}

static void test_kills(void)
{
	server(slow_r1);
	for (int i = 0; i < 25; i++) {
		pid_t pid = begin(hurry);
		int status;

		sleep_ms(8 + i);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		CHECK(WIFSIGNALED(status));
	}
	server(calm);
}

int main(void)
{
	snprintf(dir, sizeof(dir), "/tmp/unit-instance.XXXXXX");
	passed = mmap(NULL, sizeof(*passed), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	keep_fd = memfd_create("keep", MFD_CLOEXEC);
	CHECK(mkdtemp(dir) && !ftruncate(keep_fd, KEEP_SIZE));
	server(all_in_one);
	new_keep();
	server_killed(leave_running);
	server_killed(find_running);
	server_killed(find_snapshot);
	server(find_restart);
	new_keep();
	server(find_nothing);
	server(prepare_boot);
	change_boot_id();
	server(find_booted);
	test_kills();
	tree_remove(AT_FDCWD, dir, NULL);
	unit_passed += *passed;
	return UNIT_END();
}
