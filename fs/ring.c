// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/ring.h"

#include <linux/futex.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/cleanup.h"

#define ALIGN 16u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;	/* producers */

static struct ring_item *item_at(struct shm_ring *r, uint32_t pos)
{
	return (struct ring_item *)(r->data + pos % SHM_RING_SIZE);
}

void ring_kick(struct shm_ring *r)
{
	__atomic_store_n(&r->asleep, 0, __ATOMIC_SEQ_CST);
	syscall(SYS_futex, &r->asleep, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static void wake(struct shm_ring *r)
{
	if (__atomic_load_n(&r->asleep, __ATOMIC_SEQ_CST))
		ring_kick(r);
}

static bool put(struct shm_ring *r, enum ring_type type, uint64_t ino, const char *name, size_t len)
{
	uint32_t size = (uint32_t)(sizeof(struct ring_item) + len + ALIGN) / ALIGN * ALIGN;
	uint32_t head = r->head, rest = SHM_RING_SIZE - head % SHM_RING_SIZE, skip = rest < size ? rest : 0;
	struct ring_item *i;

	if (head - __atomic_load_n(&r->tail, __ATOMIC_ACQUIRE) + skip + size > SHM_RING_SIZE)
		return false;
	if (skip)
		*item_at(r, head) = (struct ring_item){ .size = skip, .type = RING_SKIP };
	i = item_at(r, head + skip);
	*i = (struct ring_item){ .size = size, .type = (uint16_t)type, .name_len = (uint16_t)len, .ino = ino };
	memcpy(i->name, name, len);
	i->name[len] = '\0';
	__atomic_store_n(&r->head, head + skip + size, __ATOMIC_SEQ_CST);
	return true;
}

void ring_put(struct shm_ring *r, enum ring_type type, uint64_t ino, const char *name)
{
	size_t len = strlen(name);

	if (len > 4095)
		return;
	pthread_mutex_lock(&lock);
	if (!put(r, type, ino, name, len))
		__atomic_store_n(&r->overflow, 1, __ATOMIC_SEQ_CST);
	pthread_mutex_unlock(&lock);
	wake(r);
}

static bool is_idle(const struct shm_ring *r)
{
	return __atomic_load_n(&r->head, __ATOMIC_SEQ_CST) == r->tail && !__atomic_load_n(&r->overflow, __ATOMIC_SEQ_CST);
}

const struct ring_item *ring_next(struct shm_ring *r)
{
	for (;;) {
		while (is_idle(r)) {
			__atomic_store_n(&r->asleep, 1, __ATOMIC_SEQ_CST);
			if (is_idle(r))
				syscall(SYS_futex, &r->asleep, FUTEX_WAIT, 1, NULL, NULL, 0);
			__atomic_store_n(&r->asleep, 0, __ATOMIC_SEQ_CST);
		}
		if (__atomic_exchange_n(&r->overflow, 0, __ATOMIC_SEQ_CST))
			return NULL;
		if (item_at(r, r->tail)->type != RING_SKIP)
			return item_at(r, r->tail);
		ring_done(r, item_at(r, r->tail));
	}
}

void ring_done(struct shm_ring *r, const struct ring_item *i)
{
	__atomic_store_n(&r->tail, r->tail + i->size, __ATOMIC_RELEASE);
}
