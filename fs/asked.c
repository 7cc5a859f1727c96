// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See asked.h. Names and modes come from the table in backends/proc: rows here are made of it at start, with the library's numbers
 * behind ROW_ASKED. A CPU's directory has its number + 1 as its slot. Nothing is kept by the kernel, since everybody reads something else.
 */
#include "fs/asked.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/asker.h"
#include "fs/procdir.h"
#include "fs/view.h"

#define ROWS_MAX 64

struct dir asked_proc_dir, asked_sys_dir;
static struct dir dirs[ROWS_MAX];
static struct row table[2 * ROWS_MAX];	/* the rows of one directory stand together, ended by one without id */

static const struct proc_row *library_row(const struct row *r)
{
	return proc_row_by_id(r->id - ROW_ASKED);
}

static int show_asked(struct view *v, struct buf *out, struct err *e)
{
	struct asker *a;
	int r = asker_get(v->who ? v->who->pid : 0, &a);

	if (r)
		return err_sys(e, -r, "the container of process %d", v->who->pid);
	r = asker_show(a, library_row(v->row), v->node.slot ? v->node.slot - 1 : 0, out);
	asker_put(a);
	return r ? err_sys(e, -r, "%s", v->name) : 0;
}

static unsigned count_cpus(const struct view *v)
{
	struct proc_source *s;
	struct asker *a;
	unsigned n = 0;

	if (asker_get(v->who ? v->who->pid : 0, &a))
		return 0;
	s = asker_source(a);
	if (s)
		n = proc_cpu_count(s);
	asker_release(a, s);
	asker_put(a);
	return n;
}

static int cpu_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	const struct proc_row *found;
	unsigned cpu;

	if (procdir_find(library_row(dir->row), 0, name, &found, &cpu) || !(found->flags & PROC_PER_CPU) || cpu >= count_cpus(dir))
		return -ENOENT;
	*ino = view_row_ino(dir->o, cpu + 1, ROW_ASKED + found->id);
	return 0;
}

/* The row for CPUs in a directory: the one without a name. */
static unsigned cpu_row(const struct view *dir)
{
	const struct row *r = dir->row->dir->rows;

	while (r->name)
		r++;
	return r->id;
}

static int cpu_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	const unsigned n = count_cpus(dir);
	char name[32];
	int r = 0;

	for (uint64_t slot = after + 1; slot <= n && !r; slot++) {
		snprintf(name, sizeof(name), "cpu%u", (unsigned)slot - 1);
		r = emit(arg, slot, name, view_row_ino(dir->o, (uint32_t)slot, cpu_row(dir)), S_IFDIR);
	}
	return r;
}

static const struct children cpu_children = { .dynamic = true, .lookup = cpu_lookup, .list = cpu_list };

/* ---- the table ---- */

struct making {
	const struct proc_row *dir;
	struct row *next;
};

static struct dir *dir_of(const struct proc_row *r)
{
	if (!strchr(r->path, '/'))
		return !strcmp(r->path, "proc") ? &asked_proc_dir : &asked_sys_dir;
	return &dirs[r->id];
}

static int make_child(const struct proc_row *r, void *arg)
{
	struct making *m = arg;
	size_t n = strlen(m->dir->path);
	const char *name = r->path + n + 1;
	const bool is_dir = S_ISDIR(r->mode);

	if (strncmp(r->path, m->dir->path, n) != 0 || r->path[n] != '/' || strchr(name, '/'))
		return 0;
	*m->next++ = (struct row){
		.id = (uint16_t)(ROW_ASKED + r->id), .name = strchr(name, '*') ? NULL : name, .mode = r->mode,
		.flags = is_dir ? 0 : ROW_VOLATILE_ALWAYS, .dir = is_dir ? dir_of(r) : NULL, .show = r->show ? show_asked : NULL,
		.doc = is_dir ? "as in /sys and /proc" : "as instances/NAME has it, of the reader's container",
	};
	if (strchr(name, '*'))
		dir_of(m->dir)->children = &cpu_children;
	return 0;
}

static int make_dir(const struct proc_row *r, void *arg)
{
	struct row **next = arg;
	struct making m = { r, *next };

	if (!S_ISDIR(r->mode))
		return 0;
	dir_of(r)->rows = *next;
	proc_row_each(make_child, &m);
	*m.next = (struct row){ 0 };
	*next = m.next + 1;
	return 0;
}

void asked_rows_make(void)
{
	struct row *next = table;

	proc_row_each(make_dir, &next);
}
