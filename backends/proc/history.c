// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/proc/history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/proc/host.h"

#define READY 0x70726f63u
#define VERSION 1

size_t proc_history_size(void)
{
	return sizeof(struct proc_history) + host_possible_cpus() * sizeof(struct cpu_history);
}

static bool is_ready(const struct proc_history *h)
{
	return __atomic_load_n(&h->state, __ATOMIC_ACQUIRE) == READY && h->version == VERSION && h->size == proc_history_size();
}

struct proc_history *proc_history_attach(void *memory)
{
	struct proc_history *h = memory;
	size_t size = proc_history_size();
	pthread_mutexattr_t a;

	if (is_ready(h))
		return h;
	memset(h, 0, size);
	h->version = VERSION;
	h->size = (uint32_t)size;
	h->cpus = host_possible_cpus();
	pthread_mutexattr_init(&a);
	pthread_mutexattr_setpshared(&a, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&a, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&h->lock, &a);
	pthread_mutexattr_destroy(&a);
	__atomic_store_n(&h->state, READY, __ATOMIC_RELEASE);
	return h;
}

struct proc_history *history_new(void)
{
	void *m = calloc(1, proc_history_size());

	return m ? proc_history_attach(m) : NULL;
}

bool history_lock(struct proc_history *h, const struct proc_facts *f)
{
	if (!is_ready(h))
		return false;
	/* the owner was killed: its numbers stay */
	if (pthread_mutex_lock(&h->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&h->lock);
	if (h->init_pid == f->init_pid && h->init_start == f->init_start)
		return true;
	/* a length that is read from there could be that of nothing by now */
	memset(&h->init_pid, 0, proc_history_size() - offsetof(struct proc_history, init_pid));
	h->init_pid = f->init_pid;
	h->init_start = f->init_start;
	return true;
}

void history_unlock(struct proc_history *h)
{
	pthread_mutex_unlock(&h->lock);
}
