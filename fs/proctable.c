// SPDX-License-Identifier: LGPL-2.1-or-later
/* See proctable.h. */
#include "fs/proctable.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/procdir.h"
#include "fs/view.h"

/* ---- the table ---- */

struct making {
	struct proctable *t;
	const struct proc_row *dir;
	struct row *next;
};

static struct dir *dir_of(struct proctable *t, const struct proc_row *r)
{
	if (!strchr(r->path, '/'))
		return !strcmp(r->path, "proc") ? t->proc : t->sys;
	return &t->dirs[r->id];
}

static struct row make_row(struct proctable *t, const struct proc_row *r, const char *name)
{
	const bool is_dir = S_ISDIR(r->mode);
	const char *doc = is_dir ? t->dir_doc : t->file_doc;
	struct row row = { .id = (uint16_t)(t->base + r->id), .name = name, .mode = r->mode, .doc = doc ? doc : r->doc };

	if (is_dir) {
		row.dir = dir_of(t, r);
		return row;
	}
	row.flags = t->flags;
	row.deps = t->deps;
	row.show = t->show;
	return row;
}

static int make_child(const struct proc_row *r, void *arg)
{
	struct making *m = arg;
	size_t n = strlen(m->dir->path);
	const char *name = r->path + n + 1;

	if (r->flags & PROC_DEEP || strncmp(r->path, m->dir->path, n) != 0 || r->path[n] != '/' || strchr(name, '/'))
		return 0;
	*m->next++ = make_row(m->t, r, strchr(name, '*') ? NULL : name);
	if (strchr(name, '*'))
		dir_of(m->t, m->dir)->children = m->t->cpus;
	return 0;
}

static int make_dir(const struct proc_row *r, void *arg)
{
	struct making *m = arg;

	if (!S_ISDIR(r->mode) || r->flags & PROC_DEEP)
		return 0;
	m->dir = r;
	dir_of(m->t, r)->rows = m->next;
	proc_row_each(make_child, m);
	*m->next++ = (struct row){ 0 };
	return 0;
}

void proctable_make(struct proctable *t)
{
	proc_row_each(make_dir, &(struct making) { .t = t, .next = t->rows });
	for (size_t i = 0; i < sizeof(t->rows) / sizeof(t->rows[0]); i++)
		if (t->rows[i].dir && t->rows[i].dir->children)
			t->rows[i].flags = t->flags;
}

/* ---- rows ---- */

struct proc_place proctable_place(const struct proctable *t, const struct view *v)
{
	return procdir_place_of(proc_row_by_id(v->row->id - t->base), v->node.slot);
}

/* ---- CPUs ---- */

int proctable_cpu_lookup(const struct proctable *t, const struct view *dir, unsigned n, const char *name, uint64_t *ino)
{
	struct proc_place at = proctable_place(t, dir);

	if (procdir_find(&at, name, &at) || !(at.row->flags & PROC_PER_CPU) || at.n[0] >= n)
		return -ENOENT;
	*ino = view_row_ino(dir->o, procdir_slot(&at), t->base + at.row->id);
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

int proctable_cpu_list(const struct view *dir, unsigned n, uint64_t after, list_fn emit, void *arg)
{
	char name[32];
	int r = 0;

	for (uint64_t slot = after + 1; slot <= n && !r; slot++) {
		snprintf(name, sizeof(name), "cpu%u", (unsigned)slot - 1);
		r = emit(arg, slot, name, view_row_ino(dir->o, (uint32_t)slot, cpu_row(dir)), S_IFDIR);
	}
	return r;
}
