// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Commands in a pretended instance: a few words are understood, nothing is ever run on the host. A command that takes time is a
 * timer; `lock` guards the list of these and is a leaf. After a restart of the server the rest of the time is waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/exec.h"
#include "backends/core/watch.h"
#include "backends/mock/mock_state.h"

#define INPUT_MAX (1 << 20)
#define SLEEP_MAX 86400

struct sleeper {
	uint32_t object, slot;
	int status;
	int64_t timer;
	struct sleeper *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct sleeper *sleepers;

static int open_dir(const struct exec_request *x, struct err *e)
{
	char path[512];
	int fd;

	exec_dir(x, path, sizeof(path));
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? err_sys(e, errno, "cannot open the directory of %s", x->name) : fd;
}

static int put(int dir, const char *name, const char *data, size_t len, struct err *e)
{
	_cleanup_close_ int fd = openat(dir, name, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		return err_sys(e, errno, "cannot write %s", name);
	return 0;
}

/* All outputs exist from the start, as with a real command. What is said goes to stdout and output. */
static int say(int dir, const char *data, size_t len, struct err *e)
{
	int r = put(dir, "stdout", data, len, e);

	if (!r)
		r = put(dir, "output", data, len, e);
	return r < 0 ? r : put(dir, "stderr", "", 0, e);
}

/* argv is one word per line: joined, the few commands look the same as in `command`. */
static int read_command(int dir, struct buf *b, struct err *e)
{
	int r = buf_read_file(b, dir, "command", INPUT_MAX);

	if (r == -ENOENT || (!r && !b->len))
		r = buf_read_file(b, dir, "argv", INPUT_MAX);
	if (r < 0)
		return err_sys(e, -r, "cannot read the command");
	while (b->len && strchr("\n ", b->data[b->len - 1]))
		buf_resize(b, b->len - 1);
	for (size_t i = 0; i < b->len; i++)
		if (b->data[i] == '\n')
			b->data[i] = ' ';
	return 0;
}

static struct sleeper *take(uint32_t object, uint32_t slot)
{
	HOLD_LOCK(&lock);

	for (struct sleeper **p = &sleepers; *p; p = &(*p)->next) {
		struct sleeper *s = *p;

		if (s->object == object && s->slot == slot) {
			*p = s->next;
			return s;
		}
	}
	return NULL;
}

static void on_timer(void *arg)
{
	uint64_t key = (uintptr_t)arg;
	struct sleeper *s = take((uint32_t)(key >> 32), (uint32_t)key);

	if (s)
		exec_finished(s->object, s->slot, s->status);
	free(s);
}

/* Also for what ended at once: whoever starts it may hold what exec_finished() needs. */
static int finish_with(const struct exec_request *x, int code, double seconds, struct err *e)
{
	struct sleeper *s = calloc(1, sizeof(*s));

	if (!s)
		return err_set(e, ENOMEM, "out of memory");
	s->object = x->object;
	s->slot = x->slot;
	s->status = code << 8;		/* as wait(2) has it */
	HOLD_LOCK(&lock);
	s->timer = watch_timer((unsigned)(seconds * 1000), on_timer, (void *)(uintptr_t)((uint64_t)x->object << 32 | x->slot));
	if (s->timer < 0) {
		int r = (int)s->timer;

		free(s);
		return err_sys(e, -r, "no timer");
	}
	s->next = sleepers;
	sleepers = s;
	return 0;
}

static const char *argument(const char *command, const char *word)
{
	size_t len = strlen(word);

	if (strncmp(command, word, len) != 0 || (command[len] && command[len] != ' '))
		return NULL;
	return command + len + (command[len] == ' ');
}

static double sleep_time(const char *command)
{
	const char *arg = argument(command, "sleep");
	double s = arg ? strtod(arg, NULL) : -1;

	return s > SLEEP_MAX ? SLEEP_MAX : s;
}

static int echo(int dir, const char *text, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	buf_addf(&b, "%s\n", text);
	return say(dir, buf_str(&b), b.len, e);
}

static int cat(int dir, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = buf_read_file(&b, dir, "stdin", INPUT_MAX);

	if (r < 0 && r != -ENOENT)
		return err_sys(e, -r, "cannot read stdin");
	return say(dir, buf_str(&b), b.len, e);
}

/* Exit status, or -errno. */
static int interpret(int dir, const char *command, struct err *e)
{
	const char *arg;
	int r;

	if ((arg = argument(command, "echo"))) {
		r = echo(dir, arg, e);
	} else if (argument(command, "cat")) {
		r = cat(dir, e);
	} else {
		r = say(dir, "", 0, e);
		if (!r && (arg = argument(command, "exit")))
			r = (int)(strtoul(arg, NULL, 10) & 0xff);
		else if (!r && argument(command, "false"))
			r = 1;
		else if (!r && !argument(command, "true"))
			r = 127;
	}
	return r;
}

int mock_exec_start(struct object *o, struct exec_request *x, struct err *e)
{
	_cleanup_buf_ struct buf command = BUF_INIT;
	_cleanup_close_ int dir = open_dir(x, e);
	double seconds;
	int r;

	if (dir < 0)
		return dir;
	r = read_command(dir, &command, e);
	if (r < 0)
		return r;
	seconds = sleep_time(buf_str(&command));
	if (seconds < 0) {
		r = interpret(dir, buf_str(&command), e);
		return r < 0 ? r : finish_with(x, r, 0, e);
	}
	r = say(dir, "", 0, e);
	return r < 0 ? r : finish_with(x, 0, seconds, e);
}

int mock_exec_kill(struct object *o, struct exec_request *x, struct err *e)
{
	struct sleeper *s = take(x->object, x->slot);

	if (!s)
		return 0;
	watch_del(s->timer);
	free(s);
	exec_finished(x->object, x->slot, SIGKILL);
	return 0;
}

int mock_exec_adopt(struct object *o, struct exec_request *x, struct err *e)
{
	_cleanup_buf_ struct buf command = BUF_INIT;
	_cleanup_close_ int dir = open_dir(x, e);
	double seconds;
	int r;

	if (dir < 0)
		return dir;
	r = read_command(dir, &command, e);
	if (r < 0)
		return r;
	seconds = sleep_time(buf_str(&command)) - difftime(time(NULL), x->started.tv_sec);
	return finish_with(x, 0, seconds > 0 ? seconds : 0, e);
}
