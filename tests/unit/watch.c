// SPDX-License-Identifier: LGPL-2.1-or-later
/* Watches: processes that end, pipes, timers, and deletion while a callback runs. */
#include "backends/core/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"

static atomic_int calls;
static _Atomic int64_t self_id;

static void sleep_ms(long ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static bool become(int n)
{
	for (int i = 0; i < 400 && calls < n; i++)
		sleep_ms(5);
	return calls == n;
}

static void count(void *arg)
{
	calls++;
}

/* Counted last: whoever sees the count may close the descriptor. */
static void count_and_drop(void *arg)
{
	watch_del(self_id);
	calls++;
}

static void slow(void *arg)
{
	atomic_int *state = arg;

	*state = 1;
	sleep_ms(100);
	*state = 2;
}

static void drain(void *arg)
{
	char c;

	if (read(*(int *)arg, &c, 1) == 1)
		calls++;
}

static void test_process(void)
{
	pid_t pid = fork();
	uint64_t start;
	int fd;

	if (!pid) {
		pause();
		_exit(0);
	}
	start = process_start_time(pid);
	CHECK(start > 0);
	CHECK(process_open(pid, start + 1) == -ESRCH);
	CHECK(process_open(0, start) == -ESRCH);
	fd = process_open(pid, start);
	CHECK(fd >= 0);
	calls = 0;
	self_id = watch_add(fd, count_and_drop, NULL);
	CHECK(self_id > 0);
	sleep_ms(30);
	CHECK(calls == 0);
	kill(pid, SIGKILL);
	CHECK(become(1));
	waitpid(pid, NULL, 0);
	sleep_ms(30);
	CHECK(calls == 1);
	close(fd);
	CHECK(process_start_time(pid) == 0);
	CHECK(process_open(pid, start) < 0);
}

static void test_pipe(void)
{
	int p[2], q[2];
	int64_t id, id2;

	CHECK(!pipe2(p, O_CLOEXEC | O_NONBLOCK) && !pipe2(q, O_CLOEXEC | O_NONBLOCK));
	calls = 0;
	id = watch_add(p[0], drain, &p[0]);
	CHECK(id > 0);
	CHECK(write(p[1], "abc", 3) == 3);
	CHECK(become(3));
	watch_del(id);
	id2 = watch_add(q[0], drain, &q[0]);
	CHECK(id2 > 0 && id2 != id);
	watch_del(id);		/* the old id must not hit the watch that took its row */
	CHECK(write(p[1], "d", 1) == 1 && write(q[1], "e", 1) == 1);
	CHECK(become(4));
	sleep_ms(20);
	CHECK(calls == 4);
	watch_del(id2);
	CHECK(watch_add(-1, count, NULL) < 0);
	for (int i = 0; i < 2; i++) {
		close(p[i]);
		close(q[i]);
	}
}

static void test_timer(void)
{
	static atomic_int state;
	int64_t id;

	calls = 0;
	CHECK(watch_timer(0, count, NULL) > 0);
	CHECK(become(1));
	id = watch_timer(60000, count, NULL);
	watch_del(id);
	id = watch_timer(1, slow, &state);
	while (!state)
		sleep_ms(1);
	watch_del(id);		/* has to wait for the callback */
	CHECK(state == 2);
	calls = 0;
	for (int i = 0; i < 500; i++)
		CHECK(watch_timer(1 + i % 7, count, NULL) > 0);
	CHECK(become(500));
}

static void test_idle(void)
{
	struct rusage a, b;

	getrusage(RUSAGE_SELF, &a);
	sleep_ms(300);
	getrusage(RUSAGE_SELF, &b);
	CHECK(b.ru_nvcsw - a.ru_nvcsw <= 20);
}

int main(void)
{
	CHECK(watch_add(0, count, NULL) == -EINVAL);
	CHECK(!watch_init() && !watch_init());
	test_process();
	test_pipe();
	test_timer();
	test_idle();
	return UNIT_END();
}
