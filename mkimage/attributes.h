/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Owner, mode, ACLs, extended attributes and times of a member, on a descriptor. */
#pragma once

#include <stdint.h>

#include "backends/core/err.h"

struct archive_entry;

/* fd: of a file or a directory, not of a symbolic link. Changes nothing about the contents. ids: owners must be below. */
int attributes_set(int fd, struct archive_entry *entry, const char *path, int64_t ids, struct err *e);
/* EINVAL when an owner is not below ids. */
int attributes_check_owner(struct archive_entry *entry, const char *path, int64_t ids, struct err *e);
