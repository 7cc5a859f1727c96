// SPDX-License-Identifier: LGPL-2.1-or-later
/* Symbolic links below rootfs/. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>

#include "backends/core/cleanup.h"
#include "fs/rootfs.h"
#include "fs/rootfs_handlers.h"

void rootfs_readlink(fuse_req_t req, fuse_ino_t ino)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	_cleanup_close_ int fd = rootfs_open_node(ino, &v);
	char target[PATH_MAX + 1];
	ssize_t n = fd < 0 ? fd : readlinkat(fd, "", target, sizeof(target) - 1);

	if (n < 0)
		return rootfs_reply(req, fd < 0 ? fd : -errno);
	target[n] = '\0';
	fuse_reply_readlink(req, target);
}
