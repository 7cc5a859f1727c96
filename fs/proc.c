// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * proc/ and sys/ of an instance. Names, modes and words come from the table in backends/proc: rows here are made of it at start, so
 * that each file stands in one place. A CPU's directory has its number + 1 as its slot.
 *
 * Sources of running instances are kept, most recently used first, and all but the first few without descriptors. `lock` guards
 * the list and is a leaf; a source that is in use is not freed.
 */
#include "fs/proc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "fs/board.h"
#include "fs/facts.h"
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
	struct proc_facts f;
	struct kept *k;

	facts_of(o, &f);
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
	return k;
}

/* ---- rows ---- */

static const struct proc_row *library_row(const struct row *r)
{
	return proc_row_by_id(r->id - ROW_PROC);
}

static unsigned cpu_of(const struct view *v)
{
	return v->node.slot ? v->node.slot - 1 : 0;
}

static int show_proc(struct view *v, struct buf *out, struct err *e)
{
	struct kept *k = acquire(v->o);
	int r;

	if (!k)
		return err_set(e, ENOMEM, "no memory");
	r = proc_show(k->source, library_row(v->row), cpu_of(v), out);
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

/* The row for CPUs in a directory: the one without a name. */
static unsigned cpu_row(const struct view *dir)
{
	const struct row *r = dir->row->dir->rows;

	while (r->name)
		r++;
	return r->id;
}

static int cpu_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	const struct proc_row *r = proc_row_by_id(cpu_row(dir) - ROW_PROC), *found;
	char path[256];
	unsigned cpu;

	snprintf(path, sizeof(path), "%.*s%s", (int)(strrchr(r->path, '/') + 1 - r->path), r->path, name);
	found = proc_find(path, &cpu);
	if (found != r || cpu >= count_cpus(dir->o))
		return -ENOENT;
	*ino = view_row_ino(dir->o, cpu + 1, cpu_row(dir));
	return 0;
}

static int cpu_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	const char *pattern = strrchr(proc_row_by_id(cpu_row(dir) - ROW_PROC)->path, '/') + 1;
	unsigned n = count_cpus(dir->o);
	int r = 0;

	for (uint64_t slot = after + 1; slot <= n && !r; slot++) {
		char name[64];

		snprintf(name, sizeof(name), "%.*s%u", (int)strcspn(pattern, "*"), pattern, (unsigned)slot - 1);
		r = emit(arg, slot, name, view_row_ino(dir->o, (uint32_t)slot, cpu_row(dir)), S_IFDIR);
	}
	return r;
}

static const struct children cpu_children = { .dynamic = true, .lookup = cpu_lookup, .list = cpu_list };

/* Rows and directories have the library's numbers as index; the rows of one directory stand together, ended by one without id. */
struct dir proc_dir, sys_dir;
static struct row table[2 * 64];
static struct dir dirs[64];

struct making {
	const struct proc_row *dir;
	struct row *next;
};

static struct dir *dir_of(const struct proc_row *r)
{
	if (!strchr(r->path, '/'))
		return !strcmp(r->path, "proc") ? &proc_dir : &sys_dir;
	return &dirs[r->id];
}

static unsigned flags_of(const struct proc_row *r)
{
	if (S_ISDIR(r->mode))
		return 0;
	return r->flags & PROC_PER_CPU ? ROW_VOLATILE_ALWAYS : ROW_VOLATILE_RUN;
}

static int make_child(const struct proc_row *r, void *arg)
{
	struct making *m = arg;
	size_t n = strlen(m->dir->path);
	const char *name = r->path + n + 1;

	if (strncmp(r->path, m->dir->path, n) != 0 || r->path[n] != '/' || strchr(name, '/'))
		return 0;
	*m->next++ = (struct row){
		.id = (uint16_t)(ROW_PROC + r->id), .name = strchr(name, '*') ? NULL : name, .mode = r->mode, .flags = flags_of(r),
		.deps = S_ISDIR(r->mode) ? 0 : CHANGED_ENTRIES | CHANGED_STATE, .dir = S_ISDIR(r->mode) ? dir_of(r) : NULL,
		.show = r->show ? show_proc : NULL, .doc = r->doc,
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
	m.next->id = 0;
	*next = m.next + 1;
	return 0;
}

void proc_rows_make(void)
{
	struct row *next = table;

	proc_row_each(make_dir, &next);
}
