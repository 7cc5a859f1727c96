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

/* What is for mounts only. */
static bool is_absent(const struct proctable *t, const struct proc_row *r)
{
	return r->flags & PROC_DEEP && !(t->deep && r->flags & PROC_PER_CPU);
}

static unsigned id_of(const struct proctable *t, const struct proc_row *r)
{
	return (r->flags & PROC_DEEP ? t->deep : t->base) + r->id;
}

static const struct proc_row *row_of(const struct proctable *t, unsigned id)
{
	return proc_row_by_id(id - (t->deep && id >= t->deep ? t->deep : t->base));
}

static struct dir *dir_of(struct proctable *t, const struct proc_row *r)
{
	if (!strchr(r->path, '/'))
		return !strcmp(r->path, "proc") ? t->proc : t->sys;
	return &t->dirs[r->id];
}

static struct row make_row(struct proctable *t, const struct proc_row *r, const char *name)
{
	const bool is_dir = S_ISDIR(r->mode);
	const char *doc = r->flags & PROC_DEEP ? NULL : is_dir ? t->dir_doc : t->file_doc;
	struct row row = { .id = (uint16_t)id_of(t, r), .name = name, .mode = r->mode, .doc = doc ? doc : r->doc };

	if (r->flags & PROC_DEEP && name)
		row.exists = t->exists;
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

	if (is_absent(m->t, r) || strncmp(r->path, m->dir->path, n) != 0 || r->path[n] != '/' || strchr(name, '/'))
		return 0;
	*m->next++ = make_row(m->t, r, strchr(name, '*') ? NULL : name);
	if (strchr(name, '*'))
		dir_of(m->t, m->dir)->children = m->t->cpus;
	return 0;
}

static int make_dir(const struct proc_row *r, void *arg)
{
	struct making *m = arg;

	if (!S_ISDIR(r->mode) || is_absent(m->t, r))
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
	return procdir_place_of(row_of(t, v->row->id), v->node.slot);
}

/* ---- CPUs, and caches of one ---- */

/* Which of a place's numbers tells the children of a directory apart. */
static unsigned child_number(const struct proc_place *dir)
{
	return strchr(dir->row->path, '*') != NULL;
}

static int count_one(void *arg, const char *name, const struct proc_place *at)
{
	*(unsigned *)arg += strchr(strrchr(at->row->path, '/'), '*') != NULL;
	return 0;
}

unsigned proctable_count(const struct proctable *t, const struct view *dir, struct proc_source *s)
{
	const struct proc_place at = proctable_place(t, dir);
	unsigned n = 0;

	proc_list(s, &at, count_one, &n);
	return n;
}

int proctable_cpu_lookup(const struct proctable *t, const struct view *dir, unsigned n, const char *name, uint64_t *ino)
{
	const struct proc_place in = proctable_place(t, dir);
	struct proc_place at;

	if (procdir_find(&in, name, &at) || !strchr(strrchr(at.row->path, '/'), '*') || at.n[child_number(&in)] >= n)
		return -ENOENT;
	*ino = view_row_ino(dir->o, procdir_slot(&at), id_of(t, at.row));
	return 0;
}

/* The row in a directory that stands for several: the one without a name. */
static const struct row *numbered_row(const struct view *dir)
{
	const struct row *r = dir->row->dir->rows;

	while (r->name)
		r++;
	return r;
}

int proctable_cpu_list(const struct proctable *t, const struct view *dir, unsigned n, uint64_t after, list_fn emit, void *arg)
{
	const unsigned id = numbered_row(dir)->id;
	struct proc_place at = proctable_place(t, dir);
	const unsigned which = child_number(&at);
	char path[512];
	int r = 0;

	at.row = row_of(t, id);
	for (at.n[which] = 0; at.n[which] < n && !r; at.n[which]++) {
		const uint32_t slot = procdir_slot(&at);

		if (slot <= after)
			continue;
		proc_path(&at, path, sizeof(path));
		r = emit(arg, slot, strrchr(path, '/') + 1, view_row_ino(dir->o, slot, id), S_IFDIR);
	}
	return r;
}
