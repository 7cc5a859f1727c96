// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/procdir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "backends/core/cleanup.h"
#include "fs/node.h"

const struct proc_row *procdir_row(uint64_t ino)
{
	return ino == PROCDIR_ROOT ? NULL : proc_row_by_id(node_of(ino).row);
}

unsigned procdir_cpu(uint64_t ino)
{
	return node_of(ino).slot ? node_of(ino).slot - 1 : 0;
}

uint64_t procdir_ino(uint32_t id, const struct proc_row *r, unsigned cpu)
{
	return node_ino((struct node){ .object = id, .slot = r->flags & PROC_PER_CPU ? cpu + 1 : 0, .row = r->id });
}

int procdir_find(const struct proc_row *dir, unsigned cpu, const char *name, const struct proc_row **ret, unsigned *ret_cpu)
{
	const char *head = dir ? dir->path : "", *star = strchr(head, '*');
	char path[512];

	if (strchr(name, '/'))
		return -ENOENT;
	if (star)
		snprintf(path, sizeof(path), "%.*s%u%s/%.200s", (int)(star - head), head, cpu, star + 1, name);
	else
		snprintf(path, sizeof(path), "%s%s%.200s", head, dir ? "/" : "", name);
	*ret = proc_find(path, ret_cpu);
	return *ret ? 0 : -ENOENT;
}

struct listing {
	fuse_req_t req;
	const struct procdir *d;
	char *data;
	size_t size, used;
	uint64_t number, from;
};

/* Cookies are positions: the rows never change their order, and CPUs come last. Non-zero: full. */
static int list_one(void *arg, const char *name, const struct proc_row *r, unsigned cpu)
{
	struct listing *l = arg;
	struct stat st = { .st_mode = r->mode };
	size_t n;

	if (l->number++ < l->from)
		return 0;
	st.st_ino = procdir_ino(l->d->id, r, cpu);
	n = fuse_add_direntry(l->req, l->data + l->used, l->size - l->used, name, &st, (off_t)l->number);
	if (n > l->size - l->used)
		return 1;
	l->used += n;
	return 0;
}

static int list_top(const struct proc_row *r, void *arg)
{
	return strchr(r->path, '/') ? 0 : list_one(arg, r->path, r, 0);
}

void procdir_reply(fuse_req_t req, const struct procdir *d, struct proc_source *s, size_t size, off_t off)
{
	_cleanup_free_ char *data = malloc(size);
	struct listing l = { .req = req, .d = d, .data = data, .size = size, .from = (uint64_t)off };

	if (!data) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (!d->dir)
		proc_row_each(list_top, &l);
	else if (s)
		proc_list(s, d->dir, d->cpu, list_one, &l);
	fuse_reply_buf(req, data, l.used);
}

void procdir_reply_text(fuse_req_t req, const char *data, size_t len, size_t size, off_t off)
{
	if ((size_t)off >= len)
		size = 0;
	else if (size > len - (size_t)off)
		size = len - (size_t)off;
	fuse_reply_buf(req, size ? data + off : NULL, size);
}

void procdir_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const struct statvfs s = { .f_bsize = 4096, .f_frsize = 4096, .f_namemax = NAME_MAX };

	fuse_reply_statfs(req, &s);
}
