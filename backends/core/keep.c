// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The map that outlives the server.
 *
 * Shared memory: one page of header, then two areas of the same size. An area is its committed length and a log of records.
 * A transaction is appended behind the committed length and takes effect when that one word is stored. Moving to the other
 * area takes effect when the word `active` is stored. Nothing else is ever changed in place, so that every instant is valid.
 *
 * Private to the process: a hash index from (kind, key) to the record's place in the active area, rebuilt by keep_attach(), and
 * the end of the transaction under way.
 *
 * Locking: `lock` guards everything here; keep_begin() holds it until keep_end(). The thread that holds it is known by `depth`.
 */
#include "backends/core/keep.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define KEEP_MAGIC 0x70656b73666e69ULL
#define KEEP_VERSION 1
#define PAGE 4096
#define AREA_SIZE ((KEEP_SIZE - PAGE) / 2 / PAGE * PAGE)

/* A log is rewritten when garbage is most of it, long before the area is full: a new server walks all of it before it answers. */
#define SLACK (256u << 10)
#define RECYCLED (4u << 20)	/* memory that an area keeps when it is left */
#define NOWHERE UINT32_MAX

struct keep_header {
	uint64_t magic;
	uint32_t version;
	uint32_t active;
	uint64_t switches;
};

struct area {
	uint64_t committed;	/* bytes of log[] that count */
	uint64_t pad;
	unsigned char log[];
};

struct record {
	uint64_t key;
	uint32_t len;
	uint16_t kind;
	uint16_t gone;		/* a deletion */
	unsigned char data[];
};

struct slot {			/* of the index; kind 0: free */
	uint64_t key;
	uint32_t at;		/* offset in the log, in units of 8 bytes */
	uint32_t kind;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread unsigned depth;

static struct keep_header *header;
static struct area *areas[2];
static struct area *now;		/* the active one */

static struct slot *slots;
static uint32_t n_slots, used_slots;	/* n_slots is a power of two */
static uint32_t per_kind[KEEP_KIND_MAX];
static uint64_t live;			/* bytes of records that the index points to */

static uint64_t tail;			/* end of what the transaction under way has appended */
static uint32_t pending;		/* ... and how many records that is */
static bool failed;			/* the transaction ran out of space */

#define LOG_SIZE (AREA_SIZE - sizeof(struct area))

static uint64_t record_size(uint32_t len)
{
	return sizeof(struct record) + ((uint64_t)len + 7) / 8 * 8;
}

static struct record *record_at(const struct area *a, uint64_t off)
{
	return (struct record *)(a->log + off);
}

static uint32_t hash(uint32_t kind, uint64_t key)
{
	uint64_t h = (key ^ (uint64_t)kind << 56) * 0x9e3779b97f4a7c15ULL;

	return (uint32_t)(h ^ h >> 32);
}

/* ---- index ---- */

static uint32_t index_find(uint32_t kind, uint64_t key)
{
	uint32_t mask = n_slots - 1;

	if (!n_slots)
		return NOWHERE;
	for (uint32_t i = hash(kind, key) & mask; slots[i].kind; i = (i + 1) & mask)
		if (slots[i].key == key && slots[i].kind == kind)
			return i;
	return NOWHERE;
}

static void index_insert(struct slot s)
{
	uint32_t mask = n_slots - 1, i = hash(s.kind, s.key) & mask;

	while (slots[i].kind)
		i = (i + 1) & mask;
	slots[i] = s;
}

/* Makes room for `more` records, so that index_put() cannot fail once the transaction is committed. */
static int index_reserve(uint32_t more)
{
	uint32_t old_n = n_slots, n = n_slots ? n_slots : 1024;
	struct slot *old = slots, *p;

	while ((used_slots + more) * 2 > n)
		n *= 2;
	if (n == old_n)
		return 0;
	p = calloc(n, sizeof(*p));
	if (!p)
		return -ENOMEM;
	slots = p;
	n_slots = n;
	for (uint32_t i = 0; i < old_n; i++)
		if (old[i].kind)
			index_insert(old[i]);
	free(old);
	return 0;
}

static void index_put(uint32_t kind, uint64_t key, uint64_t off)
{
	uint32_t i = index_find(kind, key);

	live += record_size(record_at(now, off)->len);
	if (i != NOWHERE) {
		live -= record_size(record_at(now, (uint64_t)slots[i].at * 8)->len);
		slots[i].at = (uint32_t)(off / 8);
		return;
	}
	index_insert((struct slot){ .key = key, .at = (uint32_t)(off / 8), .kind = kind });
	used_slots++;
	per_kind[kind]++;
}

/* Closes the gap by moving later members of the same run back, so that searches may stop at the first free place. */
static void index_del(uint32_t kind, uint64_t key)
{
	uint32_t mask = n_slots - 1, i = index_find(kind, key);

	if (i == NOWHERE)
		return;
	live -= record_size(record_at(now, (uint64_t)slots[i].at * 8)->len);
	used_slots--;
	per_kind[kind]--;
	for (uint32_t j = (i + 1) & mask; slots[j].kind; j = (j + 1) & mask) {
		uint32_t home = hash(slots[j].kind, slots[j].key) & mask;

		if (((j - home) & mask) >= ((j - i) & mask)) {
			slots[i] = slots[j];
			i = j;
		}
	}
	slots[i].kind = 0;
}

static void index_apply(uint64_t from, uint64_t to)
{
	for (uint64_t off = from; off < to;) {
		const struct record *r = record_at(now, off);

		if (r->gone)
			index_del(r->kind, r->key);
		else
			index_put(r->kind, r->key, off);
		off += record_size(r->len);
	}
}

/* ---- log ---- */

/* Copies what is live, then the transaction under way, to the other area, and switches with one store. */
static void compact(void)
{
	struct area *to = areas[!header->active];
	uint64_t end = 0, rest = tail - now->committed, old_end = tail;

	for (uint32_t i = 0; i < n_slots; i++) {
		const struct record *r;

		if (!slots[i].kind)
			continue;
		r = record_at(now, (uint64_t)slots[i].at * 8);
		memcpy(to->log + end, r, record_size(r->len));
		slots[i].at = (uint32_t)(end / 8);
		end += record_size(r->len);
	}
	memcpy(to->log + end, now->log + now->committed, rest);
	to->committed = end;
	header->switches++;
	__atomic_store_n(&header->active, !header->active, __ATOMIC_SEQ_CST);
	if (old_end > RECYCLED)	/* gives the memory back */
		madvise((char *)now + RECYCLED, AREA_SIZE - RECYCLED, MADV_REMOVE);
	now = to;
	tail = end + rest;
}

static int make_room(uint64_t size)
{
	uint64_t rest = tail - now->committed;

	if (tail + size <= LOG_SIZE && now->committed < SLACK + 2 * live)
		return 0;
	if (live + rest + size > LOG_SIZE)
		return tail + size <= LOG_SIZE ? 0 : -ENOSPC;
	compact();
	return 0;
}

static int append(uint32_t kind, uint64_t key, const void *data, size_t len, bool gone)
{
	struct record *r;

	if (failed || len > LOG_SIZE || make_room(record_size((uint32_t)len)) || index_reserve(pending + 1)) {
		failed = true;
		return -ENOSPC;
	}
	r = record_at(now, tail);
	r->key = key;
	r->len = (uint32_t)len;
	r->kind = (uint16_t)kind;
	r->gone = gone;
	if (len)
		memcpy(r->data, data, len);
	tail += record_size((uint32_t)len);
	pending++;
	return 0;
}

/* The newest record, one of the transaction under way included, or NULL. */
static const struct record *find(uint32_t kind, uint64_t key)
{
	const struct record *r, *newest = NULL;
	uint32_t i;

	for (uint64_t off = now->committed; off < tail; off += record_size(r->len)) {
		r = record_at(now, off);
		if (r->key == key && r->kind == kind)
			newest = r;
	}
	if (newest)
		return newest->gone ? NULL : newest;
	i = index_find(kind, key);
	return i == NOWHERE ? NULL : record_at(now, (uint64_t)slots[i].at * 8);
}

/* ---- attach ---- */

static int check_log(const struct area *a)
{
	uint64_t off = 0;

	if (a->committed > LOG_SIZE)
		return -EPROTO;
	while (off < a->committed) {
		const struct record *r = record_at(a, off);

		if (a->committed - off < sizeof(*r) || !r->kind || r->kind >= KEEP_KIND_MAX ||
		    a->committed - off < record_size(r->len))
			return -EPROTO;
		off += record_size(r->len);
	}
	return 0;
}

static int load(void *mem)
{
	uint32_t n = 0;
	int err;

	header = mem;
	areas[0] = (struct area *)((char *)mem + PAGE);
	areas[1] = (struct area *)((char *)mem + PAGE + AREA_SIZE);
	if (!header->magic) {
		header->version = KEEP_VERSION;
		__atomic_store_n(&header->magic, KEEP_MAGIC, __ATOMIC_SEQ_CST);
	}
	if (header->magic != KEEP_MAGIC || header->version != KEEP_VERSION || header->active > 1)
		return -EPROTO;
	now = areas[header->active];
	err = check_log(now);
	if (err)
		return err;
	for (uint64_t off = 0; off < now->committed; off += record_size(record_at(now, off)->len))
		n++;
	err = index_reserve(n);
	if (err)
		return err;
	tail = now->committed;
	index_apply(0, tail);
	return 0;
}

int keep_attach(int fd)
{
	struct stat st;
	void *mem;
	int err;

	if (fstat(fd, &st) < 0 || (st.st_size < (off_t)KEEP_SIZE && ftruncate(fd, KEEP_SIZE) < 0))
		return -errno;
	mem = mmap(NULL, KEEP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (mem == MAP_FAILED)
		return -errno;
	keep_detach();
	err = load(mem);
	if (err)
		keep_detach();
	return err;
}

int keep_attach_private(void)
{
	void *mem = mmap(NULL, KEEP_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	int err;

	if (mem == MAP_FAILED)
		return -errno;
	keep_detach();
	err = load(mem);
	if (err)
		keep_detach();
	return err;
}

void keep_detach(void)
{
	if (header)
		munmap(header, KEEP_SIZE);
	free(slots);
	slots = NULL;
	header = NULL;
	now = NULL;
	n_slots = used_slots = 0;
	live = tail = 0;
	pending = 0;
	failed = false;
	memset(per_kind, 0, sizeof(per_kind));
}

/* ---- transactions ---- */

static void enter(void)
{
	if (!depth++)
		pthread_mutex_lock(&lock);
}

static void leave(void)
{
	if (!--depth)
		pthread_mutex_unlock(&lock);
}

void keep_begin(void)
{
	enter();
}

int keep_end(void)
{
	int err = failed ? -ENOSPC : 0;
	uint64_t from, to;

	if (depth > 1) {	/* the outermost one commits */
		leave();
		return err;
	}
	if (failed) {
		tail = now->committed;
		failed = false;
	} else if (tail > now->committed) {
		from = now->committed;
		to = tail;
		__atomic_store_n(&now->committed, to, __ATOMIC_SEQ_CST);
		index_apply(from, to);
	}
	pending = 0;
	leave();
	return err;
}

int keep_put(enum keep_kind kind, uint64_t key, const void *data, size_t len)
{
	int err, end;

	keep_begin();
	err = append(kind, key, data, len, false);
	end = keep_end();
	return err ? err : end;
}

int keep_del(enum keep_kind kind, uint64_t key)
{
	int err = 0, end;

	keep_begin();
	if (find(kind, key))
		err = append(kind, key, NULL, 0, true);
	end = keep_end();
	return err ? err : end;
}

bool keep_get(enum keep_kind kind, uint64_t key, struct buf *out)
{
	const struct record *r;

	enter();
	r = find(kind, key);
	if (r)
		buf_add(out, r->data, r->len);
	leave();
	return r;
}

bool keep_get_struct(enum keep_kind kind, uint64_t key, void *out, size_t len)
{
	const struct record *r;
	bool found;

	enter();
	r = find(kind, key);
	found = r && r->len == len;
	if (found)
		memcpy(out, r->data, len);
	leave();
	return found;
}

bool keep_has(enum keep_kind kind, uint64_t key)
{
	bool found;

	enter();
	found = find(kind, key);
	leave();
	return found;
}

/* The keys of one kind, as they are now. A record of the transaction under way is seen when it is committed. */
static uint64_t *list_keys(enum keep_kind kind, uint32_t *n)
{
	uint64_t *keys = NULL;

	*n = 0;
	enter();
	if (per_kind[kind])
		keys = malloc(per_kind[kind] * sizeof(*keys));
	for (uint32_t i = 0; keys && i < n_slots; i++)
		if (slots[i].kind == kind)
			keys[(*n)++] = slots[i].key;
	leave();
	return keys;
}

int keep_each(enum keep_kind kind, int (*f)(uint64_t key, const void *data, size_t len, void *arg), void *arg)
{
	_cleanup_buf_ struct buf copy = BUF_INIT;
	uint64_t *keys;
	uint32_t n;
	int err = 0;

	keys = list_keys(kind, &n);
	for (uint32_t i = 0; i < n && !err; i++) {
		buf_reset(&copy);
		if (!keep_get(kind, keys[i], &copy))
			continue;
		err = buf_error(&copy);
		if (!err)
			err = f(keys[i], buf_str(&copy), copy.len, arg);
	}
	free(keys);
	return err;
}
