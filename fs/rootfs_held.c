// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of what is held. `helds.lock` is a leaf; closing can remove a directory for good and is done without it. */
#include "fs/rootfs_held.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "backends/core/cleanup.h"
#include "fs/holder.h"
#include "fs/rootfs_file.h"
#include "fs/rootfs_place.h"

#define HELD_MAX 4096
#define HELD_BUCKETS 256

struct held {
	uint64_t ino;
	int fd;
	struct rootfs_volume *v;	/* referenced */
	struct held *next;
};

static struct {
	pthread_mutex_t lock;
	struct held *buckets[HELD_BUCKETS], *forgotten;
	unsigned count;
} helds = { .lock = PTHREAD_MUTEX_INITIALIZER };

static struct held **find(uint64_t ino)
{
	struct held **p = &helds.buckets[ino % HELD_BUCKETS];

	while (*p && (*p)->ino != ino)
		p = &(*p)->next;
	return p;
}

/* Takes over fd and a reference of v. */
static int put(uint64_t ino, int fd, struct rootfs_volume *v)
{
	struct held *h = malloc(sizeof(*h)), **p;

	pthread_mutex_lock(&helds.lock);
	p = find(ino);
	if (h && !*p && helds.count < HELD_MAX) {
		*h = (struct held){ .ino = ino, .fd = fd, .v = v };
		*p = h;
		helds.count++;
		pthread_mutex_unlock(&helds.lock);
		return 0;
	}
	pthread_mutex_unlock(&helds.lock);
	free(h);
	close(fd);
	rootfs_volume_put(v);
	return -ENFILE;
}

void rootfs_held_forgotten(uint64_t ino)
{
	struct held **p, *h;
	HOLD_LOCK(&helds.lock);

	p = find(ino);
	h = *p;
	if (h) {
		*p = h->next;
		helds.count--;
	} else {
		h = malloc(sizeof(*h));		/* an earlier server's, in the holder only */
		if (!h)
			return;
		*h = (struct held){ .ino = ino, .fd = -1 };
	}
	h->next = helds.forgotten;
	helds.forgotten = h;
}

void rootfs_held_sweep(void)
{
	struct held *h, *next;

	if (!__atomic_load_n(&helds.forgotten, __ATOMIC_RELAXED))
		return;
	pthread_mutex_lock(&helds.lock);
	h = helds.forgotten;
	helds.forgotten = NULL;
	pthread_mutex_unlock(&helds.lock);
	for (; h; h = next) {
		next = h->next;
		holder_drop_fd(h->ino);
		if (h->fd >= 0)
			close(h->fd);
		rootfs_volume_put(h->v);
		free(h);
	}
}

static int hold(uint64_t ino)
{
	struct rootfs_volume *v;
	int fd = rootfs_open_named(ino, &v);

	if (fd < 0)
		return fd;
	(void)holder_store_fd(ino, fd);
	return put(ino, fd, v);
}

void rootfs_removal_begin(struct rootfs_removal *rm, uint64_t ino, const struct statx *sx)
{
	rm->ino = ino;
	rm->last = ino && (S_ISDIR(sx->stx_mode) || sx->stx_nlink == 1);
	rm->held = rm->last && !S_ISREG(sx->stx_mode) && hold(ino) == 0;
	rootfs_file_secure(ino);
}

void rootfs_removal_end(struct rootfs_removal *rm, int result)
{
	if (result == 0 && rm->last)
		rootfs_node_unlinked(rm->ino);
	if (result < 0 && rm->held) {
		rootfs_held_forgotten(rm->ino);
		rootfs_held_sweep();
	}
}

/* What an earlier server held. */
static int revive(uint64_t ino)
{
	struct rootfs_volume *v;
	struct rootfs_node n;
	int fd, r;

	if (!rootfs_node_get(ino, &n) || !n.parent || n.type == S_IFREG)
		return -ESTALE;
	fd = holder_fetch_fd(ino);
	if (fd < 0)
		return -ESTALE;
	r = rootfs_volume_get(n.object, n.slot, &v, NULL);
	if (r < 0) {
		close(fd);
		return r;
	}
	(void)put(ino, fd, v);		/* or somebody else did meanwhile */
	return 0;
}

static int get(uint64_t ino, struct rootfs_volume **ret_v)
{
	struct held *h;
	int fd;
	HOLD_LOCK(&helds.lock);

	h = *find(ino);
	if (!h)
		return -ESTALE;
	fd = fcntl(h->fd, F_DUPFD_CLOEXEC, 3);
	if (fd < 0)
		return -errno;
	*ret_v = rootfs_volume_ref(h->v);
	return fd;
}

int rootfs_held_get(uint64_t ino, struct rootfs_volume **ret_v)
{
	int fd = get(ino, ret_v);

	if (fd == -ESTALE && revive(ino) == 0)
		fd = get(ino, ret_v);
	return fd;
}
