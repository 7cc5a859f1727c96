// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The event log: one ring of EVENT_LOG_MAX bytes, in which byte p of the log stands at p % EVENT_LOG_MAX, and the starts of
 * the lines that are still whole in it. Each line is also a record in the keep (key: its number), from which a new server
 * fills the ring.
 *
 * `lock` guards all of it and is a leaf, but for the keep's own. Waiters are called without it, from the watch thread, so
 * that whoever emits, with whatever locks, never runs a reader's code.
 */
#include "backends/core/event.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/core/watch.h"

#define EXTRA_MAX (EVENT_LOG_MAX / 16)		/* an event larger than that loses its extra members */

/* A line of the log: its number is first_seq + index. Number of a record in the keep, too. */
struct line {
	uint64_t pos;
	uint32_t len;
};

struct waiter {
	uint64_t id, pos;
	void (*f)(void *arg);
	void *arg;
	struct waiter *next;
};

/* What the keep has in front of the text of a line. */
struct event_record {
	uint64_t pos;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t loaded = PTHREAD_ONCE_INIT;
static char *ring;
static uint64_t head, tail;
static struct line *lines;		/* a queue: lines[(first_line + i) % lines_cap] */
static size_t first_line, n_lines, lines_cap;
static uint64_t next_seq = 1;
static struct waiter *waiters;
static uint64_t last_waiter;
static int wake_fd = -1;

/* ---- the ring; under the lock ---- */

static void ring_write(uint64_t pos, const char *data, size_t len)
{
	size_t at = pos % EVENT_LOG_MAX, n = EVENT_LOG_MAX - at;

	if (n > len)
		n = len;
	memcpy(ring + at, data, n);
	memcpy(ring, data + n, len - n);
}

static struct line *line_at(size_t i)
{
	return &lines[(first_line + i) % lines_cap];
}

static bool lines_grow(void)
{
	size_t cap = lines_cap ? 2 * lines_cap : 256;
	struct line *p;

	if (n_lines < lines_cap)
		return true;
	p = malloc(cap * sizeof(*p));
	if (!p)
		return false;
	for (size_t i = 0; i < n_lines; i++)
		p[i] = *line_at(i);
	free(lines);
	lines = p;
	first_line = 0;
	lines_cap = cap;
	return true;
}

static void drop_first(void)
{
	keep_del(KEEP_EVENTS, next_seq - n_lines);
	first_line = (first_line + 1) % lines_cap;
	n_lines--;
	tail = n_lines ? line_at(0)->pos : head;
}

/* The line with the number next_seq, which the caller increments afterwards. */
static void append(const char *text, size_t len)
{
	while (n_lines && head + len - tail > EVENT_LOG_MAX)
		drop_first();
	*line_at(n_lines++) = (struct line){ .pos = head, .len = (uint32_t)len };
	ring_write(head, text, len);
	head += len;
}

/* ---- what an earlier server left ---- */

struct loading {
	struct { uint64_t seq, pos; char *text; size_t len; } *list;
	size_t n, cap;
};

static int load_one(uint64_t seq, const void *data, size_t len, void *arg)
{
	struct loading *l = arg;
	struct event_record r;
	char *text;

	if (len <= sizeof(r) || len > EVENT_LOG_MAX)
		return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap ? 2 * l->cap : 256;
		void *p = realloc(l->list, cap * sizeof(*l->list));

		if (!p)
			return 0;
		l->list = p;
		l->cap = cap;
	}
	text = malloc(len - sizeof(r));
	if (!text)
		return 0;
	memcpy(&r, data, sizeof(r));
	memcpy(text, (const char *)data + sizeof(r), len - sizeof(r));
	l->list[l->n].seq = seq;
	l->list[l->n].pos = r.pos;
	l->list[l->n].text = text;
	l->list[l->n++].len = len - sizeof(r);
	return 0;
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void load(void)
{
	struct loading l = { .n = 0 };

	HOLD_LOCK(&lock);
	ring = malloc(EVENT_LOG_MAX);
	if (!ring)
		return;
	keep_each(KEEP_EVENTS, load_one, &l);
	if (l.n)
		qsort(l.list, l.n, sizeof(*l.list), by_number);
	for (size_t i = 0; i < l.n; i++) {
		/* A number or a byte that is missing (the keep was full): what is before it is not contiguous, and goes. */
		if (n_lines && (l.list[i].seq != next_seq || l.list[i].pos != head)) {
			while (n_lines)
				drop_first();
		}
		if (!n_lines)
			head = tail = l.list[i].pos;
		next_seq = l.list[i].seq;
		if (lines_grow())
			append(l.list[i].text, l.list[i].len);
		next_seq++;
		free(l.list[i].text);
	}
	free(l.list);
}

static void ready(void)
{
	pthread_once(&loaded, load);
}

/* ---- waiters ---- */

/* Takes those off the list that have waited long enough. Under the lock. */
static struct waiter *take_due(void)
{
	struct waiter **p = &waiters, *due = NULL;

	while (*p) {
		struct waiter *w = *p;

		if (w->pos >= head) {
			p = &w->next;
			continue;
		}
		*p = w->next;
		w->next = due;
		due = w;
	}
	return due;
}

static void call_due(void *unused)
{
	struct waiter *due;
	uint64_t n;

	if (wake_fd >= 0 && read(wake_fd, &n, sizeof(n)) < 0)
		n = 0;
	pthread_mutex_lock(&lock);
	due = take_due();
	pthread_mutex_unlock(&lock);
	while (due) {
		struct waiter *w = due;

		due = w->next;
		w->f(w->arg);
		free(w);
	}
}

/* Under the lock: false when there is no watch thread, so that whoever emits has to call. */
static bool use_watch(void)
{
	if (wake_fd >= 0)
		return true;
	wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (wake_fd >= 0 && watch_add(wake_fd, call_due, NULL) < 0) {
		close(wake_fd);
		wake_fd = -1;
	}
	return wake_fd >= 0;
}

uint64_t event_wait(uint64_t pos, void (*f)(void *arg), void *arg)
{
	struct waiter *w = malloc(sizeof(*w));

	ready();
	pthread_mutex_lock(&lock);
	if (head > pos || !w) {
		pthread_mutex_unlock(&lock);
		free(w);
		f(arg);
		return 0;
	}
	use_watch();
	*w = (struct waiter){ .id = ++last_waiter, .pos = pos, .f = f, .arg = arg, .next = waiters };
	waiters = w;
	pthread_mutex_unlock(&lock);
	return w->id;
}

bool event_cancel(uint64_t id)
{
	HOLD_LOCK(&lock);

	for (struct waiter **p = &waiters; *p; p = &(*p)->next) {
		struct waiter *w = *p;

		if (w->id == id) {
			*p = w->next;
			free(w);
			return true;
		}
	}
	return false;
}

/* ---- writing ---- */

static void add_string(struct buf *b, const char *s, size_t max)
{
	buf_addch(b, '"');
	for (size_t i = 0; i < max && s[i]; i++) {
		unsigned char c = (unsigned char)s[i];

		if (c < 0x20)
			buf_addf(b, "\\u%04x", c);
		else if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else
			buf_addch(b, (char)c);
	}
	buf_addch(b, '"');
}

void event_add_member(struct buf *extra, const char *name, const char *value)
{
	if (extra->len)
		buf_addch(extra, ',');
	add_string(extra, name, SIZE_MAX);
	buf_addch(extra, ':');
	add_string(extra, value, SIZE_MAX);
}

static void print(struct buf *b, const char *type, struct object *o, const char *extra)
{
	struct timespec now;
	struct tm tm;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	buf_addf(b, "{\"seq\":%llu,\"time\":\"%04d-%02d-%02dT%02d:%02d:%02d.%03ldZ\",\"type\":", (unsigned long long)next_seq,
		 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, now.tv_nsec / 1000000);
	add_string(b, type, SIZE_MAX);
	if (o && o->name[0]) {
		buf_addstr(b, ",\"name\":");
		add_string(b, o->name, sizeof(o->name));
	}
	if (extra && extra[0] && strlen(extra) <= EXTRA_MAX)
		buf_addf(b, ",%s", extra);
	buf_addstr(b, "}\n");
}

void event_emit(const char *type, struct object *o, const char *extra)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct event_record r;
	bool wake;

	ready();
	pthread_mutex_lock(&lock);
	buf_resize(&b, sizeof(r));
	print(&b, type, o, extra);
	if (!buf_error(&b) && ring && lines_grow()) {
		r.pos = head;
		memcpy(b.data, &r, sizeof(r));
		append(b.data + sizeof(r), b.len - sizeof(r));
		keep_put(KEEP_EVENTS, next_seq++, b.data, b.len);
	}
	wake = waiters;
	if (wake && wake_fd >= 0) {
		if (write(wake_fd, &(uint64_t){ 1 }, sizeof(uint64_t)) == sizeof(uint64_t))
			wake = false;
	}
	pthread_mutex_unlock(&lock);
	if (wake)
		call_due(NULL);
}

/* ---- reading ---- */

uint64_t event_head(void)
{
	ready();
	HOLD_LOCK(&lock);
	return head;
}

uint64_t event_tail(void)
{
	ready();
	HOLD_LOCK(&lock);
	return tail;
}

uint64_t event_read(uint64_t pos, size_t max, struct buf *out, bool *gap)
{
	size_t at, n;

	ready();
	HOLD_LOCK(&lock);
	*gap = pos < tail || pos > head;
	if (*gap)
		return tail;
	if (max > head - pos)
		max = head - pos;
	if (!max)
		return pos;
	at = pos % EVENT_LOG_MAX;
	n = EVENT_LOG_MAX - at < max ? EVENT_LOG_MAX - at : max;
	buf_add(out, ring + at, n);
	buf_add(out, ring, max - n);
	return pos + max;
}
