// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/board.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/unit.h"

static struct proc_facts facts(uint32_t id, uint64_t generation)
{
	return (struct proc_facts){ .size = sizeof(struct proc_facts), .object = id, .generation = generation };
}

static void test_facts(void)
{
	struct proc_facts f = facts(7, 1), got;

	CHECK(!board_get(7, &got));
	CHECK(!board_post(&f));
	f.generation = 2;
	CHECK(!board_post(&f));
	CHECK(board_get(7, &got) && got.generation == 2);
	f = facts(3, 1);
	CHECK(!board_post(&f));
	CHECK(board_next(0, &got) && got.object == 3);
	CHECK(board_next(3, &got) && got.object == 7);
	CHECK(!board_next(7, &got));
	board_remove(7);
	CHECK(!board_get(7, &got) && board_get(3, &got));
	f = facts(0, 1);
	CHECK(board_post(&f) == -EINVAL);
}

static void test_full(void)
{
	struct proc_facts f, got;
	uint32_t id = 100;
	int r = 0;

	for (; !r; id++) {
		f = facts(id, id);
		r = board_post(&f);
	}
	CHECK(r == -ENOSPC);
	CHECK(board_get(id - 2, &got) && !board_get(id - 1, &got));
	board_remove(200);
	CHECK(!board_post(&f) && board_get(id - 1, &got));
	while (board_next(99, &got))
		board_remove(got.object);
}

static void put(struct board_page *p, const char *text)
{
	struct board_text *t = board_next_text(p, strlen(text));

	CHECK(t != NULL);
	memcpy(t->data, text, strlen(text));
	t->len = (uint32_t)strlen(text);
	t->mtime_ns++;
	__atomic_store_n(&p->current, p->current + 1, __ATOMIC_RELEASE);
}

static void test_pages(void)
{
	struct proc_facts f = facts(9, 1);
	struct board_page *p;

	CHECK(!board_page(9, 5));
	CHECK(!board_post(&f));
	p = board_page(9, 5);
	CHECK(p && !board_text(p)->mtime_ns);
	put(p, "first");
	put(p, "second");
	/* One who is killed before the page is turned has changed nothing. */
	memset(board_next_text(p, 100)->data, 'x', 100);
	CHECK(board_text(p)->len == 6 && !memcmp(board_text(p)->data, "second", 6));
	CHECK(!board_next_text(p, BOARD_TEXT_MAX + 1));
	CHECK(!board_page(9, BOARD_FILES));
	/* Whoever comes again begins with nothing. */
	board_remove(9);
	CHECK(!board_post(&f));
	p = board_page(9, 5);
	CHECK(p && !board_text(p)->mtime_ns);
	board_remove(9);
}

int main(void)
{
	char dir[] = "/tmp/board.XXXXXX", command[64];

	CHECK(mkdtemp(dir) && !board_open(dir, NULL));
	test_facts();
	test_full();
	test_pages();
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command) != 0 || UNIT_END();
}
