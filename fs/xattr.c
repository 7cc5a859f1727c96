// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/xattr.h"

#include <errno.h>
#include <string.h>

#include "backends/core/config.h"
#include "fs/view.h"

static const char source_name[] = "user.instfs.source";

/* Where an expanded value comes from. -ENODATA: the inode is not one. */
static int source_of(fuse_req_t req, fuse_ino_t ino, struct buf *out)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	_cleanup_view_ struct view v = { 0 };
	struct caller who;
	enum entry_kind kind;
	int r;

	request_caller(req, &who);
	r = view_open(&v, ino, &who);
	if (r)
		return r;
	kind = v.node.row == ROW_EXPANDED_KEY ? ENT_CONFIG : v.node.row == ROW_EXPANDED_DEVICE ? ENT_DEVICE : 0;
	r = kind ? config_expand(v.o, &x, NULL) : -ENODATA;
	if (r)
		return r;
	for (size_t i = 0; i < x.n; i++)
		if (x.items[i].kind == kind && node_name_slot(x.items[i].name) == v.node.slot) {
			buf_addstr(out, x.items[i].source);
			return 0;
		}
	return -ENODATA;
}

static void reply(fuse_req_t req, int r, const char *data, size_t len, size_t size)
{
	if (r)
		fuse_reply_err(req, -r);
	else if (!size)
		fuse_reply_xattr(req, len);
	else if (size < len)
		fuse_reply_err(req, ERANGE);
	else
		fuse_reply_buf(req, data, len);
}

void xattr_get(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = strcmp(name, source_name) ? -ENOTSUP : source_of(req, ino, &b);

	reply(req, r, b.data, b.len, size);
}

void xattr_list(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (source_of(req, ino, &b))
		reply(req, 0, NULL, 0, size);
	else
		reply(req, 0, source_name, sizeof(source_name), size);
}

void xattr_set(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	fuse_reply_err(req, ENOTSUP);
}

void xattr_remove(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	fuse_reply_err(req, ENOTSUP);
}
