// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Listing directories below rootfs/. Cookies are those of the file system itself, so that a listing goes on where it was,
 * whatever comes and goes meanwhile. What was read and did not fit into a reply stays in the handle, whose lock guards it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>

#include "backends/core/cleanup.h"
#include "fs/rootfs.h"
#include "fs/rootfs_handlers.h"

#define READ_SIZE 32768
#define ENTRY_MIN 128		/* in a reply with attributes: more than that each */

struct dirent_read {	/* as getdents64() gives it */
	uint64_t ino;
	int64_t cookie;
	uint16_t len;
	uint8_t type;
	char name[];
};

struct listing {
	fuse_req_t req;
	struct rootfs_dir dir;	/* of the handle; not in the cache */
	struct rootfs_file *f;
	char *out;
	size_t size, used;
	bool plus;
	uint64_t *nodes;	/* whose lookups were counted */
	size_t n_nodes;
};

void rootfs_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	_cleanup_place_ struct rootfs_dir *d = NULL;
	struct caller who;
	int fd, r = 0;

	request_caller(req, &who);
	fi->fh = rootfs_file_again(&who);
	if (!fi->fh)
		r = rootfs_dir_get(ino, &d);
	if (r == 0 && !fi->fh) {
		fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = fd < 0 ? -errno : rootfs_file_new(&who, ino, fd, O_RDONLY | O_DIRECTORY, d->v, &fi->fh);
	}
	if (r < 0)
		return rootfs_reply(req, r);
	fi->keep_cache = fi->cache_readdir = d && d->v->read_only;
	if (fuse_reply_open(req, fi) < 0)
		rootfs_file_release(fi->fh);
}

/* 1 when there is an entry at f->pos, 0 at the end. */
static int fill(struct rootfs_file *f)
{
	long n;

	if (f->pos < f->len)
		return 1;
	if (!f->entries)
		f->entries = malloc(READ_SIZE);
	if (!f->entries)
		return -ENOMEM;
	n = syscall(SYS_getdents64, f->fd, f->entries, READ_SIZE);
	f->pos = 0;
	f->len = n > 0 ? (size_t)n : 0;
	return n < 0 ? -errno : n > 0;
}

/* From the beginning a listing is always fresh. */
static int seek(struct rootfs_file *f, int64_t cookie)
{
	if (cookie && cookie == f->cookie)
		return 0;
	f->pos = f->len = 0;
	f->cookie = cookie;
	return lseek(f->fd, cookie, SEEK_SET) < 0 ? -errno : 0;
}

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Size of the entry in the reply; it was added when that is not more than the room that is left. */
static size_t add(struct listing *l, const struct dirent_read *en)
{
	struct fuse_entry_param e = { .ino = 0 };
	size_t room = l->size - l->used, len;

	e.attr.st_ino = rootfs_shown_ino(l->dir.v, 0, en->ino);
	e.attr.st_mode = (mode_t)en->type << 12;
	if (!l->plus)
		return fuse_add_direntry(l->req, l->out + l->used, room, en->name, &e.attr, en->cookie);
	len = fuse_add_direntry_plus(l->req, NULL, 0, en->name, &e, en->cookie);
	if (len > room)
		return len;
	/* One that vanished since is listed without a node, as a plain listing would. */
	if (!is_dots(en->name) && rootfs_entry(&l->dir, en->name, &e) == 0)
		l->nodes[l->n_nodes++] = e.ino;
	else
		e.ino = 0;
	return fuse_add_direntry_plus(l->req, l->out + l->used, room, en->name, &e, en->cookie);
}

static int list(struct listing *l, int64_t cookie)
{
	struct rootfs_file *f = l->f;
	int r = seek(f, cookie);

	while (r == 0 && (r = fill(f)) > 0) {
		const struct dirent_read *en = (const void *)(f->entries + f->pos);
		size_t len = add(l, en);

		if (len > l->size - l->used)
			return 0;
		l->used += len;
		f->pos += en->len;
		f->cookie = en->cookie;
		r = 0;
	}
	return l->used ? 0 : r;	/* an error behind some entries comes with the next request */
}

static void reply_listing(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi, bool plus)
{
	_cleanup_handle_ struct rootfs_file *f = NULL;
	_cleanup_free_ char *out = malloc(size);
	_cleanup_free_ uint64_t *counted = plus ? malloc((size / ENTRY_MIN + 1) * sizeof(uint64_t)) : NULL;
	struct listing l = { .req = req, .out = out, .size = size, .plus = plus, .nodes = counted };
	int r = out && (counted || !plus) ? rootfs_file_get(fi->fh, &f) : -ENOMEM;

	if (r == 0) {
		HOLD_LOCK(&f->lock);
		l.f = f;
		l.dir = (struct rootfs_dir){ .ino = rootfs_node_plain(ino), .fd = f->fd, .v = f->v };
		r = list(&l, off);
	}
	if (r < 0) {
		rootfs_reply(req, r);
	} else if (fuse_reply_buf(req, l.out, l.used) < 0) {
		for (size_t i = 0; i < l.n_nodes; i++)
			rootfs_node_forget(l.nodes[i], 1);
	}
}

void rootfs_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	reply_listing(req, ino, size, off, fi, false);
}

void rootfs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	reply_listing(req, ino, size, off, fi, true);
}
