// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The board: see board.h. Slots are found by looking through all ids; one that became free is taken again as late as possible, for
 * the view server may still be looking at what was there. Memory of a slot or a page is asked for before it is touched: a full tmpfs
 * must be an error, not a signal.
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

struct slot {
	uint32_t current;		/* the last bit tells which of facts[] counts */
	struct proc_facts facts[2];
	uint64_t allocated;		/* pages, a bit each; view server */
};

#define HISTORY_MAX (512u << 10)

struct board {
	uint64_t size;			/* of this structure: another layout has another */
	struct options options[BOARD_KINDS];
	struct program { uint64_t dev, ino, ctime_ns; } programs[BOARD_KINDS];
	uint32_t cursor;		/* where the next id is put, if it is free */
	uint32_t removals;
	_Alignas(64) uint32_t ids[SLOTS];	/* 0: free */
	_Alignas(4096) struct slot slots[SLOTS];
	_Alignas(4096) char histories[SLOTS][HISTORY_MAX];
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
	if (allocate(b, offsetof(struct board, histories)) < 0)
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

struct options *board_options(unsigned kind)
{
	return &board->options[kind % BOARD_KINDS];
}

static struct program own_program(void)
{
	struct stat st;

	if (stat("/proc/self/exe", &st) < 0)
		return (struct program){ 0 };
	return (struct program){ st.st_dev, st.st_ino, (uint64_t)st.st_ctim.tv_sec * 1000000000 + (uint64_t)st.st_ctim.tv_nsec };
}

void board_tell_program(unsigned kind)
{
	board->programs[kind % BOARD_KINDS] = own_program();
}

bool board_same_program(unsigned kind)
{
	const struct program *p = &board->programs[kind % BOARD_KINDS], own = own_program();

	return p->dev == own.dev && p->ino == own.ino && p->ctime_ns == own.ctime_ns;
}

/* ---- slots ---- */

static struct slot *find(uint32_t id)
{
	for (uint32_t i = 0; id && i < SLOTS; i++)
		if (__atomic_load_n(&board->ids[i], __ATOMIC_ACQUIRE) == id)
			return &board->slots[i];
	return NULL;
}

static void punch(const void *from, size_t len)
{
	fallocate(board_fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (const char *)from - (const char *)board, (off_t)len);
}

/* Gives back the memory of what was shown. */
static void forget(struct slot *s)
{
	const size_t i = (size_t)(s - board->slots);

	punch(board->pages[i], sizeof(board->pages[i]));
	punch(board->histories[i], sizeof(board->histories[i]));
	s->allocated = 0;
}

static struct slot *take_free(void)
{
	struct slot *s = NULL;

	for (uint32_t i = 0; i < SLOTS && !s; i++) {
		if (!board->ids[board->cursor])
			s = &board->slots[board->cursor];
		board->cursor = (board->cursor + 1) % SLOTS;
	}
	if (s)
		forget(s);
	return s;
}

int board_post(const struct proc_facts *f)
{
	struct slot *s;
	uint32_t next;

	HOLD_LOCK(&lock);
	if (!board || !f->object)
		return -EINVAL;
	s = find(f->object);
	if (s && !memcmp(&s->facts[s->current & 1], f, sizeof(*f)))
		return 0;
	if (!s)
		s = take_free();
	if (!s)
		return -ENOSPC;
	next = s->current + 1;
	s->facts[next & 1] = *f;
	__atomic_store_n(&s->current, next, __ATOMIC_RELEASE);
	__atomic_store_n(&board->ids[s - board->slots], f->object, __ATOMIC_RELEASE);
	return 0;
}

void board_remove(uint32_t id)
{
	struct slot *s;

	HOLD_LOCK(&lock);
	s = board ? find(id) : NULL;
	if (!s)
		return;
	__atomic_store_n(&board->ids[s - board->slots], 0, __ATOMIC_RELEASE);
	__atomic_add_fetch(&board->removals, 1, __ATOMIC_RELEASE);
	forget(s);
}

static bool read_slot(const struct slot *s, uint32_t id, struct proc_facts *ret)
{
	uint32_t before;

	do {
		before = __atomic_load_n(&s->current, __ATOMIC_ACQUIRE);
		*ret = s->facts[before & 1];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (__atomic_load_n(&s->current, __ATOMIC_RELAXED) != before);
	return ret->object == id;
}

bool board_get(uint32_t id, struct proc_facts *ret)
{
	const struct slot *s = find(id);

	return s && read_slot(s, id, ret);
}

bool board_next(uint32_t after, struct proc_facts *ret)
{
	uint32_t best = 0, id;

	for (uint32_t i = 0; i < SLOTS; i++) {
		id = __atomic_load_n(&board->ids[i], __ATOMIC_ACQUIRE);
		if (id > after && (!best || id < best))
			best = id;
	}
	return best && (board_get(best, ret) || board_next(best, ret));
}

uint32_t board_removals(void)
{
	return __atomic_load_n(&board->removals, __ATOMIC_ACQUIRE);
}

struct proc_history *board_history(uint32_t id)
{
	struct slot *s = board ? find(id) : NULL;
	char *memory;

	if (!s || proc_history_size() > HISTORY_MAX)
		return NULL;
	memory = board->histories[s - board->slots];
	return allocate(memory, proc_history_size()) < 0 ? NULL : proc_history_attach(memory);
}

struct board_page *board_page(uint32_t id, unsigned file)
{
	struct slot *s = file < BOARD_FILES ? find(id) : NULL;
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
