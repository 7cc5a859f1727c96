/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The kernel keeps the listing of a directory until the directory's mtime is another one. Where names come and go without a time that
 * tells, the mtime is therefore another one each time that it is asked for, within the microsecond: nobody who compares times cares.
 */
#pragma once

#include <stdatomic.h>
#include <time.h>

static inline void apart(struct timespec *t)
{
	static atomic_uint count;

	t->tv_nsec -= t->tv_nsec % 1000;
	t->tv_nsec += 1 + atomic_fetch_add_explicit(&count, 1, memory_order_relaxed) % 999;
}
