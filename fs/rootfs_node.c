// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The table of nodes: two chained hash tables (by number, by identity) over the records in the keep. See rootfs_node.h.
 * `nodes.lock` guards everything here; below it only the keep's own mutex, the table of open files
 * (rootfs_node_is_open()) and what is held (rootfs_held_forgotten()) are taken.
 */
#include "fs/rootfs_node.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "fs/rootfs.h"
#include "fs/rootfs_held.h"

#define ROOT_BIT (1ULL << 62)		/* of a node number: computed from object and slot, not in the table */
#define ROOT_MOUNT_SHIFT 52
#define ROOT_MOUNT (0x3ffULL << ROOT_MOUNT_SHIFT)
#define NUMBERS_RESERVED 4096

struct node {
	struct node *by_number, *by_identity;
	uint64_t number, parent;
	uint64_t identity;
	uint32_t object, slot;
	uint32_t birth;
	uint32_t lookups;	/* that this server counted */
	uint32_t children;
	uint8_t type;		/* mode >> 12 */
	bool doubtful;		/* taken over: the kernel has more lookups than are counted */
	bool unlinked;		/* not in the table of identities; regular files not in the keep either */
	char name[];
};

/* As in the keep; append only. */
struct node_record {
	uint32_t object, slot;
	uint64_t parent, identity;
	uint32_t birth;
	uint8_t type;
	uint8_t unlinked;
	uint8_t pad[2];
	char name[NAME_MAX + 1];	/* stored without what follows the NUL */
};

struct counter {
	uint64_t next, end;
};

static struct {
	pthread_mutex_t lock;
	pthread_once_t once;
	struct node **numbers, **identities;
	size_t buckets, count, sweep;
	uint64_t epoch;
	struct counter counters[3];
} nodes = { .lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT };

static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

uint64_t rootfs_identity(uint32_t object, uint32_t slot, uint64_t dev, uint64_t ino)
{
	uint64_t volume = mix((uint64_t)object << 32 | slot);

	/* Never negative for programs that take it for signed, and apart from the numbers of the control tree. */
	return (mix(ino ^ mix(volume ^ dev)) >> 2) | 1ULL << 62;
}

uint64_t rootfs_node_root(uint32_t object, uint32_t slot)
{
	return ROOTFS_BIT | ROOT_BIT | (uint64_t)(object & 0xfffffff) << 24 | (slot & 0xffffff);
}

uint64_t rootfs_node_root_of_mount(uint32_t object, uint32_t slot, uint64_t mount_id)
{
	return rootfs_node_root(object, slot) | (mount_id << ROOT_MOUNT_SHIFT & ROOT_MOUNT);
}

bool rootfs_node_is_root(uint64_t ino)
{
	return (ino & (ROOTFS_BIT | ROOT_BIT)) == (ROOTFS_BIT | ROOT_BIT);
}

uint64_t rootfs_node_plain(uint64_t ino)
{
	return rootfs_node_is_root(ino) ? ino & ~ROOT_MOUNT : ino;
}

uint64_t rootfs_number(enum rootfs_counter which)
{
	static const char *const names[] = { "", "rootfs.node", "rootfs.file" };
	uint64_t key = mix((uint64_t)which << 56 | 0x726f6f74667300), end = 0;
	struct counter *c = &nodes.counters[which];
	HOLD_LOCK(&nodes.lock);

	if (c->next == c->end) {
		for (const char *s = names[which]; *s; s++)
			key = mix(key ^ (unsigned char)*s);
		(void)keep_get_struct(KEEP_COUNTER, key, &end, sizeof(end));
		c->next = end ? end : 1;
		end = c->next + NUMBERS_RESERVED;
		if (keep_put(KEEP_COUNTER, key, &end, sizeof(end)) < 0) {
			c->next = c->end;
			return 0;
		}
		c->end = end;
	}
	return c->next++;
}

/* ---- the table; all of it with the lock held ---- */

static size_t bucket_of(uint64_t key)
{
	return mix(key) & (nodes.buckets - 1);
}

static struct node *find(uint64_t number)
{
	struct node *n = nodes.buckets ? nodes.numbers[bucket_of(number)] : NULL;

	while (n && n->number != number)
		n = n->by_number;
	return n;
}

static struct node *find_identity(uint64_t identity)
{
	struct node *n = nodes.buckets ? nodes.identities[bucket_of(identity)] : NULL;

	while (n && n->identity != identity)
		n = n->by_identity;
	return n;
}

static void link_node(struct node *n)
{
	size_t b = bucket_of(n->number);

	n->by_number = nodes.numbers[b];
	nodes.numbers[b] = n;
	if (n->unlinked)
		return;
	b = bucket_of(n->identity);
	n->by_identity = nodes.identities[b];
	nodes.identities[b] = n;
}

static void unlink_identity(struct node *n)
{
	struct node **p = &nodes.identities[bucket_of(n->identity)];

	while (*p && *p != n)
		p = &(*p)->by_identity;
	if (*p)
		*p = n->by_identity;
}

static void unlink_node(struct node *n)
{
	struct node **p = &nodes.numbers[bucket_of(n->number)];

	while (*p && *p != n)
		p = &(*p)->by_number;
	if (*p)
		*p = n->by_number;
	if (!n->unlinked)
		unlink_identity(n);
}

/* Room for one more: doubles the tables when they are full. */
static int grow(void)
{
	size_t old = nodes.buckets, size = old ? old * 2 : 1024;
	struct node **a, **b, **was = nodes.numbers;

	if (nodes.count < old)
		return 0;
	a = calloc(size, sizeof(struct node *));
	b = calloc(size, sizeof(struct node *));
	if (!a || !b) {
		free(a);
		free(b);
		return old ? 0 : -ENOMEM;
	}
	free(nodes.identities);
	nodes.numbers = a;
	nodes.identities = b;
	nodes.buckets = size;
	for (size_t i = 0; i < old; i++) {
		for (struct node *n = was[i], *next; n; n = next) {
			next = n->by_number;
			link_node(n);
		}
	}
	free(was);
	return 0;
}

/* Best effort: a node that cannot be saved is unknown to the next server, and the kernel looks it up again. */
static void save(const struct node *n)
{
	struct node_record r = {
		.object = n->object, .slot = n->slot, .parent = n->parent, .identity = n->identity, .birth = n->birth, .type = n->type,
		.unlinked = n->unlinked,
	};
	size_t len = strlen(n->name) + 1;

	memcpy(r.name, n->name, len);
	(void)keep_put(KEEP_ROOTFS, n->number, &r, offsetof(struct node_record, name) + len);
}

static bool unused(const struct node *n)
{
	return !n->lookups && !n->doubtful && !n->children;
}

/* An NFS client may come back to it, unless the file is gone. */
static bool worth_keeping(const struct node *n)
{
	return !n->unlinked && nodes.count <= ROOTFS_NODES_KEPT;
}

/* Takes a node out, and its parents as far as nobody needs them any more. */
static void drop(struct node *n)
{
	while (n) {
		struct node *p = find(n->parent);

		unlink_node(n);
		nodes.count--;
		(void)keep_del(KEEP_ROOTFS, n->number);
		if (n->unlinked && n->type != S_IFREG >> 12)
			rootfs_held_forgotten(n->number);
		free(n);
		if (p && p->children)
			p->children--;
		n = p && unused(p) && !worth_keeping(p) ? p : NULL;
	}
}

static void child_gone(uint64_t parent)
{
	struct node *p = find(parent);

	if (p && p->children)
		p->children--;
	if (p && unused(p) && !worth_keeping(p))
		drop(p);
}

/* Each new node above the number looks at some old ones. */
static void drop_some_unused(void)
{
	for (int i = 0; i < 8 && nodes.count > ROOTFS_NODES_KEPT; i++) {
		struct node *n = nodes.numbers[nodes.sweep++ & (nodes.buckets - 1)];

		while (n && !unused(n))
			n = n->by_number;
		if (n)
			drop(n);
	}
}

/* Drops files that nobody has open until a sixteenth of the room is free. */
static void make_room(void)
{
	size_t want = ROOTFS_NODES_MAX - ROOTFS_NODES_MAX / 16, looked = 0;

	for (; nodes.count > want && looked < nodes.buckets; looked++) {
		struct node *n = nodes.numbers[nodes.sweep++ & (nodes.buckets - 1)], *next;

		for (; n; n = next) {
			next = n->by_number;
			if (!n->children && n->type != S_IFDIR >> 12 && !rootfs_node_is_open(n->number)) {
				drop(n);
				break;	/* the parent may have been `next` */
			}
		}
	}
}

static struct node *new_node(uint64_t number, const struct rootfs_node *from, const char *name)
{
	size_t len = strlen(name) + 1;
	struct node *n = grow() < 0 ? NULL : calloc(1, sizeof(*n) + len);

	if (!n)
		return NULL;
	n->number = number;
	n->parent = from->parent;
	n->identity = from->identity;
	n->object = from->object;
	n->slot = from->slot;
	n->birth = from->birth;
	n->type = from->type >> 12;
	n->unlinked = from->unlinked;
	memcpy(n->name, name, len);
	link_node(n);
	nodes.count++;
	return n;
}

static int load_one(uint64_t key, const void *data, size_t len, void *arg)
{
	struct rootfs_node n = { .parent = 0 };
	struct node_record r = { .object = 0 };
	struct node *made;

	(void)arg;
	if (!(key & ROOTFS_BIT) || len <= offsetof(struct node_record, name) || len > sizeof(r))
		return 0;
	memcpy(&r, data, len);
	n.parent = r.parent;
	n.identity = r.identity;
	n.object = r.object;
	n.slot = r.slot;
	n.birth = r.birth;
	n.type = (uint32_t)r.type << 12;
	n.unlinked = r.unlinked;
	r.name[NAME_MAX] = '\0';
	made = new_node(key, &n, r.name);
	if (made)
		made->doubtful = true;
	return 0;
}

static void load(void)
{
	HOLD_LOCK(&nodes.lock);

	keep_each(KEEP_ROOTFS, load_one, NULL);
	for (size_t i = 0; i < nodes.buckets; i++) {
		for (struct node *n = nodes.numbers[i]; n; n = n->by_number) {
			struct node *p = find(n->parent);

			if (p)
				p->children++;
		}
	}
}

static pthread_mutex_t *table(void)
{
	pthread_once(&nodes.once, load);
	return &nodes.lock;
}

/* ---- what others call ---- */

bool rootfs_node_get(uint64_t ino, struct rootfs_node *ret)
{
	struct node *n;

	*ret = (struct rootfs_node){ .type = S_IFDIR };
	if (rootfs_node_is_root(ino)) {
		ret->object = ino >> 24 & 0xfffffff;
		ret->slot = ino & 0xffffff;
		return true;
	}
	HOLD_LOCK(table());
	n = find(ino);
	if (!n)
		return false;
	ret->parent = n->parent;
	ret->identity = n->identity;
	ret->object = n->object;
	ret->slot = n->slot;
	ret->birth = n->birth;
	ret->type = (uint32_t)n->type << 12;
	ret->unlinked = n->unlinked;
	strcpy(ret->name, n->name);
	return true;
}

static void forget_identity(struct node *n)
{
	unlink_identity(n);
	n->unlinked = true;
	if (n->type == S_IFREG >> 12)
		(void)keep_del(KEEP_ROOTFS, n->number);
	else
		save(n);
}

/* Gives a node another place; returns it, at another address when the name is longer. */
static struct node *move(struct node *n, const struct rootfs_node *to)
{
	uint64_t parent = n->parent;
	struct node *p = find(to->parent), *m;

	if (strlen(to->name) > strlen(n->name)) {
		unlink_node(n);
		m = realloc(n, sizeof(*n) + strlen(to->name) + 1);
		n = m ? m : n;
		link_node(n);
		if (!m)
			return NULL;
	}
	strcpy(n->name, to->name);
	n->parent = to->parent;
	n->birth = to->birth;
	if (p)
		p->children++;
	child_gone(parent);
	save(n);
	return n;
}

static bool is_here(const struct node *n, const struct rootfs_node *at)
{
	return n->parent == at->parent && !strcmp(n->name, at->name);
}

/* Somebody is about to tell of a place where the file was before we renamed it. */
static bool outdated(const struct rootfs_node *f)
{
	const struct node *n = f->epoch == nodes.epoch ? NULL : find_identity(f->identity);

	return n && !is_here(n, f);
}

/* The node that a file had before, moved to where it was found now; NULL: it has none, or another file had its identity. */
static struct node *known(const struct rootfs_node *to)
{
	struct node *n = find_identity(to->identity);
	bool here = n && is_here(n, to);

	if (!n)
		return NULL;
	if (here && n->birth == to->birth && n->type == to->type >> 12)
		return n;
	/* A birth time changes when overlayfs copies a file up; a reused inode number has another one as well, and elsewhere. */
	if (n->type != to->type >> 12 || (!here && n->birth != to->birth)) {
		forget_identity(n);
		return NULL;
	}
	return move(n, to);
}

uint64_t rootfs_node_found(const struct rootfs_node *f, unsigned lookups)
{
	uint64_t number = 0;
	struct node *n, *p;

	{
		HOLD_LOCK(table());
		if (outdated(f))
			return ROOTFS_LOOK_AGAIN;
		n = known(f);
		if (n) {
			n->lookups += lookups;
			return n->number;
		}
	}
	number = rootfs_number(ROOTFS_COUNT_NODES);
	if (!number)
		return 0;
	HOLD_LOCK(table());
	if (outdated(f))
		return ROOTFS_LOOK_AGAIN;
	n = known(f);		/* somebody else may have found it meanwhile */
	if (n) {
		n->lookups += lookups;
		return n->number;
	}
	p = find(f->parent);
	if (!p && !rootfs_node_is_root(f->parent))
		return 0;
	if (p)
		p->children++;		/* it must not go to make room for its child */
	drop_some_unused();
	if (nodes.count >= ROOTFS_NODES_MAX)
		make_room();
	if (p)
		p->children--;
	n = new_node(ROOTFS_BIT | number, f, f->name);
	if (!n)
		return 0;
	n->lookups = lookups;
	if (p)
		p->children++;
	save(n);
	return n->number;
}

void rootfs_node_moved(const struct rootfs_node *to)
{
	struct node *n;
	HOLD_LOCK(table());

	nodes.epoch++;
	n = find_identity(to->identity);
	if (n)
		move(n, to);
}

uint64_t rootfs_node_epoch(void)
{
	HOLD_LOCK(table());

	return nodes.epoch;
}

bool rootfs_node_again(uint64_t ino)
{
	struct node *n;

	if (rootfs_node_is_root(ino))
		return true;
	HOLD_LOCK(table());
	n = find(ino);
	if (n)
		n->lookups++;
	return n;
}

uint64_t rootfs_node_known(uint64_t identity)
{
	struct node *n;
	HOLD_LOCK(table());

	n = find_identity(identity);
	return n ? n->number : 0;
}

static void forget(uint64_t ino, uint64_t lookups)
{
	struct node *n;
	HOLD_LOCK(table());

	n = find(ino);
	if (!n)
		return;
	if (n->doubtful ? lookups > n->lookups : lookups >= n->lookups) {
		n->lookups = 0;
		n->doubtful = false;
	} else {
		n->lookups -= lookups < n->lookups ? (uint32_t)lookups : n->lookups;
	}
	if (unused(n) && !worth_keeping(n))
		drop(n);
}

void rootfs_node_forget(uint64_t ino, uint64_t lookups)
{
	forget(ino, lookups);
	rootfs_held_sweep();
}

void rootfs_node_unlinked(uint64_t ino)
{
	struct node *n;
	HOLD_LOCK(table());

	n = find(ino);
	if (n && !n->unlinked)
		forget_identity(n);
}

size_t rootfs_node_count(void)
{
	HOLD_LOCK(table());

	return nodes.count;
}
