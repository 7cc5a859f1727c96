// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See qmp.h. `lock` guards the list of those who wait and the state; it is a leaf, taken for short, and never held while waiting. What was
 * received and is not a whole line yet belongs to the watch thread alone.
 */
#include "backends/qemu/qmp.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/watch.h"
#include "backends/qemu/socket.h"

#define CHUNK 16384
#define LINE_MAX_BYTES (1u << 20)
#define DEPTH_MAX 32

struct waiter {
	unsigned id;
	json_t *answer;		/* the whole object; NULL: not yet */
	struct waiter *next;
};

struct qmp {
	pthread_mutex_t lock;
	pthread_cond_t came;	/* an answer, or the end */
	int fd;
	int64_t watch;
	bool broken;
	unsigned last_id;
	unsigned due;		/* answers that nobody waits for any more */
	struct waiter *waiters;
	struct buf line;
	qmp_event_fn event;
	void *event_arg;
};

static void json_drop(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ __attribute__((cleanup(json_drop)))

/* ---- what comes ---- */

/* Whether somebody waits for it, who has it then: counts of references are no bridge between threads. */
static bool answered(struct qmp *q, unsigned id, json_t *line)
{
	HOLD_LOCK(&q->lock);

	for (struct waiter *w = q->waiters; w; w = w->next) {
		if (w->id != id || w->answer)
			continue;
		w->answer = line;
		pthread_cond_broadcast(&q->came);
		return true;
	}
	if (q->due)
		q->due--;
	return false;
}

/* The parser recurses, on the watch thread's small stack. */
static bool is_deep(const struct buf *line)
{
	unsigned depth = 0;
	bool text = false;

	for (size_t i = 0; i < line->len; i++) {
		char c = line->data[i];

		if (c == '\\' && text)
			i++;
		else if (c == '"')
			text = !text;
		else if (!text && (c == '{' || c == '[') && ++depth > DEPTH_MAX)
			return true;
		else if (!text && (c == '}' || c == ']') && depth)
			depth--;
	}
	return false;
}

/* Greetings have neither. Numbers as reals: QEMU writes unsigned ones that are too long for a signed integer. */
static int take_line(struct qmp *q)
{
	_cleanup_json_ json_t *line = is_deep(&q->line) ? NULL : json_loadb(q->line.data, q->line.len, JSON_DECODE_INT_AS_REAL, NULL);
	const char *event = json_string_value(json_object_get(line, "event"));
	const json_t *id = json_object_get(line, "id");

	if (!json_is_object(line))
		return -EPROTO;
	if (event)
		q->event(event, json_object_get(line, "data"), q->event_arg);
	else if (json_is_number(id) && json_number_value(id) >= 0 && json_number_value(id) <= UINT32_MAX &&
		 answered(q, (unsigned)json_number_value(id), line))
		line = NULL;
	return 0;
}

static int take(struct qmp *q, const char *data, size_t len)
{
	while (len) {
		const char *end = memchr(data, '\n', len);
		size_t n = end ? (size_t)(end - data) : len;
		int r;

		buf_add(&q->line, data, n);
		if (buf_error(&q->line) < 0 || q->line.len > LINE_MAX_BYTES)
			return -EMSGSIZE;
		data += n + !!end;
		len -= n + !!end;
		if (!end)
			break;
		r = q->line.len > 1 ? take_line(q) : 0;
		buf_reset(&q->line);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Under the lock. */
static void fail(struct qmp *q)
{
	q->broken = true;
	pthread_cond_broadcast(&q->came);
}

static void on_readable(void *arg)
{
	struct qmp *q = arg;
	char chunk[CHUNK];
	ssize_t n = recv(q->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
	int64_t watch;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && take(q, chunk, (size_t)n) == 0)
		return;
	pthread_mutex_lock(&q->lock);
	fail(q);
	watch = q->watch;
	pthread_mutex_unlock(&q->lock);
	watch_del(watch);
	/* nobody reads any more: the other side must not wait for us */
	shutdown(q->fd, SHUT_RDWR);
}

/* ---- calls ---- */

/* Under the lock. What does not fit into the socket is not taken by a QEMU that works: its commands are short. */
static int put(struct qmp *q, const char *command, json_t *args, unsigned id)
{
	_cleanup_json_ json_t *j = json_pack("{s:s, s:i}", "execute", command, "id", (int)id);
	_cleanup_free_ char *text = NULL;
	size_t len;

	if (j && args)
		json_object_set(j, "arguments", args);
	text = j ? json_dumps(j, JSON_COMPACT) : NULL;
	if (!text)
		return -ENOMEM;
	len = strlen(text);
	text[len++] = '\n';
	if (send(q->fd, text, len, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)len)
		return 0;
	fail(q);
	return -ENOTCONN;
}

static struct timespec in_ms(unsigned ms)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec += ms / 1000;
	t.tv_nsec += ms % 1000 * 1000000L;
	if (t.tv_nsec >= 1000000000L) {
		t.tv_nsec -= 1000000000L;
		t.tv_sec++;
	}
	return t;
}

static void forget(struct qmp *q, struct waiter *w)
{
	struct waiter **p = &q->waiters;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
}

/* -ENOTCONN, -ETIMEDOUT, or w->answer is there. */
static int ask(struct qmp *q, const char *command, json_t *args, unsigned ms, struct waiter *w)
{
	const struct timespec end = in_ms(ms);
	int r;

	HOLD_LOCK(&q->lock);
	if (q->broken)
		return -ENOTCONN;
	if (q->due && ms <= QMP_QUICK_MS)
		return -ETIMEDOUT;
	w->id = ++q->last_id;
	r = put(q, command, args, w->id);
	if (r < 0)
		return r;
	w->next = q->waiters;
	q->waiters = w;
	while (!w->answer && !q->broken && !r)
		r = -pthread_cond_timedwait(&q->came, &q->lock, &end);
	forget(q, w);
	if (w->answer)
		return 0;
	q->due++;
	return q->broken ? -ENOTCONN : -ETIMEDOUT;
}

static int explain(const char *command, const json_t *answer, int r, struct err *e)
{
	const char *words = json_string_value(json_object_get(json_object_get(answer, "error"), "desc"));

	if (r == -ENOTCONN)
		return err_set(e, ENOTCONN, "the virtual machine's QEMU has closed its monitor (\"stopped force\" ends it)");
	if (r == -ETIMEDOUT)
		return err_set(e, ETIMEDOUT, "the virtual machine's QEMU does not answer (%s)", command);
	if (r < 0)
		return err_sys(e, -r, "%s", command);
	return err_set(e, EIO, "QEMU refused %s: %.300s", command, words ? words : "it does not say why");
}

int qmp_call(struct qmp *q, const char *command, json_t *args, unsigned ms, json_t **ret, struct err *e)
{
	struct waiter w = { .answer = NULL };
	int r = ask(q, command, args, ms, &w);
	_cleanup_json_ json_t *answer = w.answer;
	json_t *result = json_object_get(answer, "return");

	json_decref(args);
	if (r < 0 || !result)
		return explain(command, answer, r, e);
	if (ret)
		*ret = json_incref(result);
	return 0;
}

/* ---- life ---- */

static struct qmp *make(int fd, qmp_event_fn f, void *arg)
{
	struct qmp *q = calloc(1, sizeof(*q));
	pthread_condattr_t a;

	if (!q)
		return NULL;
	pthread_mutex_init(&q->lock, NULL);
	pthread_condattr_init(&a);
	pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
	pthread_cond_init(&q->came, &a);
	pthread_condattr_destroy(&a);
	q->fd = fd;
	q->event = f;
	q->event_arg = arg;
	return q;
}

/* The greeting need not be waited for: QEMU reads one line after the other, and the first one ends the negotiation. */
struct qmp *qmp_open(const char *path, qmp_event_fn f, void *arg, struct err *e)
{
	int fd = socket_connect(path, e);
	struct qmp *q = fd < 0 ? NULL : make(fd, f, arg);

	if (fd >= 0 && !q) {
		close(fd);
		err_set(e, ENOMEM, "out of memory");
	}
	if (!q)
		return NULL;
	pthread_mutex_lock(&q->lock);
	put(q, "qmp_capabilities", NULL, 0);
	q->watch = watch_add(fd, on_readable, q);
	pthread_mutex_unlock(&q->lock);
	if (q->watch < 0) {
		err_sys(e, (int)-q->watch, "cannot watch %s", path);
		return qmp_close(q);
	}
	return q;
}

struct qmp *qmp_close(struct qmp *q)
{
	if (!q)
		return NULL;
	if (q->watch > 0)
		watch_del(q->watch);
	close(q->fd);
	buf_free(&q->line);
	pthread_cond_destroy(&q->came);
	pthread_mutex_destroy(&q->lock);
	free(q);
	return NULL;
}
