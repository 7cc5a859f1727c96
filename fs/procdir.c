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

#define CPU_BITS 17

struct proc_place procdir_place_of(const struct proc_row *r, uint32_t slot)
{
	const uint32_t first = slot & ((1u << CPU_BITS) - 1);

	return (struct proc_place){ r, { first ? first - 1 : 0, slot >> CPU_BITS } };
}

struct proc_place procdir_place(uint64_t ino)
{
	return procdir_place_of(ino == PROCDIR_ROOT ? NULL : proc_row_by_id(node_of(ino).row), node_of(ino).slot);
}

uint32_t procdir_slot(const struct proc_place *at)
{
	return strchr(at->row->path, '*') ? at->n[1] << CPU_BITS | (at->n[0] + 1) : 0;
}

uint64_t procdir_ino(uint32_t id, const struct proc_place *at)
{
	return node_ino((struct node){ .object = id, .slot = procdir_slot(at), .row = at->row->id });
}

int procdir_find(const struct proc_place *dir, const char *name, struct proc_place *ret)
{
	char path[512] = "";
	size_t n;

	if (strchr(name, '/'))
		return -ENOENT;
	if (dir->row)
		proc_path(dir, path, sizeof(path));
	n = strlen(path);
	snprintf(path + n, sizeof(path) - n, "%s%.200s", dir->row ? "/" : "", name);
	return proc_find(path, ret);
}

struct listing {
	fuse_req_t req;
	uint32_t id;
	char *data;
	size_t size, used;
	uint64_t number, from;
};

/* Cookies are positions: the rows never change their order, and CPUs come last. Non-zero: full. */
static int list_one(void *arg, const char *name, const struct proc_place *at)
{
	struct listing *l = arg;
	struct stat st = { .st_mode = at->row->mode };
	size_t n;

	if (l->number++ < l->from)
		return 0;
	st.st_ino = procdir_ino(l->id, at);
	n = fuse_add_direntry(l->req, l->data + l->used, l->size - l->used, name, &st, (off_t)l->number);
	if (n > l->size - l->used)
		return 1;
	l->used += n;
	return 0;
}

static int list_top(const struct proc_row *r, void *arg)
{
	return strchr(r->path, '/') ? 0 : list_one(arg, r->path, &(struct proc_place) { .row = r });
}

void procdir_reply(fuse_req_t req, const struct proc_place *dir, uint32_t id, struct proc_source *s, size_t size, off_t off)
{
	_cleanup_free_ char *data = malloc(size);
	struct listing l = { .req = req, .id = id, .data = data, .size = size, .from = (uint64_t)off };

	if (!data) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (!dir->row)
		proc_row_each(list_top, &l);
	else if (s)
		proc_list(s, dir, list_one, &l);
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
