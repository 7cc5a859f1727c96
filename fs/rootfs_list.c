// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Listing directories below rootfs/, without handles (fs/rootfs_stream.h). Cookies are those of the file system itself, so that a
 * listing goes on where it was, whatever comes and goes meanwhile. No state of its own, no locks.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "fs/rootfs.h"
#include "fs/rootfs_handlers.h"
#include "fs/rootfs_stream.h"

#define ENTRY_MIN 128		/* in a reply with attributes: more than that each */

struct listing {
	fuse_req_t req;
	struct rootfs_stream *s;
	char *out;
	size_t size, used;
	bool plus;
	uint64_t *nodes;	/* whose lookups were counted */
	size_t n_nodes;
};

static bool is_dots(const char *name)
{
	return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Size of the entry in the reply; it was added when that is not more than the room that is left. */
static size_t add(struct listing *l, const struct rootfs_dirent *en)
{
	struct fuse_entry_param e = { .ino = 0 };
	size_t room = l->size - l->used, len;

	e.attr.st_ino = rootfs_shown_ino(l->s->dir->v, 0, en->ino);
	e.attr.st_mode = (mode_t)en->type << 12;
	if (!l->plus)
		return fuse_add_direntry(l->req, l->out + l->used, room, en->name, &e.attr, en->cookie);
	len = fuse_add_direntry_plus(l->req, NULL, 0, en->name, &e, en->cookie);
	if (len > room)
		return len;
	/* One that vanished since is listed without a node, as a plain listing would. */
	if (!is_dots(en->name) && rootfs_entry(l->s->dir, en->name, &e) == 0)
		l->nodes[l->n_nodes++] = e.ino;
	else
		e.ino = 0;
	return fuse_add_direntry_plus(l->req, l->out + l->used, room, en->name, &e, en->cookie);
}

static int list(struct listing *l)
{
	const struct rootfs_dirent *en;
	int r;

	while ((r = rootfs_stream_next(l->s, &en)) > 0) {
		size_t len = add(l, en);

		if (len > l->size - l->used)
			return 0;
		l->used += len;
		rootfs_stream_pass(l->s);
	}
	return l->used ? 0 : r;	/* an error behind some entries comes with the next request */
}

static void reply_listing(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, bool plus)
{
	_cleanup_free_ char *out = malloc(size);
	_cleanup_free_ uint64_t *counted = plus ? malloc((size / ENTRY_MIN + 1) * sizeof(uint64_t)) : NULL;
	struct listing l = { .req = req, .out = out, .size = size, .plus = plus, .nodes = counted };
	int r = out && (counted || !plus) ? rootfs_stream_take(ino, off, &l.s) : -ENOMEM;

	if (r == 0) {
		r = list(&l);
		/* Before the answer: the client's next request is another thread's. None comes behind an empty one. */
		if (l.used)
			rootfs_stream_give(l.s);
		else
			rootfs_stream_close(l.s);
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
	reply_listing(req, ino, size, off, false);
}

void rootfs_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi)
{
	reply_listing(req, ino, size, off, true);
}

void rootfs_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi)
{
	_cleanup_place_ struct rootfs_dir *d = NULL;
	_cleanup_close_ int fd = -1;
	int r = rootfs_dir_get(ino, &d);

	if (r == 0) {
		fd = openat(d->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || (datasync ? fdatasync(fd) : fsync(fd)) < 0)
			r = -errno;
	}
	rootfs_reply(req, r);
}
