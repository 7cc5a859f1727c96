// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Run records. They are small and written whole: to a file beside, then renamed. `stripes` keep two writers of one record apart,
 * and a removal from a write; taken with no lock of the object held, and object.lock is taken inside.
 */
#include "backends/core/run.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"

#define STRIPES 16
#define RECORD "run.json"
#define BOOT_FILE "boot-id"

static pthread_mutex_t stripes[STRIPES] = { [0 ... STRIPES - 1] = PTHREAD_MUTEX_INITIALIZER };
static pthread_once_t boot_once = PTHREAD_ONCE_INIT;
static char boot_id[64];

static void json_drop(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ __attribute__((cleanup(json_drop)))

static void read_line(int dirfd, const char *path, char *buf, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf[0] = '\0';
	if (!buf_read_file(&b, dirfd, path, 4096))
		snprintf(buf, size, "%.*s", (int)strcspn(buf_str(&b), "\n"), buf_str(&b));
}

static void read_boot_id(void)
{
	read_line(AT_FDCWD, "/proc/sys/kernel/random/boot_id", boot_id, sizeof(boot_id));
}

static const char *this_boot_id(void)
{
	pthread_once(&boot_once, read_boot_id);
	return boot_id;
}

static int write_tmp(int dirfd, const char *tmp, const char *text, bool durable, struct err *e)
{
	_cleanup_close_ int fd = -1;
	size_t len = strlen(text);

	errno = 0;
	fd = openat(dirfd, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno, "cannot make %s", tmp);
	if (write(fd, text, len) != (ssize_t)len || (durable && fsync(fd) < 0))
		return err_sys(e, errno ? errno : ENOSPC, "cannot write %s", tmp);
	return 0;
}

/* dirfd/name becomes that text; without durable it may be lost, or empty, when the host loses power. */
static int replace_file(int dirfd, const char *name, const char *text, bool durable, struct err *e)
{
	char tmp[32];
	int r;

	snprintf(tmp, sizeof(tmp), "%s.tmp", name);
	r = write_tmp(dirfd, tmp, text, durable, e);
	if (r < 0) {
		unlinkat(dirfd, tmp, 0);
		return r;
	}
	if (renameat(dirfd, tmp, dirfd, name) < 0 || (durable && fsync(dirfd) < 0))
		return err_sys(e, errno, "cannot replace %s", name);
	return 0;
}

static json_t *pack(struct object *o, bool halted)
{
	struct run run;

	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	return json_pack("{s:i, s:s, s:s, s:i, s:I, s:i, s:I, s:I, s:I, s:s}", "format", 1, "boot_id", this_boot_id(), "state",
			 inst_state_name(halted ? INST_STOPPED : run.state), "init_pid", (int)run.init_pid, "init_start",
			 (json_int_t)run.init_start,
			 "monitor_pid", (int)run.monitor_pid, "monitor_start", (json_int_t)run.monitor_start, "started",
			 (json_int_t)run.started.tv_sec, "started_ns", (json_int_t)run.started.tv_nsec, "cgroup", run.cgroup);
}

static int save(struct object *o, bool halted, bool durable, struct err *e)
{
	HOLD_LOCK(&stripes[o->id % STRIPES]);
	_cleanup_close_ int dir = object_dirfd(o);
	_cleanup_json_ json_t *j = pack(o, halted);
	_cleanup_free_ char *text = j ? json_dumps(j, JSON_INDENT(2)) : NULL;
	int r;

	if (dir < 0)
		return err_sys(e, -dir, "cannot open the directory of %s", o->name);
	if (!text)
		return err_set(e, ENOMEM, "out of memory");
	r = replace_file(dir, RECORD, text, durable, e);
	return r < 0 && e ? err_wrap(e, "run record of %s", o->name) : r;
}

int run_save(struct object *o, bool durable, struct err *e)
{
	return save(o, false, durable, e);
}

int run_save_halted(struct object *o, struct err *e)
{
	return save(o, true, true, e);
}

static int64_t number(json_t *j, const char *name)
{
	return json_integer_value(json_object_get(j, name));
}

int run_load(struct object *o, struct run *ret, bool *this_boot, struct err *e)
{
	_cleanup_close_ int dir = object_dirfd(o);
	_cleanup_buf_ struct buf b = BUF_INIT;
	_cleanup_json_ json_t *j = NULL;
	const char *boot, *state;
	int r = dir < 0 ? dir : buf_read_file(&b, dir, RECORD, 1 << 16);

	if (r < 0)
		return err_sys(e, -r, "cannot read the run record of %s", o->name);
	j = json_loadb(buf_str(&b), b.len, 0, NULL);
	boot = json_string_value(json_object_get(j, "boot_id"));
	state = json_string_value(json_object_get(j, "state"));
	if (!boot || !state)
		return err_set(e, EINVAL, "the run record of %s is not readable", o->name);
	*ret = (struct run){
		.state = strcmp(state, inst_state_name(INST_FROZEN)) ? INST_RUNNING : INST_FROZEN,
		.init_pid = (pid_t)number(j, "init_pid"),
		.init_start = (uint64_t)number(j, "init_start"),
		.monitor_pid = (pid_t)number(j, "monitor_pid"),
		.monitor_start = (uint64_t)number(j, "monitor_start"),
		.started = { .tv_sec = number(j, "started"), .tv_nsec = number(j, "started_ns") },
	};
	if (json_is_string(json_object_get(j, "cgroup")))
		snprintf(ret->cgroup, sizeof(ret->cgroup), "%s", json_string_value(json_object_get(j, "cgroup")));
	if (!strcmp(state, inst_state_name(INST_STOPPED)))
		ret->state = INST_STOPPED;
	*this_boot = !strcmp(boot, this_boot_id());
	return 0;
}

void run_remove(struct object *o)
{
	HOLD_LOCK(&stripes[o->id % STRIPES]);
	_cleanup_close_ int dir = object_dirfd(o);

	if (dir >= 0)
		unlinkat(dir, RECORD, 0);
}

bool run_exists(const char *name)
{
	char path[NAME_LEN_MAX + 64];

	snprintf(path, sizeof(path), "%s/%s/" RECORD, space_name(SPACE_INSTANCES), name);
	return !faccessat(model_dirfd(), path, F_OK, AT_SYMLINK_NOFOLLOW);
}

bool run_booted(void)
{
	char seen[64];

	read_line(model_dirfd(), BOOT_FILE, seen, sizeof(seen));
	return strcmp(seen, this_boot_id()) != 0;
}

int run_boot_done(struct err *e)
{
	_cleanup_close_ int dir = openat(model_dirfd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (dir < 0)
		return err_sys(e, errno, "cannot open the state directory");
	return replace_file(dir, BOOT_FILE, this_boot_id(), true, e);
}
