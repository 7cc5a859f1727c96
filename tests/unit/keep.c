// SPDX-License-Identifier: LGPL-2.1-or-later
/* The keep: its contract, its speed, and writers that are killed at random. Argument: seconds of torture (default 1). */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/keep.h"
#include "tests/unit/unit.h"

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static int count(uint64_t key, const void *data, size_t len, void *arg)
{
	++*(int *)arg;
	keep_del(KEEP_TOMB, key);
	return 0;
}

static int stop_at(uint64_t key, const void *data, size_t len, void *arg)
{
	return 7;
}

static void test_map(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t v = 42, r = 0;
	int n = 0;

	CHECK(!keep_attach_private());
	CHECK(!keep_has(KEEP_TOMB, 1) && !keep_get(KEEP_TOMB, 1, &b));
	CHECK(!keep_put(KEEP_TOMB, 1, &v, sizeof(v)));
	CHECK(keep_has(KEEP_TOMB, 1) && !keep_has(KEEP_HANDLE, 1) && !keep_has(KEEP_TOMB, 2));
	CHECK(keep_get_struct(KEEP_TOMB, 1, &r, sizeof(r)) && r == 42);
	CHECK(!keep_get_struct(KEEP_TOMB, 1, &r, 4));
	CHECK(!keep_put(KEEP_TOMB, 1, "longer than before", 18) && keep_get(KEEP_TOMB, 1, &b));
	CHECK_STR(buf_str(&b), "longer than before");
	CHECK(!keep_put(KEEP_PENDING, 1, NULL, 0) && keep_has(KEEP_PENDING, 1));
	CHECK(!keep_del(KEEP_TOMB, 1) && !keep_has(KEEP_TOMB, 1) && !keep_del(KEEP_TOMB, 1));
	for (uint64_t i = 0; i < 5000; i++)
		keep_put(KEEP_TOMB, i << 36 | 5, &i, sizeof(i));
	for (uint64_t i = 0; i < 5000; i += 2)
		keep_del(KEEP_TOMB, i << 36 | 5);
	for (uint64_t i = 0; i < 5000; i++)
		n += keep_get_struct(KEEP_TOMB, i << 36 | 5, &r, sizeof(r)) && r == i;
	CHECK(n == 2500);
	n = 0;
	CHECK(keep_each(KEEP_TOMB, stop_at, NULL) == 7);
	CHECK(!keep_each(KEEP_TOMB, count, &n) && n == 2500);
	n = 0;
	CHECK(!keep_each(KEEP_TOMB, count, &n) && n == 0);
	keep_detach();
}

static void test_transaction(void)
{
	static char big[2 << 20];
	int err = 0;

	CHECK(!keep_attach_private());
	keep_begin();
	keep_put(KEEP_COUNTER, 1, "a", 1);
	CHECK(keep_has(KEEP_COUNTER, 1));
	keep_begin();
	keep_put(KEEP_COUNTER, 2, "b", 1);
	CHECK(!keep_end());
	keep_del(KEEP_COUNTER, 1);
	CHECK(!keep_has(KEEP_COUNTER, 1));
	CHECK(!keep_end());
	CHECK(!keep_has(KEEP_COUNTER, 1) && keep_has(KEEP_COUNTER, 2));

	memset(big, 'x', sizeof(big));
	keep_begin();
	keep_put(KEEP_COUNTER, 3, "c", 1);
	for (uint64_t i = 0; i < 40 && !err; i++)
		err = keep_put(KEEP_SCRATCH_DATA, i, big, sizeof(big));
	CHECK(err == -ENOSPC);
	CHECK(keep_del(KEEP_COUNTER, 2) == -ENOSPC);
	CHECK(keep_end() == -ENOSPC);
	CHECK(!keep_has(KEEP_COUNTER, 3) && keep_has(KEEP_COUNTER, 2) && !keep_has(KEEP_SCRATCH_DATA, 0));

	err = 0;
	/* Rewriting the same 20 MiB again and again needs both areas many times over. */
	for (int round = 0; round < 20; round++)
		for (uint64_t i = 0; i < 10; i++)
			err |= keep_put(KEEP_SCRATCH_DATA, i, big, sizeof(big));
	CHECK(!err);
	for (uint64_t i = 10; !err && i < 100; i++)
		err = keep_put(KEEP_SCRATCH_DATA, i, big, sizeof(big));
	CHECK(err == -ENOSPC && keep_has(KEEP_SCRATCH_DATA, 9) && keep_has(KEEP_COUNTER, 2));
	CHECK(!keep_del(KEEP_SCRATCH_DATA, 9) && !keep_put(KEEP_SCRATCH_DATA, 9, big, sizeof(big)));
	keep_detach();
}

static void test_attach(void)
{
	int fd = memfd_create("keep", MFD_CLOEXEC);
	uint32_t version = 99;
	uint64_t r;

	CHECK(!keep_attach(fd));
	for (uint64_t i = 0; i < 3000; i++)
		keep_put(KEEP_HANDLE, i, &i, sizeof(i));
	for (uint64_t i = 0; i < 200000; i++)
		keep_put(KEEP_HANDLE, i % 3000, &i, sizeof(i));
	keep_detach();
	CHECK(!keep_attach(fd));
	CHECK(keep_get_struct(KEEP_HANDLE, 1999, &r, sizeof(r)) && r == 199999);
	CHECK(keep_get_struct(KEEP_HANDLE, 2000, &r, sizeof(r)) && r == 197000);
	keep_detach();
	CHECK(pwrite(fd, &version, sizeof(version), 8) == sizeof(version));
	CHECK(keep_attach(fd) == -EPROTO);
	close(fd);
}

#define TIMES 200000
static void test_speed(void)
{
	char data[64] = "";
	double t[4];
	int hits = 0;

	CHECK(!keep_attach_private());
	for (uint64_t i = 0; i < 10000; i++)
		keep_put(KEEP_SCRATCH, i, data, sizeof(data));
	t[0] = seconds();
	for (uint64_t i = 0; i < TIMES; i++)
		keep_put(KEEP_HANDLE, i & 1023, data, sizeof(data));
	t[1] = seconds();
	for (uint64_t i = 0; i < TIMES; i++)
		hits += keep_has(KEEP_HANDLE, i & 2047);
	t[2] = seconds();
	for (uint64_t i = 0; i < TIMES / 2; i++) {
		keep_put(KEEP_REQUEST, i, data, 24);
		keep_del(KEEP_REQUEST, i);
	}
	t[3] = seconds();
	CHECK(hits > TIMES / 3);
	printf("put %.0f ns, has %.0f ns, put or del of a request %.0f ns\n", (t[1] - t[0]) / TIMES * 1e9, (t[2] - t[1]) / TIMES * 1e9,
	       (t[3] - t[2]) / TIMES * 1e9);
	keep_detach();
}

/* ---- torture ---- */

enum { CELLS = 24, CELL_MAX = 100000 };

struct cell {
	uint64_t round;
	uint64_t sum;		/* of what follows, so that a torn value is seen */
	unsigned char data[CELL_MAX];
};

/* Every transaction writes its number into some cells at once and moves a marker from one key to the next. */
static void writer(int fd, volatile uint64_t *done, uint64_t round, unsigned seed)
{
	static struct cell c;

	if (keep_attach(fd))
		_exit(1);
	for (;; round++) {
		size_t len = (size_t)rand_r(&seed) % (rand_r(&seed) % 4 ? 300 : CELL_MAX);

		c.round = round;
		c.sum = 0;
		for (size_t i = 0; i < len; i++)
			c.sum += c.data[i] = (unsigned char)(round + i);
		keep_begin();
		for (uint64_t k = 0; k < 3; k++)
			keep_put(KEEP_PENDING, (round + k) % CELLS, &c, 16 + len);
		keep_put(KEEP_COUNTER, 0, &round, sizeof(round));
		keep_del(KEEP_TOMB, round - 1);
		keep_put(KEEP_TOMB, round, NULL, 0);
		if (keep_end())
			_exit(2);
		*done = round;
	}
}

static int check_cell(uint64_t key, const void *data, size_t len, void *arg)
{
	const struct cell *c = data;
	uint64_t sum = 0, last = *(uint64_t *)arg, expect = 0;

	for (size_t i = 0; i < len - 16; i++)
		sum += c->data[i];
	/* The last transaction that wrote this cell: one of last, last - 1, ... */
	for (uint64_t r = last; r > 0 && !expect; r--)
		for (uint64_t k = 0; k < 3; k++)
			if ((r + k) % CELLS == key)
				expect = r;
	return sum != c->sum || c->round != expect;
}

static int only_tomb(uint64_t key, const void *data, size_t len, void *arg)
{
	return key != *(uint64_t *)arg;
}

static void test_torture(double limit)
{
	int fd = memfd_create("keep", MFD_CLOEXEC), kills = 0, bad = 0;
	volatile uint64_t *done = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t last = 0;
	double end = seconds() + limit;
	unsigned seed = (unsigned)getpid();

	for (; seconds() < end; kills++) {
		pid_t pid = fork();
		int status;

		if (!pid)
			writer(fd, done, last + 1, seed + (unsigned)kills);
		usleep((useconds_t)rand_r(&seed) % 9000);
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		bad += !WIFSIGNALED(status);
		bad += keep_attach(fd) != 0;
		last = 0;
		keep_get_struct(KEEP_COUNTER, 0, &last, sizeof(last));
		bad += last != *done && last != *done + 1;
		*done = last;	/* the one killed between the two may be followed by another */
		bad += keep_each(KEEP_PENDING, check_cell, &last) || keep_each(KEEP_TOMB, only_tomb, &last);
		keep_detach();
	}
	CHECK(!bad);
	printf("%d kills, %llu transactions\n", kills, (unsigned long long)last);
	close(fd);
}

int main(int argc, char **argv)
{
	test_map();
	test_transaction();
	test_attach();
	test_speed();
	test_torture(argc > 1 ? atof(argv[1]) : 1);
	return UNIT_END();
}
