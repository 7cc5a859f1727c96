// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Commands in instances: see exec.h. Records are in the keep (KEEP_EXEC, key object << 32 | slot) and in a sorted table in memory
 * that is read from there once. What is in the directory of a request is written by us up to the start and by the backend's
 * process after it.
 *
 * `lock` guards the table and the waiters; a leaf but for the keep. Nothing is called back under it.
 */
#include "backends/core/exec.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/exec_input.h"
#include "backends/core/instance.h"
#include "backends/core/keep.h"
#include "backends/core/tree.h"

#define OUTPUT_MAX (256 << 20)

struct waiter {
	uint64_t id, key;
	void (*f)(void *arg);
	void *arg;
	struct waiter *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct exec_request *table;	/* sorted by key */
static size_t n_table, cap_table;
static bool loaded;
static struct waiter *waiters;
static uint64_t next_waiter = 1;

static uint64_t key_of(uint32_t object, uint32_t slot)
{
	return (uint64_t)object << 32 | slot;
}

static uint64_t key_of_request(const struct exec_request *x)
{
	return key_of(x->object, x->slot);
}

/* ---- the table; all under the lock ---- */

/* Index of the first one whose key is not smaller. */
static size_t lower_bound(uint64_t key)
{
	size_t lo = 0, hi = n_table;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (key_of_request(&table[mid]) < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static int insert(const struct exec_request *x)
{
	size_t i = lower_bound(key_of_request(x));

	if (n_table == cap_table) {
		size_t cap = cap_table ? 2 * cap_table : 16;
		struct exec_request *more = realloc(table, cap * sizeof(*table));

		if (!more)
			return -ENOMEM;
		table = more;
		cap_table = cap;
	}
	memmove(&table[i + 1], &table[i], (n_table - i) * sizeof(*table));
	table[i] = *x;
	n_table++;
	return 0;
}

static int load_one(uint64_t key, const void *data, size_t len, void *arg)
{
	struct exec_request x;

	(void)arg;
	if (len != sizeof(x))
		return 0;
	memcpy(&x, data, sizeof(x));
	return key_of_request(&x) == key ? insert(&x) : 0;
}

static pthread_mutex_t *hold_table(void)
{
	pthread_mutex_lock(&lock);
	if (!loaded) {
		loaded = true;
		keep_each(KEEP_EXEC, load_one, NULL);
	}
	return &lock;
}

#define HOLD_TABLE() __attribute__((cleanup(cleanup_unlock), unused)) pthread_mutex_t *held = hold_table()

static struct exec_request *get(uint32_t object, uint32_t slot)
{
	size_t i = lower_bound(key_of(object, slot));

	return i < n_table && table[i].object == object && table[i].slot == slot ? &table[i] : NULL;
}

static struct exec_request *get_name(uint32_t object, const char *name)
{
	for (size_t i = lower_bound(key_of(object, 0)); i < n_table && table[i].object == object; i++)
		if (!strcmp(table[i].name, name))
			return &table[i];
	return NULL;
}

static int save(const struct exec_request *x)
{
	return keep_put(KEEP_EXEC, key_of_request(x), x, sizeof(*x));
}

static struct waiter *take_waiters(uint64_t key)
{
	struct waiter **p = &waiters, *taken = NULL, *w;

	while ((w = *p)) {
		if (w->key != key) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		w->next = taken;
		taken = w;
	}
	return taken;
}

/* Not under the lock. */
static void call_waiters(struct waiter *w)
{
	while (w) {
		struct waiter *next = w->next;

		w->f(w->arg);
		free(w);
		w = next;
	}
}

/* ---- finding ---- */

bool exec_find(struct object *o, const char *name, struct exec_request *ret)
{
	HOLD_TABLE();
	struct exec_request *x = get_name(o->id, name);

	if (x)
		*ret = *x;
	return x != NULL;
}

bool exec_find_slot(struct object *o, uint32_t slot, struct exec_request *ret)
{
	HOLD_TABLE();
	struct exec_request *x = get(o->id, slot);

	if (x)
		*ret = *x;
	return x != NULL;
}

int exec_each(struct object *o, uint32_t after, int (*f)(const struct exec_request *x, void *arg), void *arg)
{
	struct exec_request x;
	int r = 0;

	while (r == 0) {
		size_t i;

		hold_table();
		i = lower_bound(key_of(o->id, after) + 1);
		if (i >= n_table || table[i].object != o->id) {
			pthread_mutex_unlock(&lock);
			return 0;
		}
		x = table[i];
		pthread_mutex_unlock(&lock);
		after = x.slot;
		r = f(&x, arg);
	}
	return r;
}

/* ---- directories ---- */

static void base_dir(char *buf, size_t size)
{
	snprintf(buf, size, "%s/exec", model_rundir());
}

static void dir_name(const struct exec_request *x, char buf[32])
{
	snprintf(buf, 32, "%u.%u", x->object, x->slot);
}

void exec_dir(const struct exec_request *x, char *buf, size_t size)
{
	snprintf(buf, size, "%s/exec/%u.%u", model_rundir(), x->object, x->slot);
}

static int make_dir(const struct exec_request *x, struct err *e)
{
	char path[512];

	base_dir(path, sizeof(path));
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s", path);
	exec_dir(x, path, sizeof(path));
	return mkdir(path, 0700) < 0 && errno != EEXIST ? err_sys(e, errno, "%s", path) : 0;
}

static void remove_dir(const struct exec_request *x)
{
	_cleanup_close_ int fd = -1;
	char path[512], name[32];

	base_dir(path, sizeof(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	dir_name(x, name);
	if (fd >= 0)
		tree_remove(fd, name, NULL);
}

/* ---- making and removing ---- */

int exec_create(struct object *o, const char *name, const struct meta *m, struct exec_request *ret, struct err *e)
{
	struct exec_request x = { .object = o->id, .meta = *m };
	int r = name_check("exec", name, e);

	if (r < 0)
		return r;
	if (!(backend_caps(o) & BACKEND_EXEC))
		return err_set(e, EOPNOTSUPP, "this instance's backend cannot run commands in it");
	snprintf(x.name, sizeof(x.name), "%s", name);
	x.slot = object_new_slot(o, e);
	if (!x.slot)
		return e && e->code ? -e->code : -EIO;
	r = make_dir(&x, e);
	if (r < 0)
		return r;
	hold_table();
	r = get_name(o->id, name) ? -EEXIST : save(&x);
	if (r == 0)
		r = insert(&x);
	pthread_mutex_unlock(&lock);
	if (r < 0) {
		remove_dir(&x);
		return r == -EEXIST ? err_set(e, EEXIST, "exec/%s is there already", name) : err_sys(e, -r, "exec/%s", name);
	}
	*ret = x;
	object_changed(o, CHANGED_RUNTIME);
	return 0;
}

/* Takes the record out, so that nobody finds it any more. Returns those who waited for its end. */
static bool take(uint32_t object, uint32_t slot, struct exec_request *ret, struct waiter **ret_waiters)
{
	HOLD_TABLE();
	struct exec_request *x = get(object, slot);

	if (!x)
		return false;
	*ret = *x;
	memmove(x, x + 1, (size_t)(table + n_table - (x + 1)) * sizeof(*table));
	n_table--;
	keep_del(KEEP_EXEC, key_of(object, slot));
	*ret_waiters = take_waiters(key_of(object, slot));
	return true;
}

/* o NULL: the instance is gone, and all that ran in it. */
static bool drop(struct object *o, uint32_t object, uint32_t slot)
{
	struct exec_request x;
	struct waiter *w;

	if (!take(object, slot, &x, &w))
		return false;
	if (x.running && o)
		backend_exec_kill(o, &x, NULL);
	remove_dir(&x);
	call_waiters(w);
	return true;
}

int exec_remove(struct object *o, const char *name, struct err *e)
{
	struct exec_request x;

	if (!exec_find(o, name, &x) || !drop(o, o->id, x.slot))
		return err_set(e, ENOENT, "there is no exec/%s", name);
	object_changed(o, CHANGED_RUNTIME);
	return 0;
}

/* ---- inputs ---- */

/* Takes the right to start it: only one gets it. */
static int claim(const struct exec_request *x, struct err *e)
{
	HOLD_TABLE();
	struct exec_request *t = get(x->object, x->slot);

	if (!t)
		return err_set(e, ENOENT, "the command was removed");
	if (t->started.tv_sec)
		return err_set(e, EBUSY, "exec/%s was started already; make another one", x->name);
	clock_gettime(CLOCK_REALTIME, &t->started);
	t->running = true;
	return 0;
}

static void unclaim(const struct exec_request *x)
{
	HOLD_TABLE();
	struct exec_request *t = get(x->object, x->slot);

	if (!t)
		return;
	t->started = (struct timespec) { 0 };
	t->pid = 0;
	t->running = false;
	save(t);
}

int exec_record(const struct exec_request *x)
{
	HOLD_TABLE();
	struct exec_request *t = get(x->object, x->slot);

	if (!t)
		return -ENOENT;
	t->pid = x->pid;
	t->pid_start = x->pid_start;
	return save(t);
}

static int start(struct object *o, const struct exec_request *x, const char *item, struct err *e)
{
	struct exec_request mine;
	char path[512], file[560];
	int r = claim(x, e);

	if (r < 0)
		return r;
	exec_find_slot(o, x->slot, &mine);
	r = backend_exec_start(o, &mine, e);
	if (r < 0) {
		unclaim(x);
		exec_dir(x, path, sizeof(path));
		snprintf(file, sizeof(file), "%s/%s", path, item);
		unlink(file);
		return r;
	}
	exec_record(&mine);
	object_changed(o, CHANGED_RUNTIME);
	return 0;
}

/* A request that was seen by an earlier server, which had carried it out: the file has these bytes. */
static bool is_same(const struct exec_request *x, const char *item, const char *data, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[512], file[560];

	exec_dir(x, path, sizeof(path));
	snprintf(file, sizeof(file), "%s/%s", path, item);
	return buf_read_file(&b, AT_FDCWD, file, EXEC_INPUT_MAX) == 0 && b.len == len && !memcmp(buf_str(&b), data, len);
}

static int check_state(struct object *o, struct err *e)
{
	enum inst_state s;

	pthread_mutex_lock(&o->lock);
	s = o->run.state;
	pthread_mutex_unlock(&o->lock);
	if (s == INST_FROZEN || s == INST_FREEZING)
		return err_set(e, EBUSY, "the instance is frozen; nothing runs in it until \"running\" is written to its state");
	if (!instance_is_running(o))
		return err_set(e, ENOTCONN, "the instance does not run; commands need one that does");
	return 0;
}

int exec_set(struct object *o, uint32_t slot, const char *item, const char *data, size_t len, const struct caller *who,
	     struct err *e)
{
	struct exec_request x;
	bool starts = !strcmp(item, "command") || !strcmp(item, "argv");
	int r;

	if (!exec_find_slot(o, slot, &x))
		return err_set(e, ENOENT, "the command was removed");
	r = exec_input_check(item, data, len, e);
	if (r < 0)
		return r;
	if (x.started.tv_sec) {
		if (who && who->again && is_same(&x, item, data, len))
			return 0;
		return err_set(e, EBUSY, "exec/%s was started already; make another one", x.name);
	}
	if (starts)
		r = check_state(o, e);
	if (r == 0)
		r = exec_input_write(&x, item, data, len, e);
	return r < 0 || !starts ? r : start(o, &x, item, e);
}

int exec_stdin(struct object *o, uint32_t slot, const char *data, size_t len, off_t off, struct err *e)
{
	struct exec_request x;

	if (!exec_find_slot(o, slot, &x))
		return err_set(e, ENOENT, "the command was removed");
	if (x.started.tv_sec)
		return err_set(e, EBUSY, "exec/%s was started already; make another one", x.name);
	return exec_input_stdin(&x, data, len, off, e);
}

int exec_get(struct object *o, uint32_t slot, const char *item, struct buf *out, struct err *e)
{
	struct exec_request x;
	char path[512], file[560];
	int r;

	if (!exec_find_slot(o, slot, &x))
		return err_set(e, ENOENT, "the command was removed");
	if (!strcmp(item, "status")) {
		if (x.finished)
			buf_addf(out, "%d\n", WIFSIGNALED(x.status) ? 128 + WTERMSIG(x.status) : WEXITSTATUS(x.status));
		return 0;
	}
	exec_dir(&x, path, sizeof(path));
	if ((size_t)snprintf(file, sizeof(file), "%s/%s", path, item) >= sizeof(file))
		return err_set(e, ENAMETOOLONG, "%.64s", item);
	r = buf_read_file(out, AT_FDCWD, file, OUTPUT_MAX);
	return r < 0 && r != -ENOENT ? err_sys(e, -r, "%s", item) : 0;
}

/* ---- the end ---- */

void exec_finished(uint32_t object, uint32_t slot, int status)
{
	_cleanup_object_ struct object *o = NULL;
	struct waiter *w = NULL;
	struct exec_request *x;

	hold_table();
	x = get(object, slot);
	if (x && !x->finished) {
		x->finished = true;
		x->running = false;
		x->status = status;
		clock_gettime(CLOCK_REALTIME, &x->ended);
		save(x);
		w = take_waiters(key_of(object, slot));
	} else {
		x = NULL;
	}
	pthread_mutex_unlock(&lock);
	if (!x)
		return;
	o = object_get(object);
	if (o)
		object_changed(o, CHANGED_RUNTIME);
	call_waiters(w);
}

uint64_t exec_wait(struct object *o, uint32_t slot, void (*f)(void *arg), void *arg)
{
	struct waiter *w = malloc(sizeof(*w));
	struct exec_request *x;
	uint64_t id = 0;

	hold_table();
	x = get(o->id, slot);
	if (w && x && !x->finished) {
		id = next_waiter++;
		*w = (struct waiter) { .id = id, .key = key_of(o->id, slot), .f = f, .arg = arg, .next = waiters };
		waiters = w;
	}
	pthread_mutex_unlock(&lock);
	if (!id) {
		free(w);
		f(arg);
	}
	return id;
}

bool exec_wait_cancel(uint64_t id)
{
	struct waiter *w = NULL;

	pthread_mutex_lock(&lock);
	for (struct waiter **p = &waiters; *p; p = &(*p)->next)
		if ((*p)->id == id) {
			w = *p;
			*p = w->next;
			break;
		}
	pthread_mutex_unlock(&lock);
	free(w);
	return w != NULL;
}

static int end_one(const struct exec_request *x, void *arg)
{
	struct object *o = arg;
	struct exec_request mine = *x;

	if (o->gone || o->space != SPACE_INSTANCES)
		drop(o, o->id, x->slot);
	else if (x->running)
		backend_exec_kill(o, &mine, NULL);
	return 0;
}

void exec_instance_gone(struct object *o)
{
	exec_each(o, 0, end_one, o);
}

/* ---- after a restart of the server ---- */

static void adopt_one(const struct exec_request *x)
{
	_cleanup_object_ struct object *o = object_get(x->object);
	struct exec_request mine = *x;

	if (!o)
		drop(NULL, x->object, x->slot);
	else if (x->running && backend_exec_adopt(o, &mine, NULL) < 0)
		exec_finished(x->object, x->slot, SIGKILL);
}

/* Directories without a record: of a server that was killed between the two, or of a holder that is gone. */
static void sweep(void)
{
	_cleanup_dir_ DIR *d = NULL;
	struct dirent *de;
	unsigned object, slot;
	char path[512];
	bool known;

	base_dir(path, sizeof(path));
	d = opendir(path);
	while (d && (de = readdir(d))) {
		if (sscanf(de->d_name, "%u.%u", &object, &slot) != 2)
			continue;
		hold_table();
		known = get(object, slot) != NULL;
		pthread_mutex_unlock(&lock);
		if (!known)
			tree_remove(dirfd(d), de->d_name, NULL);
	}
}

void exec_adopt_all(void)
{
	struct exec_request *copy;
	size_t n;

	hold_table();
	n = n_table;
	copy = n ? malloc(n * sizeof(*copy)) : NULL;
	if (copy)
		memcpy(copy, table, n * sizeof(*copy));
	pthread_mutex_unlock(&lock);
	for (size_t i = 0; copy && i < n; i++)
		adopt_one(&copy[i]);
	free(copy);
	sweep();
}
