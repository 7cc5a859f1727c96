// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The mock backend. What runs is a record in the keep; its process id is none that a process can have. The only thing in
 * memory is the timer of an instance that will end by itself; `lock` guards the list of these and is a leaf.
 */
#include "backends/mock/mock.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/instance.h"
#include "backends/core/keep.h"
#include "backends/core/value.h"
#include "backends/core/watch.h"
#include "backends/mock/mock_state.h"

#define FIRST_PID (1 << 30)		/* above the kernel's limit of 2^22: never somebody's process */
#define DELAY_MAX 600000
#define CONSOLE_MAX (64 << 10)
#define CONSOLE (1ULL << 32)		/* added to the object's id: its console in the keep */

struct crash {
	uint32_t object;
	int64_t timer;
	struct crash *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct crash *crashes;

/* ---- configuration ---- */

static unsigned milliseconds(const struct expanded *x, const char *key)
{
	const char *s = expanded_get(x, key);
	int64_t n;

	return s && !value_int(s, 0, DELAY_MAX, &n, NULL) ? (unsigned)n : 0;
}

static bool has_word(const char *text, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = text; p && (p = strstr(p, word)); p += len)
		if ((p == text || strchr(" ,\n", p[-1])) && strchr(" ,\n", p[len]))
			return true;
	return false;
}

int mock_told_to_fail(const struct expanded *x, const char *what, struct err *e)
{
	if (!has_word(expanded_get(x, "user.mock.fail"), what))
		return 0;
	return err_set(e, EIO, "user.mock.fail says that %s fails", what);
}

static void sleep_ms(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	while (nanosleep(&t, &t) < 0 && errno == EINTR)
		;
}

/* What every lifecycle operation begins with: the knobs, read now. *ms: how long it takes. */
static int knobs(struct object *o, const char *what, unsigned *ms, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .n = 0 };
	int r = config_expand(o, &x, e);

	if (r < 0)
		return r;
	*ms = milliseconds(&x, "user.mock.delay");
	return mock_told_to_fail(&x, what, e);
}

/* ---- what runs ---- */

bool mock_state_get(struct object *o, struct mock_state *ret)
{
	return keep_get_struct(KEEP_BACKEND, o->id, ret, sizeof(*ret));
}

static int state_put(struct object *o, const struct mock_state *s, struct err *e)
{
	if (keep_put(KEEP_BACKEND, o->id, s, sizeof(*s)) < 0)
		return err_set(e, ENOSPC, "no memory left to remember that %s runs", o->name);
	return 0;
}

/* The wall clock's time in ticks since the host was booted, as the kernel tells when a process began. Never 0. */
static uint64_t ticks_at(const struct timespec *t)
{
	struct timespec wall, boot;
	double since;

	clock_gettime(CLOCK_REALTIME, &wall);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	since = difftime(boot.tv_sec, wall.tv_sec - t->tv_sec);
	return since > 1 ? (uint64_t)since * (uint64_t)sysconf(_SC_CLK_TCK) : 1;
}

static void fill_run(struct object *o, const struct mock_state *s)
{
	HOLD_LOCK(&o->lock);

	o->run.init_pid = (pid_t)(FIRST_PID | o->id);
	o->run.init_start = ticks_at(&s->started);
	o->run.monitor_pid = 0;
	o->run.monitor_start = 0;
	o->run.started = s->started;
	snprintf(o->run.cgroup, sizeof(o->run.cgroup), "/mock/%u", o->id);
}

static void on_crash(void *arg)
{
	uint32_t id = (uint32_t)(uintptr_t)arg;
	_cleanup_object_ struct object *o = object_get(id);

	keep_del(KEEP_BACKEND, id);
	if (o)
		instance_stopped(o);
}

static void crash_cancel(struct object *o)
{
	struct crash *c = NULL;

	pthread_mutex_lock(&lock);
	for (struct crash **p = &crashes; *p; p = &(*p)->next) {
		if ((*p)->object == o->id) {
			c = *p;
			*p = c->next;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
	if (c)
		watch_del(c->timer);
	free(c);
}

static void crash_plan(struct object *o, const struct mock_state *s)
{
	struct crash *c;
	struct timespec now;
	int64_t left;

	if (!s->crash)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	left = s->crash - ((int64_t)(now.tv_sec - s->started.tv_sec) * 1000 + (now.tv_nsec - s->started.tv_nsec) / 1000000);
	c = malloc(sizeof(*c));
	if (!c)
		return;
	c->object = o->id;
	pthread_mutex_lock(&lock);
	c->timer = watch_timer(left > 0 ? (unsigned)left : 0, on_crash, (void *)(uintptr_t)o->id);
	c->next = crashes;
	crashes = c;
	pthread_mutex_unlock(&lock);
}

/* ---- lifecycle ---- */

static int mock_probe(struct buf *version, struct err *e)
{
	buf_addstr(version, "mock 1\n");
	return 0;
}

static int mock_start(struct object *o, const struct expanded *x, struct op *op, struct err *e)
{
	struct mock_state s = { .crash = milliseconds(x, "user.mock.crash") };
	int r = mock_told_to_fail(x, "start", e);

	if (has_word(expanded_get(x, "user.mock.fail"), "crash"))
		raise(SIGABRT);
	/* An earlier server came that far. */
	if (op->again && mock_state_get(o, &s)) {
		fill_run(o, &s);
		crash_plan(o, &s);
		return 0;
	}
	op_progress(op, "pretend to start");
	sleep_ms(milliseconds(x, "user.mock.delay"));
	if (r < 0)
		return r;
	crash_cancel(o);
	clock_gettime(CLOCK_REALTIME, &s.started);
	r = state_put(o, &s, e);
	if (r == 0)
		r = mock_devices_start(o, x, e);
	if (r < 0)
		return r;
	fill_run(o, &s);
	crash_plan(o, &s);
	return 0;
}

static int mock_stop(struct object *o, struct op *op, struct err *e)
{
	bool force = op->flags & OP_FORCE;
	unsigned ms = 0, limit = (op->timeout ? op->timeout : 30) * 1000;
	int r = knobs(o, "stop", &ms, e);

	if (!force) {
		op_progress(op, "pretend to stop");
		sleep_ms(ms < limit ? ms : limit);
		if (r < 0)
			return r;
		if (ms > limit)
			return err_set(e, ETIMEDOUT, "%s did not stop within %u s; write \"stopped force\" to kill it", o->name, limit / 1000);
	}
	crash_cancel(o);
	keep_del(KEEP_BACKEND, o->id);
	mock_devices_forget(o);
	return 0;
}

static int set_frozen(struct object *o, const char *what, bool frozen, struct err *e)
{
	struct mock_state s;
	unsigned ms = 0;
	int r = knobs(o, what, &ms, e);

	sleep_ms(ms);
	if (r < 0)
		return r;
	if (!mock_state_get(o, &s))
		return err_set(e, ESRCH, "%s does not run", o->name);
	s.frozen = frozen;
	return state_put(o, &s, e);
}

static int mock_freeze(struct object *o, struct op *op, struct err *e)
{
	return set_frozen(o, "freeze", true, e);
}

static int mock_thaw(struct object *o, struct op *op, struct err *e)
{
	return set_frozen(o, "thaw", false, e);
}

static int mock_apply(struct object *o, const struct key *k, const char *name, const char *value, const struct expanded *now,
		      struct err *e)
{
	return mock_told_to_fail(now, "apply", e);
}

static int mock_adopt(struct object *o, struct err *e)
{
	struct mock_state s;
	unsigned ms;
	int r = knobs(o, "adopt", &ms, e);

	if (r < 0)
		return r;
	if (!mock_state_get(o, &s))
		return 0;
	fill_run(o, &s);
	pthread_mutex_lock(&o->lock);
	o->run.state = s.frozen ? INST_FROZEN : INST_RUNNING;
	pthread_mutex_unlock(&o->lock);
	crash_plan(o, &s);
	return 1;
}

/* ---- facts ---- */

static const struct {
	const char *item, *value;
} numbers[] = {
	{ "cpu.usage_ns", "3000000000" }, { "cpu.user_ns", "2000000000" }, { "cpu.system_ns", "1000000000" },
	{ "memory.current", "67108864" }, { "memory.peak", "134217728" }, { "swap.current", "0" }, { "pids.current", "7" },
	{ "disk/root.bytes", "1048576" }, { "disk/root.limit", "max" }, { "network", "eth0\nlo" }, { "network/eth0.rx_bytes", "1000" },
	{ "network/eth0.rx_packets", "10" }, { "network/eth0.tx_bytes", "2000" }, { "network/eth0.tx_packets", "20" },
	{ "network/lo.rx_bytes", "0" }, { "network/lo.rx_packets", "0" }, { "network/lo.tx_bytes", "0" },
	{ "network/lo.tx_packets", "0" },
};

/* Limits are what is configured. */
static int limit(struct object *o, const char *key, struct buf *out, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .n = 0 };
	int r = config_expand(o, &x, e);
	const char *s;
	uint64_t n;

	if (r < 0)
		return r;
	s = expanded_get(&x, key);
	if (s && !value_size_or_percent(s, 1ULL << 30, &n, NULL))
		buf_addf(out, "%llu\n", (unsigned long long)n);
	else
		buf_addstr(out, "max\n");
	return 0;
}

static int mock_usage(struct object *o, const char *item, struct buf *out, struct err *e)
{
	struct mock_state s;

	if (!mock_state_get(o, &s))
		return err_set(e, ENODATA, "%s does not run", o->name);
	if (!strcmp(item, "memory.limit"))
		return limit(o, "limits.memory", out, e);
	if (!strcmp(item, "pids.limit"))
		return limit(o, "limits.processes", out, e);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!strcmp(item, numbers[i].item)) {
			buf_addf(out, "%s\n", numbers[i].value);
			return 0;
		}
	}
	return err_set(e, ENODATA, "the mock does not count %s", item);
}

static int mock_addresses(struct object *o, struct buf *out, struct err *e)
{
	buf_addf(out, "lo inet 127.0.0.1/8\neth0 inet 10.%u.%u.%u/8\n", o->id >> 16 & 0xff, o->id >> 8 & 0xff, o->id & 0xff);
	return 0;
}

static int mock_refresh(struct object *o, struct err *e)
{
	return 0;	/* has no processes that could read them */
}

static int mock_effective(struct object *o, struct buf *out, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .n = 0 };
	int r = config_expand(o, &x, e);

	for (size_t i = 0; !r && i < x.n; i++)
		if (x.items[i].kind == ENT_CONFIG && !strncmp(x.items[i].name, "limits.", 7))
			buf_addf(out, "%s %.*s\n", x.items[i].name, (int)strcspn(x.items[i].value, "\n"), x.items[i].value);
	return r;
}

/* It enforces nothing, and that is what it is for. */
static int mock_warnings(struct object *o, struct buf *out, struct err *e)
{
	return 0;
}

/* ---- console ---- */

static int mock_console_read(struct object *o, struct buf *out, struct err *e)
{
	keep_get(KEEP_BACKEND, CONSOLE | o->id, out);
	return 0;
}

/* It echoes, as a terminal does. */
static int mock_console_write(struct object *o, const char *data, size_t len, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct mock_state s;
	size_t skip;

	if (!mock_state_get(o, &s))
		return err_set(e, ENOTCONN, "%s does not run", o->name);
	keep_get(KEEP_BACKEND, CONSOLE | o->id, &b);
	buf_add(&b, data, len);
	if (buf_error(&b))
		return err_set(e, ENOMEM, "out of memory");
	skip = b.len > CONSOLE_MAX ? b.len - CONSOLE_MAX : 0;
	if (keep_put(KEEP_BACKEND, CONSOLE | o->id, buf_str(&b) + skip, b.len - skip) < 0)
		return err_set(e, ENOSPC, "no memory left for the console");
	return 0;
}

static int mock_tty(struct object *o, bool make, char *buf, size_t size, struct err *e)
{
	buf[0] = '\0';
	return 0;
}

static int mock_log(struct object *o, struct buf *out, struct err *e)
{
	struct mock_state s;

	if (!mock_state_get(o, &s))
		return 0;
	value_print_time(out, s.started.tv_sec);
	buf_addstr(out, " mock: pretends to run\n");
	return 0;
}

static void mock_forget(struct object *o)
{
	crash_cancel(o);
	keep_del(KEEP_BACKEND, o->id);
	keep_del(KEEP_BACKEND, CONSOLE | o->id);
	mock_devices_forget(o);
}

const struct backend_ops mock_backend = {
	.name = "mock",
	.caps = BACKEND_CONTAINER | BACKEND_EXEC | BACKEND_CONSOLE | BACKEND_DEVICES | BACKEND_LIMITS,
	.probe = mock_probe,
	.start = mock_start,
	.stop = mock_stop,
	.freeze = mock_freeze,
	.thaw = mock_thaw,
	.apply = mock_apply,
	.device = mock_device,
	.device_show = mock_device_show,
	.adopt = mock_adopt,
	.usage = mock_usage,
	.addresses = mock_addresses,
	.effective = mock_effective,
	.refresh = mock_refresh,
	.warnings = mock_warnings,
	.machine = backend_no_machine,
	.console_read = mock_console_read,
	.console_write = mock_console_write,
	.tty = mock_tty,
	.log = mock_log,
	.exec_start = mock_exec_start,
	.exec_kill = mock_exec_kill,
	.exec_adopt = mock_exec_adopt,
	.forget = mock_forget,
};
