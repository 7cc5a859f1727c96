// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See sources.h. `lock` is held for reading by whoever uses a source, and for writing while some are made or
 * freed. A source keeps about twenty descriptors; when there are too many, those that were used least lately close theirs.
 */
#include "fs/sources.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "fs/board.h"

#define BUCKETS 1024
#define FDS_EACH 32
#define TRIES 3				/* others may change or remove it meanwhile */

struct source {
	struct source *next;
	uint32_t id;
	uint64_t generation;
	uint64_t used;			/* number of the use; 0: its descriptors are closed */
	struct proc_source *s;
	struct proc_history *history;	/* moves when the instance is started anew */
};

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static struct source *table[BUCKETS];
static uint32_t removals;		/* of the board, when we looked last */
static uint64_t uses;
static unsigned n_open;

static struct source *find(uint32_t id)
{
	struct source *p = table[id % BUCKETS];

	while (p && p->id != id)
		p = p->next;
	return p;
}

/* Frees those whose instance is gone, or has come again elsewhere on the board. */
static void sweep(void)
{
	const uint32_t now = board_removals();

	if (now == removals)
		return;
	removals = now;
	for (int i = 0; i < BUCKETS; i++)
		for (struct source **pp = &table[i], *p; (p = *pp);) {
			if (p->history && board_history(p->id) == p->history) {
				pp = &p->next;
				continue;
			}
			*pp = p->next;
			n_open -= p->used != 0;
			proc_source_free(p->s);
			free(p);
		}
}

static unsigned open_max(void)
{
	struct rlimit l;

	return getrlimit(RLIMIT_NOFILE, &l) ? 16 : (unsigned)(l.rlim_cur / FDS_EACH / 2) + 1;
}

/* Closes the descriptors of the one that was used longest ago. */
static void make_room(void)
{
	struct source *oldest = NULL;

	for (int i = 0; i < BUCKETS; i++)
		for (struct source *p = table[i]; p; p = p->next)
			if (p->used && (!oldest || p->used < oldest->used))
				oldest = p;
	if (!oldest)
		return;
	proc_source_idle(oldest->s);
	oldest->used = 0;
	n_open--;
}

static struct source *make(const struct proc_facts *f)
{
	struct source *p = calloc(1, sizeof(*p));

	if (p) {
		p->id = f->object;
		p->generation = f->generation;
		p->history = board_history(f->object);
		p->s = proc_source_new(f, p->history);
	}
	if (!p || !p->s) {
		free(p);
		return NULL;
	}
	p->next = table[p->id % BUCKETS];
	table[p->id % BUCKETS] = p;
	return p;
}

static void prepare(const struct proc_facts *f)
{
	struct source *p;

	pthread_rwlock_wrlock(&lock);
	sweep();
	p = find(f->object);
	if (!p)
		p = make(f);
	if (p && f->generation != p->generation) {
		proc_source_update(p->s, f);
		p->generation = f->generation;
	}
	if (p && !p->used) {
		if (n_open >= open_max())
			make_room();
		p->used = 1;
		n_open++;
	}
	pthread_rwlock_unlock(&lock);
}

static bool is_ready(const struct source *p, const struct proc_facts *f)
{
	return p && __atomic_load_n(&p->used, __ATOMIC_RELAXED) && removals == board_removals() && f->generation == p->generation;
}

/* NULL: nothing is held. */
static struct proc_source *try(const struct proc_facts *f)
{
	struct source *p;

	pthread_rwlock_rdlock(&lock);
	p = find(f->object);
	if (is_ready(p, f)) {
		__atomic_store_n(&p->used, __atomic_add_fetch(&uses, 1, __ATOMIC_RELAXED), __ATOMIC_RELAXED);
		return p->s;
	}
	pthread_rwlock_unlock(&lock);
	prepare(f);
	return NULL;
}

struct proc_source *sources_get(uint32_t id)
{
	struct proc_source *s = NULL;
	struct proc_facts f;

	for (int i = 0; i < TRIES && !s && board_get(id, &f); i++)
		s = try(&f);
	return s;
}

struct proc_source *sources_get_with(const struct proc_facts *f)
{
	struct proc_source *s = NULL;

	for (int i = 0; i < TRIES && !s; i++)
		s = try(f);
	return s;
}

void sources_put(void)
{
	pthread_rwlock_unlock(&lock);
}
