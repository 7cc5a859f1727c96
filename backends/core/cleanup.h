/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Locals that own something release it when they go out of scope; steal_*() hands the thing over. */
#pragma once

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_dir(DIR **d)
{
	if (*d)
		closedir(*d);
}

static inline void cleanup_file(FILE **f)
{
	if (*f)
		fclose(*f);
}

static inline void cleanup_unlock(pthread_mutex_t **m)
{
	if (*m)
		pthread_mutex_unlock(*m);
}

static inline pthread_mutex_t *lock_mutex(pthread_mutex_t *m)
{
	pthread_mutex_lock(m);
	return m;
}

#define _cleanup_free_ __attribute__((cleanup(cleanup_free)))
#define _cleanup_close_ __attribute__((cleanup(cleanup_close)))
#define _cleanup_dir_ __attribute__((cleanup(cleanup_dir)))
#define _cleanup_file_ __attribute__((cleanup(cleanup_file)))

/* Holds a mutex until the end of the block: `HOLD_LOCK(&o->lock);` */
#define HOLD_LOCK_2(m, line) \
	__attribute__((cleanup(cleanup_unlock), unused)) pthread_mutex_t *lock_held_##line = lock_mutex(m)
#define HOLD_LOCK_1(m, line) HOLD_LOCK_2(m, line)
#define HOLD_LOCK(m) HOLD_LOCK_1(m, __LINE__)

static inline int steal_fd(int *fd)
{
	int r = *fd;

	*fd = -1;
	return r;
}

static inline void *steal_pointer(void *pp)
{
	void *p = *(void **)pp;

	*(void **)pp = NULL;
	return p;
}
