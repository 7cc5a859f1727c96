// SPDX-License-Identifier: LGPL-2.1-or-later
/* Renaming below rootfs/, once each, and the nodes with it. No state of its own. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "fs/rootfs.h"
#include "fs/rootfs_handlers.h"
#include "fs/rootfs_held.h"

#define EXCHANGE_BIT (1ULL << 60)	/* of a key in KEEP_ROOTFS: an exchange under way, by its request */

struct renaming {
	struct rootfs_dir *from, *to;
	const char *name, *newname;
	unsigned flags;
	struct statx source, target;	/* before; mode 0: not there */
};

/*
 * Exchanging twice is nothing, and afterwards both names are there as before. So what is to be at the source afterwards is
 * written down first: when it is there, an earlier server has done it.
 */
static uint64_t intent_key(const struct caller *who)
{
	return EXCHANGE_BIT | (who->unique & (EXCHANGE_BIT - 1));
}

static bool exchanged_already(const struct renaming *n, const struct caller *who)
{
	uint64_t wanted;

	return n->source.stx_mode && keep_get_struct(KEEP_ROOTFS, intent_key(who), &wanted, sizeof(wanted)) &&
	       wanted == rootfs_identity_of(n->to->v, &n->source);
}

static int write_intent(const struct renaming *n, const struct caller *who)
{
	uint64_t wanted = rootfs_identity_of(n->to->v, &n->target);

	return n->target.stx_mode ? keep_put(KEEP_ROOTFS, intent_key(who), &wanted, sizeof(wanted)) : 0;
}

static void node_moved(const struct rootfs_dir *d, const char *name)
{
	struct rootfs_node n = { .parent = d->ino };
	struct statx sx;

	if (strlen(name) > NAME_MAX || rootfs_stat(d->fd, name, &sx) < 0)
		return;
	n.identity = rootfs_identity_of(d->v, &sx);
	n.birth = rootfs_birth(&sx);
	strcpy(n.name, name);
	rootfs_node_moved(&n);
}

static int rename_now(const struct renaming *n)
{
	struct rootfs_identity_held h = { .held = false };
	int r = rootfs_enter_anybody(n->from->v, &h);

	if (r == 0 && renameat2(n->from->fd, n->name, n->to->fd, n->newname, n->flags) < 0)
		r = -errno;
	rootfs_leave(&h);
	return r;
}

static int rename_call(struct renaming *n, int begun, const struct caller *who)
{
	struct rootfs_removal rm;
	uint64_t ino = 0;
	int r = 0;

	if (rootfs_stat(n->from->fd, n->name, &n->source) < 0)
		n->source.stx_mode = 0;
	if (rootfs_stat(n->to->fd, n->newname, &n->target) < 0)
		n->target.stx_mode = 0;
	if (n->flags & RENAME_EXCHANGE) {
		if (begun == REQUEST_AGAIN && exchanged_already(n, who))
			goto done;
		r = write_intent(n, who);
		if (r < 0)
			return r;
	} else if (n->target.stx_mode) {
		ino = rootfs_node_known(rootfs_identity_of(n->to->v, &n->target));
	}
	rootfs_removal_begin(&rm, ino, &n->target);
	r = rename_now(n);
	rootfs_removal_end(&rm, r);
	if (r == -ENOENT && begun == REQUEST_AGAIN && !n->source.stx_mode && n->target.stx_mode)
		r = 0;
done:
	if (r == 0)
		node_moved(n->to, n->newname);
	if (r == 0 && (n->flags & RENAME_EXCHANGE))
		node_moved(n->from, n->name);
	return r;
}

static int rename_once(struct renaming *n, const struct caller *who)
{
	uint64_t ino = 0;
	int result = 0, begun = request_begin(who, &result, &ino), r;

	if (begun < 0)
		return begun;
	if (begun == REQUEST_DONE)
		return result;
	r = rename_call(n, begun, who);
	request_result(who, r, 0);
	if (n->flags & RENAME_EXCHANGE)
		(void)keep_del(KEEP_ROOTFS, intent_key(who));
	return r;
}

void rootfs_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent, const char *newname, unsigned flags)
{
	_cleanup_place_ struct rootfs_dir *from = NULL, *to = NULL;
	struct renaming n = { .name = name, .newname = newname, .flags = flags };
	struct caller who;
	int r;

	if (!(parent & ROOTFS_BIT) || !(newparent & ROOTFS_BIT))
		return rootfs_reply(req, -EXDEV);
	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return rootfs_reply(req, -EINVAL);
	request_caller(req, &who);
	r = rootfs_dir_get_write(parent, &from);
	if (r == 0)
		r = rootfs_dir_get_write(newparent, &to);
	if (r == 0 && !rootfs_volume_same(from->v, to->v))
		r = -EXDEV;
	if (r == 0) {
		n.from = from;
		n.to = to;
		r = rename_once(&n, &who);
	}
	rootfs_reply(req, r);
}
