// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/scratch.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "fs/node.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct scratch **table;		/* sorted by inode */
static size_t n_table, cap_table;

static size_t position(uint64_t ino)
{
	size_t lo = 0, hi = n_table;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (table[mid]->ino < ino)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static struct scratch *find(uint64_t ino)
{
	size_t i = position(ino);

	return i < n_table && table[i]->ino == ino ? table[i] : NULL;
}

static int insert(const struct scratch *s)
{
	size_t i = position(s->ino);
	struct scratch *copy;

	if (i < n_table && table[i]->ino == s->ino) {
		*table[i] = *s;
		return 0;
	}
	if (n_table == cap_table) {
		size_t cap = cap_table ? cap_table * 2 : 64;
		struct scratch **t = realloc(table, cap * sizeof(*t));

		if (!t)
			return -ENOMEM;
		table = t;
		cap_table = cap;
	}
	copy = malloc(sizeof(*copy));
	if (!copy)
		return -ENOMEM;
	*copy = *s;
	memmove(table + i + 1, table + i, (n_table - i) * sizeof(*table));
	table[i] = copy;
	n_table++;
	return 0;
}

static void forget(size_t i)
{
	keep_begin();
	keep_del(KEEP_SCRATCH, table[i]->ino);
	keep_del(KEEP_SCRATCH_DATA, table[i]->ino);
	keep_del(KEEP_PENDING, table[i]->ino);
	keep_end();
	free(table[i]);
	n_table--;
	memmove(table + i, table + i + 1, (n_table - i) * sizeof(*table));
}

static int save(const struct scratch *s)
{
	return keep_put(KEEP_SCRATCH, s->ino, s, sizeof(*s));
}

static void touch(struct scratch *s)
{
	clock_gettime(CLOCK_REALTIME, &s->meta.mtime);
	s->meta.ctime = s->used = s->meta.mtime;
}

static int load_one(uint64_t key, const void *data, size_t len, void *arg)
{
	struct scratch s;

	if (len != sizeof(s))
		return 0;
	memcpy(&s, data, len);
	return insert(&s);
}

int scratch_init(void)
{
	HOLD_LOCK(&lock);
	return keep_each(KEEP_SCRATCH, load_one, NULL);
}

bool scratch_get(uint64_t ino, struct scratch *ret)
{
	HOLD_LOCK(&lock);
	const struct scratch *s = n_table ? find(ino) : NULL;

	if (s)
		*ret = *s;
	return s;
}

bool scratch_find(uint64_t parent, const char *name, struct scratch *ret)
{
	HOLD_LOCK(&lock);
	for (size_t i = 0; i < n_table; i++)
		if (table[i]->parent == parent && !strcmp(table[i]->name, name)) {
			*ret = *table[i];
			return true;
		}
	return false;
}

int scratch_add(const struct scratch *s, const void *data, size_t len)
{
	size_t n = 0;
	int r;

	HOLD_LOCK(&lock);
	for (size_t i = 0; i < n_table; i++)
		n += table[i]->parent == s->parent;
	if (n >= SCRATCH_DIR_MAX)
		return -ENOSPC;
	keep_begin();
	save(s);
	if (len)
		keep_put(KEEP_SCRATCH_DATA, s->ino, data, len);
	r = keep_end();
	return r ? r : insert(s);
}

static void remove_locked(uint64_t ino)
{
	size_t i = position(ino);

	if (i < n_table && table[i]->ino == ino)
		forget(i);
	for (i = 0; i < n_table; i++)
		if (table[i]->parent == ino) {
			remove_locked(table[i]->ino);
			i = (size_t)-1;
		}
}

void scratch_remove(uint64_t ino)
{
	HOLD_LOCK(&lock);
	remove_locked(ino);
}

void scratch_remove_object(uint32_t object)
{
	HOLD_LOCK(&lock);
	for (size_t i = n_table; i-- > 0;)
		if (node_of(table[i]->ino).object == object)
			forget(i);
}

int scratch_move(uint64_t ino, uint64_t parent, const char *name)
{
	HOLD_LOCK(&lock);
	struct scratch *s = find(ino);

	if (!s)
		return -ENOENT;
	s->parent = parent;
	snprintf(s->name, sizeof(s->name), "%s", name);
	clock_gettime(CLOCK_REALTIME, &s->meta.ctime);
	return save(s);
}

int scratch_set_meta(uint64_t ino, const struct meta *m)
{
	HOLD_LOCK(&lock);
	struct scratch *s = find(ino);

	if (!s)
		return -ENOENT;
	s->meta = *m;
	return save(s);
}

int scratch_set_kind(uint64_t ino, enum entry_kind kind)
{
	HOLD_LOCK(&lock);
	struct scratch *s = find(ino);

	if (!s)
		return -ENOENT;
	s->kind = kind;
	return save(s);
}

bool scratch_empty(uint64_t dir)
{
	HOLD_LOCK(&lock);
	for (size_t i = 0; i < n_table; i++)
		if (table[i]->parent == dir)
			return false;
	return true;
}

int scratch_read(uint64_t ino, struct buf *out)
{
	keep_get(KEEP_SCRATCH_DATA, ino, out);
	return buf_error(out);
}

static int store(struct scratch *s, const struct buf *b)
{
	s->size = b->len;
	touch(s);
	keep_begin();
	save(s);
	keep_put(KEEP_SCRATCH_DATA, s->ino, buf_str(b), b->len);
	return keep_end();
}

int scratch_write(uint64_t ino, const void *data, size_t len, off_t off)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct scratch *s;

	if (off < 0 || (uint64_t)off + len > SCRATCH_SIZE_MAX)
		return -EFBIG;
	HOLD_LOCK(&lock);
	s = find(ino);
	if (!s)
		return -ESTALE;
	keep_get(KEEP_SCRATCH_DATA, ino, &b);
	if (b.len < (size_t)off + len)
		buf_resize(&b, (size_t)off + len);
	if (buf_error(&b))
		return -ENOMEM;
	memcpy(b.data + off, data, len);
	return store(s, &b);
}

int scratch_truncate(uint64_t ino, size_t len)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct scratch *s;

	if (len > SCRATCH_SIZE_MAX)
		return -EFBIG;
	HOLD_LOCK(&lock);
	s = find(ino);
	if (!s)
		return -ESTALE;
	keep_get(KEEP_SCRATCH_DATA, ino, &b);
	buf_resize(&b, len);
	return buf_error(&b) ? -ENOMEM : store(s, &b);
}

int scratch_list(uint64_t parent, uint64_t after, int (*f)(const struct scratch *s, void *arg), void *arg)
{
	for (;;) {
		struct scratch next;
		bool found = false;
		int r;

		pthread_mutex_lock(&lock);
		for (size_t i = position(after + 1); i < n_table && !found; i++)
			if (table[i]->parent == parent) {
				next = *table[i];
				found = true;
			}
		pthread_mutex_unlock(&lock);
		if (!found)
			return 0;
		r = f(&next, arg);
		if (r)
			return r;
		after = next.ino;
	}
}

void scratch_sweep(bool (*is_open)(uint64_t ino))
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	HOLD_LOCK(&lock);
	for (size_t i = n_table; i-- > 0;)
		if (now.tv_sec - table[i]->used.tv_sec > SCRATCH_IDLE && !is_open(table[i]->ino))
			forget(i);
}
