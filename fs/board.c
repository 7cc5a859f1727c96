// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The board: see board.h. A slot is found by hashing the id and looking on; a removed one keeps its place in the chain and is taken by
 * the next id that comes by. Memory of a slot or a page is asked for before it is touched: a full tmpfs must be an error, not a signal.
 *
 * `lock` is the daemon's, among its threads; there is one daemon per run directory.
 */
#include "fs/board.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"

#define VERSION 1
#define SLOTS 4096
#define REMOVED UINT32_MAX

struct slot {
	uint32_t id;			/* 0: never used, ends a chain; REMOVED */
	uint32_t current;		/* which of facts[] counts; with the times it was changed in the upper bits */
	struct board_facts facts[2];
	uint64_t allocated;		/* pages, a bit each; view server */
};

struct board {
	uint64_t size;			/* of this structure: another layout has another */
	struct options options;
	_Alignas(4096) struct slot slots[SLOTS];
	_Alignas(4096) struct board_page pages[SLOTS][BOARD_FILES];
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct board *board;
static int board_fd = -1;

static int allocate(const void *from, size_t len)
{
	return fallocate(board_fd, 0, (const char *)from - (const char *)board, (off_t)len) < 0 ? -errno : 0;
}

static int map(int fd, struct err *e)
{
	struct board *b;

	if (ftruncate(fd, sizeof(*b)) < 0)
		return err_sys(e, errno, "the board");
	b = mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (b == MAP_FAILED)
		return err_sys(e, errno, "the board");
	board_fd = fd;
	board = b;
	madvise(b, sizeof(*b), MADV_DONTDUMP);
	if (allocate(b, offsetof(struct board, pages)) < 0)
		return err_sys(e, errno, "memory for the board");
	b->size = sizeof(*b);
	return 0;
}

int board_open(const char *rundir, struct err *e)
{
	_cleanup_close_ int fd = -1;
	char path[256];
	int r;

	if (board)
		return 0;
	snprintf(path, sizeof(path), "%s/board.%d.%zu", rundir, VERSION, sizeof(struct board));
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return err_sys(e, errno, "%s", path);
	r = map(fd, e);
	if (!r)
		steal_fd(&fd);
	return r;
}

struct options *board_options(void)
{
	return &board->options;
}

/* ---- slots ---- */

static uint32_t id_of(const struct slot *s)
{
	return __atomic_load_n(&s->id, __ATOMIC_ACQUIRE);
}

/* The slot of the id; else NULL, and the first place for it in *place (NULL: full). */
static struct slot *find(uint32_t id, struct slot **place)
{
	struct slot *first = NULL, *s;

	for (uint32_t i = 0; i < SLOTS; i++) {
		s = &board->slots[(id * 2654435761u + i) % SLOTS];
		if (id_of(s) == id)
			return s;
		if (!first && (!id_of(s) || id_of(s) == REMOVED))
			first = s;
		if (!id_of(s))
			break;
	}
	if (place)
		*place = first;
	return NULL;
}

/* Gives the memory of what was shown back. */
static void forget_pages(struct slot *s)
{
	const struct board_page *p = board->pages[s - board->slots];

	fallocate(board_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (const char *)p - (const char *)board, sizeof(*p) * BOARD_FILES);
	s->allocated = 0;
}

int board_post(const struct board_facts *f)
{
	struct slot *s, *place = NULL;
	uint32_t next;

	HOLD_LOCK(&lock);
	if (!board || !f->id || f->id == REMOVED)
		return -EINVAL;
	s = find(f->id, &place);
	if (!s && !place)
		return -ENOSPC;
	if (!s) {
		s = place;
		forget_pages(s);
	}
	next = s->current + 1;
	s->facts[next & 1] = *f;
	__atomic_store_n(&s->current, next, __ATOMIC_RELEASE);
	__atomic_store_n(&s->id, f->id, __ATOMIC_RELEASE);
	return 0;
}

void board_remove(uint32_t id)
{
	struct slot *s;

	HOLD_LOCK(&lock);
	s = board ? find(id, NULL) : NULL;
	if (!s)
		return;
	__atomic_store_n(&s->id, REMOVED, __ATOMIC_RELEASE);
	forget_pages(s);
}

static bool read_slot(const struct slot *s, struct board_facts *ret)
{
	uint32_t before, id;

	do {
		id = id_of(s);
		before = __atomic_load_n(&s->current, __ATOMIC_ACQUIRE);
		*ret = s->facts[before & 1];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		/* Changed once meanwhile is harmless: then the other copy was written. */
	} while (__atomic_load_n(&s->current, __ATOMIC_RELAXED) - before > 1);
	return id && id != REMOVED && ret->id == id;
}

bool board_get(uint32_t id, struct board_facts *ret)
{
	const struct slot *s = id ? find(id, NULL) : NULL;

	return s && read_slot(s, ret) && ret->id == id;
}

bool board_next(uint32_t after, struct board_facts *ret)
{
	struct board_facts f;
	bool found = false;

	for (const struct slot *s = board->slots; s < board->slots + SLOTS; s++) {
		if (id_of(s) <= after || id_of(s) == REMOVED || !read_slot(s, &f) || (found && f.id >= ret->id))
			continue;
		*ret = f;
		found = true;
	}
	return found;
}

struct board_page *board_page(uint32_t id, unsigned file)
{
	struct slot *s = file < BOARD_FILES ? find(id, NULL) : NULL;
	struct board_page *p;

	if (!s)
		return NULL;
	p = &board->pages[s - board->slots][file];
	if (!(__atomic_load_n(&s->allocated, __ATOMIC_RELAXED) >> file & 1)) {
		if (allocate(p, sizeof(p->reserved)) < 0)
			return NULL;
		__atomic_or_fetch(&s->allocated, UINT64_C(1) << file, __ATOMIC_RELAXED);
	}
	return p;
}

/* Locked, because an answer comes from there: see shm_lock_memory(). */
struct board_text *board_next_text(struct board_page *p, size_t len)
{
	const unsigned i = !(p->current & 1);
	struct board_text *t = &p->text[i];
	const size_t need = offsetof(struct board_text, data) + len;

	if (len > sizeof(t->data))
		return NULL;
	if (need > p->reserved[i]) {
		if (allocate(t, need) < 0)
			return NULL;
		mlock(t, need);
		p->reserved[i] = (uint32_t)need;
	}
	return t;
}
