// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * One epoll thread. Watches stand in a table that grows; an id is (generation << 32 | index), so that an event which epoll had
 * already reported for a watch that is gone, or for its successor in the same row, is recognised and dropped.
 *
 * `lock` guards the table; no callback runs under it. watch_del() waits for a callback that is running in the thread.
 */
#include "backends/core/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"

#define WATCH_STACK (256 << 10)

struct watch {
	void (*f)(void *arg);	/* NULL: a free row */
	void *arg;
	int fd;
	bool timer;		/* fd is ours, and the watch goes before its only call */
	uint32_t generation;
	uint32_t next_free;
};

#define NO_ROW UINT32_MAX

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;
static struct watch *table;
static uint32_t n_table, first_free = NO_ROW;
static int64_t running;		/* id whose callback runs now, 0: none */
static int epoll_fd = -1;
static pthread_t thread;

static int64_t watch_id(uint32_t i)
{
	return (int64_t)table[i].generation << 32 | i;
}

/* Under the lock. NULL when it is gone. */
static struct watch *find(int64_t id)
{
	uint32_t i = (uint32_t)id;

	if (id <= 0 || i >= n_table || !table[i].f || watch_id(i) != id)
		return NULL;
	return &table[i];
}

/* Under the lock: index of a free row, or -ENOMEM. */
static int64_t free_row(void)
{
	uint32_t old = n_table, n = old ? 2 * old : 64, i = first_free;
	struct watch *t;

	if (i == NO_ROW) {
		t = realloc(table, n * sizeof(*t));
		if (!t)
			return -ENOMEM;
		for (i = old; i < n; i++)
			t[i] = (struct watch){ .fd = -1, .generation = 1, .next_free = i + 1 < n ? i + 1 : NO_ROW };
		table = t;
		n_table = n;
		i = old;
	}
	first_free = table[i].next_free;
	return i;
}

/* Under the lock. */
static void release_row(struct watch *w)
{
	w->f = NULL;
	w->generation = (w->generation + 1) & 0x7fffffff;	/* ids stay positive: negative ones are errors */
	if (!w->generation)
		w->generation = 1;
	w->next_free = first_free;
	first_free = (uint32_t)(w - table);
}

/* Under the lock. */
static void drop(struct watch *w)
{
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, w->fd, NULL);
	if (w->timer)
		close(w->fd);
	release_row(w);
}

static void call(int64_t id)
{
	void (*f)(void *arg);
	void *arg;

	{
		HOLD_LOCK(&lock);
		struct watch *w = find(id);

		if (!w)
			return;
		f = w->f;
		arg = w->arg;
		running = id;
		if (w->timer)
			drop(w);
	}
	f(arg);
	HOLD_LOCK(&lock);
	running = 0;
	pthread_cond_broadcast(&idle);
}

static void *loop(void *unused)
{
	struct epoll_event ev[32];

	for (;;) {
		int n = epoll_wait(epoll_fd, ev, 32, -1);

		for (int i = 0; i < n; i++)
			call((int64_t)ev[i].data.u64);
	}
	return NULL;
}

int watch_init(void)
{
	pthread_attr_t attr;
	int r;

	if (epoll_fd >= 0)
		return 0;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		return -errno;
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, WATCH_STACK);
	r = pthread_create(&thread, &attr, loop, NULL);
	pthread_attr_destroy(&attr);
	if (r) {
		close(epoll_fd);
		epoll_fd = -1;
	}
	return -r;
}

static int64_t add(int fd, bool timer, void (*f)(void *arg), void *arg)
{
	HOLD_LOCK(&lock);
	struct epoll_event ev = { .events = EPOLLIN };
	int64_t i;

	if (epoll_fd < 0)
		return -EINVAL;
	i = free_row();
	if (i < 0)
		return i;
	table[i].f = f;
	table[i].arg = arg;
	table[i].fd = fd;
	table[i].timer = timer;
	ev.data.u64 = (uint64_t)watch_id((uint32_t)i);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &ev) < 0) {
		int r = -errno;

		release_row(&table[i]);
		return r;
	}
	return watch_id((uint32_t)i);
}

int64_t watch_add(int fd, void (*f)(void *arg), void *arg)
{
	return add(fd, false, f, arg);
}

void watch_del(int64_t id)
{
	HOLD_LOCK(&lock);
	struct watch *w = find(id);

	if (w)
		drop(w);
	while (id > 0 && running == id && !pthread_equal(pthread_self(), thread))
		pthread_cond_wait(&idle, &lock);
}

int64_t watch_timer(unsigned ms, void (*f)(void *arg), void *arg)
{
	struct itimerspec t = { .it_value = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L } };
	_cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int64_t id;

	if (fd < 0)
		return -errno;
	if (!ms)
		t.it_value.tv_nsec = 1;
	if (timerfd_settime(fd, 0, &t, NULL) < 0)
		return -errno;
	id = add(fd, true, f, arg);
	if (id > 0)
		steal_fd(&fd);
	return id;
}

int watch_thread(void *(*f)(void *arg), void *arg)
{
	pthread_attr_t attr;
	pthread_t t;
	int r;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attr, WATCH_STACK);
	r = pthread_create(&t, &attr, f, arg);
	pthread_attr_destroy(&attr);
	return -r;
}

/* One field of /proc/PID/stat, 0 when there is none. */
static uint64_t process_field(pid_t pid, int wanted)
{
	char path[32], text[1024], *p;
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* The name in field 2 can hold anything, blanks and parentheses too. */
	p = strrchr(text, ')');
	for (int field = 2; p && field < wanted; field++)
		p = strchr(p + 1, ' ');
	return p ? strtoull(p + 1, NULL, 10) : 0;
}

uint64_t process_start_time(pid_t pid)
{
	return process_field(pid, 22);
}

bool process_was_killed(pid_t pid)
{
	const uint64_t pf_signaled = 0x400;	/* include/linux/sched.h; part of what proc(5) promises as "flags" */

	return process_field(pid, 9) & pf_signaled;
}

uint64_t process_signals(const char *status, const char *field)
{
	const char *s = strstr(status, field);

	return s ? strtoull(s + strlen(field), NULL, 16) : 0;
}

bool process_is_interrupted(pid_t tid)
{
	static const int harmless[] = { SIGCHLD, SIGCONT, SIGURG, SIGWINCH };
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t pending;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	if (tid <= 0 || buf_read_file(&b, AT_FDCWD, path, 65536) < 0)
		return true;
	pending = process_signals(buf_str(&b), "\nSigPnd:") | process_signals(buf_str(&b), "\nShdPnd:");
	pending &= ~process_signals(buf_str(&b), "\nSigBlk:");
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		pending &= ~(UINT64_C(1) << (harmless[i] - 1));
	return pending;
}

int process_open(pid_t pid, uint64_t start_time)
{
	_cleanup_close_ int fd = -1;

	if (pid <= 0 || !start_time)
		return -ESRCH;
	fd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (fd < 0)
		return -errno;
	/* Looked at after the open: a process with that start time is there now, so it was when the descriptor was made. */
	if (process_start_time(pid) != start_time)
		return -ESRCH;
	return steal_fd(&fd);
}

void process_signal(int pidfd, int sig)
{
	syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

bool watch_wait(int fd, int ms)
{
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, ms) == 1;
}
