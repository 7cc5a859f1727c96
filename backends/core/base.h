/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the parts of storage: what storage.h does not tell to everybody. */
#pragma once

#include "backends/core/storage.h"

/*
 * What an interrupted run left goes out of sight at once, and with the next base_collect(): any directory; or a stage of an unpacking,
 * unless a child of an earlier server is still at it.
 */
int base_drop(int dirfd, const char *name, struct err *e);
int base_drop_stage(int dirfd, const char *name, struct err *e);

/* Makes BASES and cleans it. */
int base_init(struct err *e);

/* storage_ops.each_base() of all drivers, whether they work here or not. */
int storage_each_base(const struct volume *v, void (*f)(const char *fingerprint, void *arg), void *arg);
