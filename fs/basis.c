// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/basis.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/core/watch.h"

#define BASES 2048		/* records in all */
#define SHARE 16		/* of one process: who reads the documents of all instances forgets the first ones */

/* Who, besides process ids and handles (which are times in nanoseconds). */
enum { PENDING = 0 };

struct basis {
	uint64_t ino, who;	/* ino 0: free */
	uint64_t since;
	uint64_t when;		/* CLOCK_BOOTTIME, ns: a later process of that number is another one */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct basis list[BASES];

static int load(uint64_t key, const void *data, size_t len, void *arg)
{
	if (key < BASES && len == sizeof(list[0]))
		memcpy(&list[key], data, len);
	return 0;
}

int basis_init(void)
{
	return keep_each(KEEP_BASIS, load, NULL);
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static struct basis *find(uint64_t ino, uint64_t who)
{
	for (size_t i = 0; i < BASES; i++)
		if (list[i].ino == ino && list[i].who == who)
			return &list[i];
	return NULL;
}

/* The one to give up for another of who. */
static struct basis *spare(uint64_t who)
{
	struct basis *oldest = &list[0], *own = NULL;
	size_t n = 0;

	for (size_t i = 0; i < BASES; i++) {
		if (!list[i].ino)
			oldest = oldest->ino ? &list[i] : oldest;
		else if (oldest->ino && list[i].when < oldest->when)
			oldest = &list[i];
		if (list[i].ino && list[i].who == who) {
			n++;
			own = !own || list[i].when < own->when ? &list[i] : own;
		}
	}
	return n >= SHARE ? own : oldest;
}

static void note(uint64_t ino, uint64_t who, uint64_t since)
{
	struct basis *b;

	HOLD_LOCK(&lock);
	b = find(ino, who);
	if (!b)
		b = spare(who);
	*b = (struct basis){ .ino = ino, .who = who, .since = since, .when = now() };
	keep_put(KEEP_BASIS, (uint64_t)(b - list), b, sizeof(*b));
}

static uint64_t get(uint64_t ino, uint64_t who, uint64_t *ret_when)
{
	HOLD_LOCK(&lock);
	const struct basis *b = find(ino, who);

	if (ret_when)
		*ret_when = b ? b->when : 0;
	return b ? b->since : 0;
}

void basis_drop(uint64_t ino, uint64_t fh)
{
	HOLD_LOCK(&lock);
	struct basis *b = find(ino, fh);

	if (!b)
		return;
	b->ino = 0;
	keep_del(KEEP_BASIS, (uint64_t)(b - list));
}

static uint64_t since_of(struct object *o)
{
	HOLD_LOCK(&o->lock);
	return o->configured + 1;
}

uint64_t basis_document(const struct view *v)
{
	const struct row *r = v->row;

	if (v->what == VIEW_SCRATCH && v->kind == ENT_FIELD)
		r = row_in(view_class(v->o), v->name);
	return v->o && r && r->flags & ROW_TEXT ? view_row_ino(v->o, 0, r->id) : 0;
}

/* What the process read, unless that was another one of the same number. */
static uint64_t read_by(uint64_t ino, pid_t pid)
{
	uint64_t when, since = pid > 0 ? get(ino, (uint64_t)pid, &when) : 0;
	uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);

	return since && process_start_time(pid) * tick > when ? 0 : since;
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return !a ? b : !b || a < b ? a : b;
}

void basis_opened(struct view *v, uint64_t fh)
{
	uint64_t who = fh ? fh : (uint64_t)v->who->pid;

	if (who)
		note(basis_document(v), who, since_of(v->o));
}

void basis_written(struct view *v, uint64_t fh)
{
	uint64_t ino = basis_document(v);

	note(v->ino, PENDING, earlier(get(v->ino, PENDING, NULL), earlier(get(ino, fh, NULL), read_by(ino, v->who->pid))));
}

void basis_made(struct object *o, uint64_t scratch)
{
	note(scratch, scratch, since_of(o));
}

uint64_t basis_of_edit(struct view *v)
{
	return get(v->ino, PENDING, NULL);
}

uint64_t basis_of_rename(struct view *v, uint64_t scratch, pid_t who)
{
	return earlier(get(scratch, scratch, NULL), read_by(basis_document(v), who));
}

void basis_committed(struct view *v, uint64_t fh, pid_t who)
{
	uint64_t ino = basis_document(v);

	if (fh && get(ino, fh, NULL))
		note(ino, fh, since_of(v->o));
	if (who > 0 && get(ino, (uint64_t)who, NULL))
		note(ino, (uint64_t)who, since_of(v->o));
}
