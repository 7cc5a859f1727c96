// SPDX-License-Identifier: LGPL-2.1-or-later
/* See asked.h. Nothing is kept by the kernel, since everybody reads something else. */
#include "fs/asked.h"

#include <errno.h>

#include "fs/asker.h"
#include "fs/proctable.h"
#include "fs/view.h"

struct dir asked_proc_dir, asked_sys_dir;
static struct proctable table;

static int show_asked(struct view *v, struct buf *out, struct err *e)
{
	const struct proc_place at = proctable_place(&table, v);
	struct asker *a;
	int r = asker_get(v->who ? v->who->pid : 0, &a);

	if (r)
		return err_sys(e, -r, "the container of process %d", v->who->pid);
	r = asker_show(a, &at, out);
	asker_put(a);
	return r ? err_sys(e, -r, "%s", v->name) : 0;
}

static unsigned count(const struct view *v)
{
	struct proc_source *s;
	struct asker *a;
	unsigned n = 0;

	if (asker_get(v->who ? v->who->pid : 0, &a))
		return 0;
	s = asker_source(a);
	if (s)
		n = proctable_count(&table, v, s);
	asker_release(a, s);
	asker_put(a);
	return n;
}

static int cpu_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	return proctable_cpu_lookup(&table, dir, count(dir), name, ino);
}

static int cpu_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	return proctable_cpu_list(&table, dir, count(dir), after, emit, arg);
}

/* Which files there are below a CPU is the host's affair, whoever asks. */
static bool exists(struct view *v)
{
	const struct proc_place at = proctable_place(&table, v);
	struct proc_source *s = asker_source(NULL);

	return s && proc_exists(s, &at);
}

static const struct children cpu_children = { .dynamic = true, .lookup = cpu_lookup, .list = cpu_list };

static struct proctable table = {
	.base = ROW_ASKED, .deep = ROW_ASKED_DEEP,
	.proc = &asked_proc_dir, .sys = &asked_sys_dir, .flags = ROW_VOLATILE_ALWAYS, .show = show_asked,
	.file_doc = "as instances/NAME has it, of the reader's container", .dir_doc = "as in /sys and /proc",
	.cpus = &cpu_children, .exists = exists,
};

void asked_rows_make(void)
{
	proctable_make(&table);
}
