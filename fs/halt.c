// SPDX-License-Identifier: LGPL-2.1-or-later
/* A few threads take one instance after the other; each waits in the write to its `state`. */
#include "fs/halt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/object.h"
#include "backends/core/value.h"

#define THREADS 64
#define TIMEOUT_DEFAULT 30
#define TIMEOUT_MAX 86400

struct guest {
	char name[256];
	int64_t priority;
	unsigned timeout;
	int result;
};

struct halt {
	int dir;		/* instances/ */
	struct guest *list;
	size_t n, cap;
	size_t next, end;	/* of the batch under way; next under lock */
	pthread_mutex_t lock;
};

/* One line of a file of an instance; false: there is none. */
static bool read_value(const struct halt *h, const char *name, const char *file, char *buf, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", name, file);
	if (buf_read_file(&b, h->dir, path, 4096))
		return false;
	snprintf(buf, size, "%.*s", (int)strcspn(buf_str(&b), "\n"), buf_str(&b));
	return true;
}

static int add_guest(struct halt *h, const char *name)
{
	struct guest g = { .timeout = TIMEOUT_DEFAULT };
	uint64_t seconds;
	char text[64];

	if (!read_value(h, name, "state", text, sizeof(text)) || !strcmp(text, inst_state_name(INST_STOPPED)) ||
	    !strcmp(text, inst_state_name(INST_ERROR)))
		return 0;
	if (read_value(h, name, "expanded/config/boot.stop.priority", text, sizeof(text)))
		value_int(text, INT32_MIN, INT32_MAX, &g.priority, NULL);
	if (read_value(h, name, "expanded/config/boot.host_shutdown_timeout", text, sizeof(text)) &&
	    !value_duration(text, &seconds, NULL))
		g.timeout = (unsigned)(seconds < 1 ? 1 : seconds > TIMEOUT_MAX ? TIMEOUT_MAX : seconds);
	snprintf(g.name, sizeof(g.name), "%s", name);
	if (h->n == h->cap) {
		size_t cap = h->cap ? 2 * h->cap : 64;
		struct guest *more = reallocarray(h->list, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		h->list = more;
		h->cap = cap;
	}
	h->list[h->n++] = g;
	return 0;
}

static int by_priority(const void *a, const void *b)
{
	const struct guest *x = a, *y = b;

	return x->priority != y->priority ? (x->priority > y->priority ? -1 : 1) : strcmp(x->name, y->name);
}

static int write_state(const struct halt *h, const char *name, const char *text)
{
	_cleanup_close_ int fd = -1;
	char path[300];

	snprintf(path, sizeof(path), "%s/state", name);
	fd = openat(h->dir, path, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

/* What somebody else does to it (EBUSY) ends some time. */
static int stop_one(const struct halt *h, const struct guest *g)
{
	char text[64];
	int r;

	snprintf(text, sizeof(text), "stopped shutdown timeout=%u\n", g->timeout);
	r = write_state(h, g->name, text);
	for (unsigned i = 0; r == -EBUSY && i < 10 * g->timeout; i++) {
		usleep(100000);
		r = write_state(h, g->name, text);
	}
	if (r && r != -ENOENT)
		r = write_state(h, g->name, "stopped shutdown force\n");
	return r == -ENOENT ? 0 : r;
}

static void *work(void *arg)
{
	struct halt *h = arg;

	for (;;) {
		struct guest *g;

		pthread_mutex_lock(&h->lock);
		g = h->next < h->end ? &h->list[h->next++] : NULL;
		pthread_mutex_unlock(&h->lock);
		if (!g)
			return NULL;
		g->result = stop_one(h, g);
	}
}

static void stop_batch(struct halt *h)
{
	pthread_t threads[THREADS];
	size_t n = 0;

	while (n < THREADS && n + 1 < h->end - h->next && !pthread_create(&threads[n], NULL, work, h))
		n++;
	work(h);
	while (n)
		pthread_join(threads[--n], NULL);
}

static int list_guests(struct halt *h, DIR *d, struct err *e)
{
	int r = 0;

	for (struct dirent *n; !r && (n = readdir(d));)
		if (n->d_name[0] != '.')
			r = add_guest(h, n->d_name);
	if (r)
		return err_sys(e, -r, "instances/");
	if (h->n)
		qsort(h->list, h->n, sizeof(*h->list), by_priority);
	return 0;
}

int halt_all(const char *mountpoint, struct err *e)
{
	struct halt h = { .lock = PTHREAD_MUTEX_INITIALIZER };
	_cleanup_dir_ DIR *d = NULL;
	char path[4200];
	int r;

	snprintf(path, sizeof(path), "%s/instances", mountpoint);
	d = opendir(path);
	if (!d)
		return err_sys(e, errno, "%s", path);
	h.dir = dirfd(d);
	r = list_guests(&h, d, e);
	while (!r && h.next < h.n) {
		for (h.end = h.next + 1; h.end < h.n && h.list[h.end].priority == h.list[h.next].priority; h.end++)
			;
		stop_batch(&h);
	}
	for (size_t i = 0; i < h.n && !r; i++)
		if (h.list[i].result)
			r = err_sys(e, -h.list[i].result, "%s does not stop", h.list[i].name);
	free(h.list);
	return r;
}
