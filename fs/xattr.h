/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Extended attributes of the control tree: user.instfs.source in expanded/ ("instance" or "profile:NAME"); all else is ENOTSUP. */
#pragma once

#include "fs/session.h"

void xattr_get(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void xattr_list(fuse_req_t req, fuse_ino_t ino, size_t size);
void xattr_set(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void xattr_remove(fuse_req_t req, fuse_ino_t ino, const char *name);
