/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owner, mode, ACLs, extended attributes and times of a member, on a descriptor. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "backends/core/err.h"

struct archive_entry;

/* fd: of a file or a directory, not of a symbolic link. Changes nothing about the contents. ids: owners must be below. Leaves out
 * the default ACL of a directory, which what is made inside would inherit. */
int attributes_set(int fd, struct archive_entry *entry, const char *path, int64_t ids, struct err *e);
/* EINVAL when an owner is not below ids. */
int attributes_check_owner(struct archive_entry *entry, const char *path, int64_t ids, struct err *e);

/* The default ACL in the kernel's form, allocated; *ret NULL when the directory has none. 0 or -errno. */
int attributes_default_acl(struct archive_entry *entry, int64_t ids, void **ret, size_t *ret_len);
#define ATTRIBUTES_DEFAULT_ACL "system.posix_acl_default"
