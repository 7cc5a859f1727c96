// SPDX-License-Identifier: LGPL-2.1-or-later
/* The event log: order, positions, what falls off its end, waiting, and what is left after kill -9. */
#include "backends/core/event.h"

#include <jansson.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/keep.h"
#include "backends/core/watch.h"
#include "tests/unit/unit.h"

static atomic_int calls;

static void count(void *arg)
{
	calls++;
}

static void wait_for(int n)
{
	const struct timespec t = { .tv_nsec = 2000000 };

	for (int i = 0; i < 1000 && calls < n; i++)
		nanosleep(&t, NULL);
}

/* Every line is JSON, and numbers follow each other; returns how many there are. */
static int check_log(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t pos = event_tail();
	json_int_t seq = 0;
	bool gap;
	int n = 0;

	while (pos < event_head()) {
		pos = event_read(pos, 1000, &b, &gap);
		CHECK(!gap);
	}
	for (const char *p = buf_str(&b); *p; n++) {
		const char *nl = strchr(p, '\n');
		json_t *j = json_loadb(p, (size_t)(nl - p), 0, NULL);
		json_int_t this = json_integer_value(json_object_get(j, "seq"));

		if (!j || (seq && this != seq + 1))
			CHECK(!"a line that is broken or out of order");
		seq = this;
		json_decref(j);
		p = nl + 1;
	}
	return n;
}

static void test_emit(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT, extra = BUF_INIT;
	struct object o = { .name = "c1" };
	bool gap;

	CHECK(event_head() == 0 && event_tail() == 0);
	event_add_member(&extra, "snapshot", "a\"b\\c\n");
	event_add_member(&extra, "x", "");
	event_emit("instance-started", &o, buf_str(&extra));
	event_emit("x", NULL, NULL);
	CHECK(event_read(0, 1 << 20, &b, &gap) == event_head() && !gap);
	CHECK(strstr(buf_str(&b), "\"type\":\"instance-started\",\"name\":\"c1\",\"snapshot\":\"a\\\"b\\\\c\\u000a\",\"x\":\"\"}\n{\"seq\":2,"));
	CHECK(check_log() == 2);
	buf_reset(&b);
	CHECK(event_read(event_head(), 100, &b, &gap) == event_head() && !gap && !b.len);
	CHECK(event_read(event_head() + 1, 100, &b, &gap) == event_tail() && gap && !b.len);
	CHECK(event_read(3, 5, &b, &gap) == 8 && !gap && b.len == 5);
}

static void test_wait(void)
{
	uint64_t id, id2;

	calls = 0;
	CHECK(event_wait(0, count, NULL) == 0 && calls == 1);
	id = event_wait(event_head(), count, NULL);
	id2 = event_wait(event_head(), count, NULL);
	CHECK(id && id2 && id != id2 && event_cancel(id) && !event_cancel(id));
	event_emit("y", NULL, NULL);
	wait_for(2);
	CHECK(calls == 2 && !event_cancel(id2));
}

static void test_wrap(void)
{
	struct timespec a, b;
	struct object o = { .name = "instance-with-a-name" };
	_cleanup_buf_ struct buf out = BUF_INIT;
	uint64_t head = event_head();
	double us;
	bool gap;

	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 30000; i++)
		event_emit("instance-updated", &o, "\"key\":\"limits.memory\",\"value\":\"256MiB\"");
	clock_gettime(CLOCK_MONOTONIC, &b);
	us = ((double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec)) / 30000 / 1000;
	printf("one event: %.2f us\n", us);
	CHECK(event_head() - event_tail() <= EVENT_LOG_MAX && event_head() - event_tail() > EVENT_LOG_MAX - 1000);
	CHECK(event_read(head, 10, &out, &gap) == event_tail() && gap);
	CHECK(check_log() > 5000);
}

/* A child writes and is killed at any moment; its successor has all that was told before, and goes on behind it. */
static void test_kill(void)
{
	int fd = memfd_create("keep", MFD_CLOEXEC);
	atomic_uint *told = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t pid;
	int status;

	CHECK(!ftruncate(fd, KEEP_SIZE));
	for (int round = 0; round < 6; round++) {
		const struct timespec t = { .tv_nsec = 3000000 + round * 7000000 };

		pid = fork();
		if (!pid) {
			if (keep_attach(fd) < 0)
				_exit(1);
			for (;;) {
				event_emit("instance-started", NULL, "\"pad\":\"................................\"");
				(*told)++;
			}
		}
		nanosleep(&t, NULL);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		CHECK(WIFSIGNALED(status));
	}
	pid = fork();
	if (!pid) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		bool gap;
		int n;

		keep_attach(fd);
		unit_failed = 0;
		n = check_log();
		event_emit("last", NULL, NULL);
		CHECK(check_log() >= n - 1);
		event_read(event_head() - 40, 40, &b, &gap);
		/* seq of the last one: all that were told, and at most one more per kill */
		buf_reset(&b);
		event_read(event_tail(), EVENT_LOG_MAX, &b, &gap);
		const char *p = strstr(buf_str(&b), "\"type\":\"last\"");

		while (p && p > b.data && strncmp(p, "{\"seq\":", 7) != 0)
			p--;
		unsigned long seq = p ? strtoul(p + 7, NULL, 10) : 0;

		CHECK(seq > *told && seq <= *told + 7);
		_exit(unit_failed ? 1 : 0);
	}
	waitpid(pid, &status, 0);
	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	close(fd);
}

int main(void)
{
	test_kill();		/* first: it forks, and this process must not have threads */
	CHECK(!keep_attach_private());
	CHECK(!watch_init());
	test_emit();
	test_wait();
	test_wrap();
	return UNIT_END();
}
