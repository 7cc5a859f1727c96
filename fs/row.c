// SPDX-License-Identifier: LGPL-2.1-or-later
/* The index of all rows by id, made once at start by walking the tables; read-only afterwards. */
#include "fs/row.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "fs/asked.h"
#include "fs/proc.h"

static const struct row *by_id[ROW_MAX];
static uint16_t parent_id[ROW_MAX];

/* Rows that name no file of their own: what is made by name, with the place where it appears. */
static const struct {
	const char *path;
	const struct row *row;
	uint16_t parent;
} made_by_name[] = {
	{ "instances/NAME", &instance_row, ROW_INSTANCES },
	{ "profiles/NAME", &profile_row, ROW_PROFILES },
	{ "images/NAME", &image_row, ROW_IMAGES },
	{ "trash/NAME@TIME", &trashed_row, ROW_TRASH },
	{ "networks/NAME", &network_row, ROW_NETWORKS },
	{ "instances/NAME/snapshots/NAME", &snapshot_row, ROW_SNAPSHOTS },
	{ "instances/NAME/exec/NAME", &exec_row, ROW_EXECS },
	{ "(value)", &entry_row, 0 },
	{ "(scratch directory)", &scratch_dir_row, 0 },
};

const struct row *row_by_id(unsigned id)
{
	return id < ROW_MAX ? by_id[id] : NULL;
}

const struct row *row_in(const struct dir *d, const char *name)
{
	for (const struct row *r = d ? d->rows : NULL; r && r->id; r++)
		if (r->name && !strcmp(r->name, name))
			return r;
	return NULL;
}

const struct row *row_text(const struct dir *d)
{
	for (const struct row *r = d ? d->rows : NULL; r && r->id; r++)
		if (r->flags & ROW_TEXT)
			return r;
	return NULL;
}

const struct row *row_parent(unsigned id)
{
	return id < ROW_MAX ? by_id[parent_id[id]] : NULL;
}

static int walk(const char *path, const struct row *r, int (*f)(const char *, const struct row *, void *), void *arg)
{
	int ret = f(path, r, arg);

	for (const struct row *c = r->dir ? r->dir->rows : NULL; !ret && c && c->id; c++) {
		char sub[256];

		snprintf(sub, sizeof(sub), "%s%s%s", path, *path ? "/" : "", c->name ? c->name : "NAME");
		ret = walk(sub, c, f, arg);
	}
	return ret;
}

int row_each(int (*f)(const char *path, const struct row *r, void *arg), void *arg)
{
	int ret = walk("", &root_row, f, arg);

	for (size_t i = 0; !ret && i < sizeof(made_by_name) / sizeof(made_by_name[0]); i++)
		ret = walk(made_by_name[i].path, made_by_name[i].row, f, arg);
	return ret;
}

static int index_row(const char *path, const struct row *r, void *arg)
{
	if (r->id >= ROW_MAX || (by_id[r->id] && by_id[r->id] != r)) {
		fprintf(stderr, "row %u stands twice: %s\n", r->id, path);
		return -EINVAL;
	}
	by_id[r->id] = r;
	return 0;
}

int row_init(void)
{
	int r;

	asked_rows_make();
	proc_rows_make();
	r = row_each(index_row, NULL);

	for (unsigned i = 0; !r && i < ROW_MAX; i++)
		for (const struct row *c = by_id[i] && by_id[i]->dir ? by_id[i]->dir->rows : NULL; c && c->id; c++)
			parent_id[c->id] = (uint16_t)i;
	for (size_t i = 0; i < sizeof(made_by_name) / sizeof(made_by_name[0]); i++)
		parent_id[made_by_name[i].row->id] = made_by_name[i].parent;
	return r;
}
