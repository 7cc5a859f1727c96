// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * proc/ and sys/ of an instance. From acquire() to release() the lock of fs/sources.c may be held: nothing else is taken between.
 */
#include "fs/proc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/instance.h"
#include "backends/core/keep.h"
#include "fs/board.h"
#include "fs/change.h"
#include "fs/facts.h"
#include "fs/proctable.h"
#include "fs/sources.h"
#include "fs/view.h"

/* Of an instance on the board the one that others look through too, else one for the moment. */
struct use {
	struct proc_source *source;
	bool own;
};

static void release(struct use *u)
{
	if (u->own)
		proc_source_free(u->source);
	else if (u->source)
		sources_put();
}

static void acquire(struct object *o, struct use *ret)
{
	struct proc_machine m = { .cpus = 0 };
	struct proc_facts f;

	facts_of(o, &f);
	if (backend_caps(o) & BACKEND_VM)
		(void)backend_machine(o, &m, NULL);
	ret->own = !f.init_pid || !board_history(o->id);
	ret->source = ret->own ? proc_source_new(&f, NULL) : sources_get_with(&f);
	if (ret->source && m.cpus)
		proc_source_machine(ret->source, &m);
}

/* ---- rows ---- */

static struct proctable table;

static int show_proc(struct view *v, struct buf *out, struct err *e)
{
	const struct proc_place at = proctable_place(&table, v);
	struct use u;
	int r;

	acquire(v->o, &u);
	if (!u.source)
		return err_set(e, ENOMEM, "no memory");
	r = proc_show(u.source, &at, out);
	release(&u);
	if (r == -ENOENT)
		return -ESTALE;
	return r < 0 ? err_sys(e, -r, "%s", v->name) : 0;
}

static unsigned count_cpus(struct object *o)
{
	struct use u;
	unsigned n;

	acquire(o, &u);
	n = u.source ? proc_cpu_count(u.source) : 0;
	release(&u);
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
	return proctable_cpu_list(&table, dir, told_cpus(dir), after, emit, arg);
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
