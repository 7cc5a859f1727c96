// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * proc/ and sys/ of an instance.
 *
 * Sources of running instances are kept, most recently used first, and all but the first few without descriptors. `lock` guards
 * the list and is a leaf; a source that is in use is not freed.
 */
#include "fs/proc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/instance.h"
#include "backends/core/keep.h"
#include "fs/board.h"
#include "fs/change.h"
#include "fs/facts.h"
#include "fs/proctable.h"
#include "fs/view.h"

#define OPEN_MAX_SOURCES 64

struct kept {
	uint32_t object;
	uint64_t generation;
	unsigned users;
	bool dropped;
	struct proc_source *source;
	struct proc_history *history;	/* the one that the container's own files go on with; NULL: none is shared */
	struct kept *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct kept *list;

/* ---- sources ---- */

static struct kept *find(uint32_t object)
{
	for (struct kept **p = &list, *k; (k = *p); p = &k->next)
		if (k->object == object) {
			*p = k->next;
			k->next = list;
			list = k;
			return k;
		}
	return NULL;
}

/* Frees what was dropped and nobody uses. */
static void discard(struct kept *k)
{
	if (!k->dropped || k->users)
		return;
	proc_source_free(k->source);
	free(k);
}

static void release(struct kept *k)
{
	HOLD_LOCK(&lock);
	k->users--;
	discard(k);
}

/* Takes it out of the list, where it stays for the last one who uses it. */
static void drop(struct kept *k)
{
	for (struct kept **p = &list; *p; p = &(*p)->next)
		if (*p == k) {
			*p = k->next;
			break;
		}
	k->dropped = true;
}

static struct kept *make(const struct proc_facts *f)
{
	struct kept *k = calloc(1, sizeof(*k));
	unsigned n = 0;

	if (!k)
		return NULL;
	k->history = f->init_pid ? board_history(f->object) : NULL;
	k->source = proc_source_new(f, k->history);
	if (!k->source) {
		free(k);
		return NULL;
	}
	k->object = f->object;
	k->generation = f->generation;
	/* one that does not run is not worth keeping */
	k->dropped = !f->init_pid;
	if (k->dropped)
		return k;
	k->next = list;
	list = k;
	for (struct kept *i = list; i; i = i->next)
		if (++n == OPEN_MAX_SOURCES + 1 && !i->users)
			proc_source_idle(i->source);
	return k;
}

static struct kept *acquire(struct object *o)
{
	struct proc_machine m = { .cpus = 0 };
	struct proc_facts f;
	struct kept *k;

	facts_of(o, &f);
	if (backend_caps(o) & BACKEND_VM)
		(void)backend_machine(o, &m, NULL);
	HOLD_LOCK(&lock);
	k = find(o->id);
	if (k && (!f.init_pid || board_history(o->id) != k->history)) {
		drop(k);
		discard(k);
		k = NULL;
	}
	if (!k)
		k = make(&f);
	if (!k)
		return NULL;
	k->users++;
	if (k->generation != f.generation)
		proc_source_update(k->source, &f);
	k->generation = f.generation;
	if (m.cpus)
		proc_source_machine(k->source, &m);
	return k;
}

/* ---- rows ---- */

static struct proctable table;

static int show_proc(struct view *v, struct buf *out, struct err *e)
{
	struct kept *k = acquire(v->o);
	int r;

	if (!k)
		return err_set(e, ENOMEM, "no memory");
	r = proc_show(k->source, proctable_row(&table, v->row), proctable_cpu(v), out);
	release(k);
	if (r == -ENOENT)
		return -ESTALE;
	return r < 0 ? err_sys(e, -r, "%s", v->name) : 0;
}

static unsigned count_cpus(struct object *o)
{
	struct kept *k = acquire(o);
	unsigned n = k ? proc_cpu_count(k->source) : 0;

	if (k)
		release(k);
	return n;
}

/* The kernel keeps the names of a stopped instance's CPUs: how many were told is remembered, over a takeover too, to take them back. */
static unsigned told_cpus(struct view *dir)
{
	const uint32_t n = count_cpus(dir->o);
	uint32_t before = 0;

	if (instance_is_running(dir->o))
		return n;
	keep_get_struct(KEEP_CPUS, dir->ino, &before, sizeof(before));
	if (n > before)
		keep_put(KEEP_CPUS, dir->ino, &n, sizeof(n));
	return n;
}

static int cpu_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	return proctable_cpu_lookup(&table, dir, told_cpus(dir), name, ino);
}

static int cpu_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	return proctable_cpu_list(dir, told_cpus(dir), after, emit, arg);
}

static void cpu_changed(struct object *o, const struct row *dir)
{
	const uint64_t ino = view_row_ino(o, 0, dir->id);
	char name[32];
	uint32_t n;

	if (!keep_get_struct(KEEP_CPUS, ino, &n, sizeof(n)))
		return;
	keep_del(KEEP_CPUS, ino);
	for (uint32_t cpu = 0; cpu < n; cpu++) {
		snprintf(name, sizeof(name), "cpu%u", cpu);
		change_name(ino, name);
	}
}

static const struct children cpu_children = { .dynamic = true, .lookup = cpu_lookup, .list = cpu_list, .changed = cpu_changed };

struct dir proc_dir, sys_dir;

static struct proctable table = {
	.base = ROW_PROC, .proc = &proc_dir, .sys = &sys_dir, .flags = ROW_VOLATILE_RUN, .deps = CHANGED_ENTRIES | CHANGED_STATE,
	.show = show_proc, .cpus = &cpu_children,
};

void proc_rows_make(void)
{
	proctable_make(&table);
}
