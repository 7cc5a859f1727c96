/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Project quotas of the file system that holds the store (ext4, xfs): how many bytes the files of one volume may take. A project is a
 * number that files have; those made in a marked directory have it from birth, so that nobody has to count them. No state, no locks.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "backends/core/err.h"

/* What is made below the new, empty directory from now on belongs to the project (0: nothing is done). A file system without projects
 * leaves it as it is: quota_can() will tell. */
void quota_mark(int dirfd, uint32_t project);

/* Whether a limit would hold for the directory; -EOPNOTSUPP with the reason, and with what would help. */
int quota_can(int dirfd, uint32_t project, struct err *e);

/* What the project has (bytes) and may have (limit, 0: no limit). False: nobody counts the files of that directory. */
bool quota_get(int dirfd, uint32_t project, uint64_t *bytes, uint64_t *limit);

/* bytes 0: no limit. dirfd is any directory of the file system. */
int quota_set(int dirfd, uint32_t project, uint64_t bytes, struct err *e);
/* No limit, if there was one; project 0: nothing. */
void quota_drop(int dirfd, uint32_t project);
