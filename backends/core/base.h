/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the parts of storage: what storage.h does not tell to everybody. */
#pragma once

#include "backends/core/storage.h"

/* Makes BASES, and sets aside what interrupted runs left there; the next base_collect() deletes it. */
int base_init(struct err *e);

/* storage_ops.each_base() of all drivers, whether they work here or not. */
int storage_each_base(const struct volume *v, void (*f)(const char *fingerprint, void *arg), void *arg);
