// SPDX-License-Identifier: LGPL-2.1-or-later
/* The client of QEMU's monitor against a QEMU that answers, one that is late, and several that mean harm. */
#include "backends/qemu/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/watch.h"
#include "backends/qemu/socket.h"
#include "tests/unit/unit.h"

#define GREETING "{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}}, \"capabilities\": [\"oob\"]}}\r\n"
#define READY "{\"return\": {}, \"id\": 0}\r\n"

static char path[64];
static int listener, other = -1;		/* the side of QEMU */
static atomic_int events;
static char last_event[64];

static void on_event(const char *event, const json_t *data, void *arg)
{
	snprintf(last_event, sizeof(last_event), "%s %s", event, json_string_value(json_object_get(data, "reason")));
	events++;
}

static void say(const char *text)
{
	CHECK(send(other, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct qmp *begin(const char *greeting)
{
	struct err e = ERR_INIT;
	struct qmp *q = qmp_open(path, on_event, NULL, &e);

	CHECK(q);
	if (other >= 0)
		close(other);
	other = accept(listener, NULL, NULL);
	CHECK(other >= 0);
	say(greeting);
	return q;
}

/* Answers the next query-status, in the background, since the caller waits; '@' stands for the command's id. */
static void *answer(void *arg)
{
	char line[512] = "", id[16] = "";

	while (!strstr(line, "query-status")) {
		size_t n = 0;

		while (n < sizeof(line) - 1 && read(other, line + n, 1) == 1 && line[n] != '\n')
			n++;
		line[n] = '\0';
		if (!n)
			return NULL;
	}
	CHECK(sscanf(strstr(line, "\"id\":"), "\"id\":%15[0-9]", id) == 1);
	for (const char *s = arg; *s; s++)
		say(*s == '@' ? id : (char[]){ *s, '\0' });
	return NULL;
}

static int ask(struct qmp *q, const char *reply, unsigned ms, json_t **ret, struct err *e)
{
	pthread_t t;
	int r;

	pthread_create(&t, NULL, answer, (void *)reply);
	r = qmp_call(q, "query-status", NULL, ms, ret, e);
	pthread_join(t, NULL);
	return r;
}

static void test_answers(void)
{
	struct qmp *q = begin(GREETING READY);
	struct err e = ERR_INIT;
	json_t *j = NULL;

	CHECK(ask(q, "{\"return\": {\"running\": true, \"n\": 18446744073709551615}, \"id\": @}\r\n", 5000, &j, &e) == 0);
	CHECK(json_is_true(json_object_get(j, "running")) && json_number_value(json_object_get(j, "n")) > 1.8e19);
	json_decref(j);
	/* an event comes first, and others' answers do not count */
	CHECK(ask(q, "{\"event\": \"SHUTDOWN\", \"data\": {\"reason\": \"guest-shutdown\"}}\r\n{\"return\": {}, \"id\": 77}\r\n"
		     "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such thing\"}, \"id\": @}\r\n", 5000, &j, &e) == -EIO);
	CHECK_STR(e.text, "QEMU refused query-status: no such thing");
	CHECK(events == 1);
	CHECK_STR(last_event, "SHUTDOWN guest-shutdown");
	qmp_close(q);
}

static void test_late(void)
{
	struct qmp *q = begin(GREETING READY);
	struct err e = ERR_INIT;
	int64_t t = now_ms();
	int r;

	CHECK(qmp_call(q, "stop", NULL, 30, NULL, &e) == -ETIMEDOUT);
	CHECK(now_ms() - t >= 30);
	/* who must not wait does not wait for the second time */
	t = now_ms();
	for (int i = 0; i < 1000; i++)
		CHECK(qmp_call(q, "stop", NULL, QMP_QUICK_MS, NULL, &e) == -ETIMEDOUT);
	CHECK(now_ms() - t < 1000 * QMP_QUICK_MS);
	say("{\"return\": {}, \"id\": 1}\r\n");
	r = ask(q, "{\"return\": {}, \"id\": @}\r\n", 20000, NULL, &e);
	CHECK(r == 0);
	qmp_close(q);
}

static void test_hostile(void)
{
	static char deep[4096], long_line[3 << 20];
	const char *const evil[] = { "hello\n", "[]\n", "{\"id\": 1\n", deep, long_line, "\xff\xfe\n", "" };
	struct err e = ERR_INIT;

	memset(deep, '[', sizeof(deep) - 2);
	deep[sizeof(deep) - 2] = '\n';
	memset(long_line, ' ', sizeof(long_line) - 1);
	for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
		struct qmp *q = begin(GREETING);

		/* it may have closed before all of a long line is sent */
		(void)!send(other, evil[i], strlen(evil[i]), MSG_NOSIGNAL | MSG_DONTWAIT);
		if (evil[i] == long_line)
			for (int n = 0; n < 64; n++)
				(void)!send(other, long_line, 65536, MSG_NOSIGNAL);
		if (!*evil[i])
			shutdown(other, SHUT_RDWR);
		CHECK(qmp_call(q, "query-status", NULL, 20000, NULL, &e) == -ENOTCONN);
		CHECK(qmp_call(q, "query-status", json_object(), 20000, NULL, &e) == -ENOTCONN);
		qmp_close(q);
	}
}

static void test_nobody(void)
{
	struct err e = ERR_INIT;

	CHECK(!qmp_open("/nowhere/qmp", on_event, NULL, &e) && e.code == ENOENT);
}

int main(void)
{
	struct err e = ERR_INIT;

	snprintf(path, sizeof(path), "/tmp/instfs-qmp-%d", (int)getpid());
	listener = socket_listen(path, &e);
	fcntl(listener, F_SETFL, 0);	/* accept() shall wait */
	CHECK(listener >= 0 && watch_init() == 0);
	alarm(120);
	test_answers();
	test_late();
	test_hostile();
	test_nobody();
	unlink(path);
	return UNIT_END();
}
