// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Requests, and what the next server must know about them.
 *
 * A request is in one of these places while the kernel waits for its answer: a slot (while its handler runs), or a record
 * KEEP_DEFERRED (answered later). A mutation that was begun has a record KEEP_REQUEST as well. With the journal, a small answer is
 * put into the slot before it is sent, so that a request that was answered is never carried out a second time; the order at the end is
 * therefore: answer into the slot, answer to the kernel, slot free, records gone. When the kernel re-sends by itself it knows what was
 * answered, and slots are only buffers.
 *
 * Records that a killed server left behind after the answer are swept by a later takeover (`settled`).
 */
#include "fs/request.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/keep.h"
#include "fs/log.h"

#define RESENT (1ULL << 63)		/* in `unique`, set by the kernel */
#define SETTLED_AFTER 10000		/* new requests, after which everything re-sent has been read and begun */
#define CRASHES_MAX 3

struct record {			/* KEEP_REQUEST */
	int32_t result;
	uint32_t generation;	/* of the server that saw the request last */
	uint64_t ino;
	uint32_t done;
	uint32_t pad;
};

static __thread struct {
	struct shm_slot *slot;
	const struct fuse_in_header *in;
	bool again;
	bool recorded, deferred;	/* there may be a KEEP_REQUEST, a KEEP_DEFERRED */
	bool mute;
} cur;

static uint64_t fresh;		/* requests without the resend bit that this server has read */

static struct fuse_in_header *header_of(struct shm_slot *s)
{
	return (struct fuse_in_header *)s->request;
}

void request_slot_free(struct shm_slot *s)
{
	__atomic_store_n(&header_of(s)->len, 0, __ATOMIC_SEQ_CST);
	__atomic_store_n(&s->reply_len, 0, __ATOMIC_SEQ_CST);
}

bool request_is_quick(const struct shm_slot *s)
{
	const struct fuse_in_header *in = (const void *)s->request;

	if (request_is_rootfs(in->nodeid))
		return false;
	switch (in->opcode) {
	case FUSE_OPEN:
		return (((const struct fuse_open_in *)(in + 1))->flags & O_ACCMODE) == O_RDONLY;
	case FUSE_RELEASE:
		return (((const struct fuse_release_in *)(in + 1))->flags & O_ACCMODE) == O_RDONLY;
	case FUSE_FORGET:
	case FUSE_BATCH_FORGET:
	case FUSE_INTERRUPT:
		return true;
	default:
		return false;
	}
}

bool request_journaled(void)
{
	return shm->options.takeover == TAKEOVER_JOURNAL || !shm->resend;
}

const void *request_body(size_t len)
{
	return cur.in && cur.in->len >= sizeof(*cur.in) + len ? cur.in + 1 : NULL;
}

void request_mute(bool on)
{
	cur.mute = on;
}

/* ---- for handlers ---- */

void request_caller(fuse_req_t req, struct caller *ret)
{
	const struct fuse_ctx *c = fuse_req_ctx(req);

	*ret = (struct caller){ .uid = c->uid, .gid = c->gid, .pid = c->pid };
	if (cur.in) {
		ret->unique = cur.in->unique & ~RESENT;
		ret->again = cur.again;
	}
}

static void record_put(uint64_t unique, const struct record *r)
{
	struct record v = *r;

	v.generation = shm ? shm->generation : 0;
	keep_put(KEEP_REQUEST, unique, &v, sizeof(v));
	if (cur.in && (cur.in->unique & ~RESENT) == unique)
		cur.recorded = true;
}

int request_seen(const struct caller *who, int *result, uint64_t *ino)
{
	struct record r;

	if (!who->unique || !who->again || !keep_get_struct(KEEP_REQUEST, who->unique, &r, sizeof(r)))
		return REQUEST_NEW;
	record_put(who->unique, &r);
	if (!r.done)
		return REQUEST_AGAIN;
	*result = r.result;
	*ino = r.ino;
	if (shm)
		__atomic_add_fetch(&shm->count.repeated, 1, __ATOMIC_RELAXED);
	return REQUEST_DONE;
}

int request_begin(const struct caller *who, int *result, uint64_t *ino)
{
	int seen = request_seen(who, result, ino);

	if (seen == REQUEST_NEW && who->unique)
		record_put(who->unique, &(struct record){ .done = 0 });
	return seen;
}

void request_result(const struct caller *who, int result, uint64_t ino)
{
	if (who->unique)
		record_put(who->unique, &(struct record){ .result = result, .ino = ino, .done = 1 });
}

void request_defer(fuse_req_t req, void (*cancel)(fuse_req_t req, void *arg), void *arg)
{
	cur.deferred = true;
	/* In the keep first, then no longer in the slot: whoever answers it does not know the slot. */
	if (cur.in && shm && request_journaled() && cur.in->len &&
	    !keep_put(KEEP_DEFERRED, cur.in->unique & ~RESENT, cur.in, cur.in->len) && cur.slot)
		request_slot_free(cur.slot);
	fuse_req_interrupt_func(req, cancel, arg);
}

void request_undefer(fuse_req_t req)
{
	fuse_req_interrupt_func(req, NULL, NULL);
}

/* ---- replies ---- */

static void forget_records(uint64_t unique)
{
	keep_begin();
	keep_del(KEEP_DEFERRED, unique);
	keep_del(KEEP_REQUEST, unique);
	keep_end();
}

static void save_reply(struct shm_slot *s, const struct iovec *iov, int count, uint32_t len)
{
	uint32_t at = 0;

	if (len > sizeof(s->reply))
		return;
	for (int i = 0; i < count; at += (uint32_t)iov[i++].iov_len)
		if (iov[i].iov_len)
			memcpy(s->reply + at, iov[i].iov_base, iov[i].iov_len);
	__atomic_store_n(&s->reply_len, len, __ATOMIC_SEQ_CST);
}

ssize_t request_reply(int fd, struct iovec *iov, int count, void *userdata)
{
	const struct fuse_out_header *h = iov[0].iov_base;
	const uint64_t unique = h->unique & ~RESENT;
	const bool own = cur.in && cur.in->unique == h->unique;
	ssize_t n;
	int err;

	if (cur.mute)
		return h->len;
	if (own && cur.slot && request_journaled())
		save_reply(cur.slot, iov, count, h->len);
	n = writev(fd, iov, count);
	err = errno;
	if (own && cur.slot)
		request_slot_free(cur.slot);
	if (!own || cur.again || cur.recorded || cur.deferred)
		forget_records(unique);
	errno = err;
	return n;
}

/* ---- requests that kill servers ---- */

static struct shm_suspect *suspect_find(uint64_t unique)
{
	for (int i = 0; i < SHM_SUSPECTS; i++)
		if (shm->suspects[i].unique == unique)
			return &shm->suspects[i];
	return NULL;
}

/* After a server died by its own fault: whoever was being handled is suspected; who was not is cleared. */
static void suspects_count(void)
{
	struct shm_suspect now[SHM_SUSPECTS] = { 0 };

	for (int i = 0; i < SHM_READERS && i < SHM_SUSPECTS; i++) {
		const struct fuse_in_header *in = header_of(&shm->slots[i]);
		struct shm_suspect *old;

		if (!in->len)
			continue;
		old = suspect_find(in->unique & ~RESENT);
		now[i].unique = in->unique & ~RESENT;
		now[i].crashes = old ? old->crashes + 1 : 1;
	}
	memcpy(shm->suspects, now, sizeof(now));
}

/* A request in whose hands three servers in a row crashed is answered with EIO instead of taking the whole tree down for good. */
static bool is_poison(const struct fuse_in_header *in)
{
	const struct shm_suspect *s = suspect_find(in->unique & ~RESENT);

	return s && s->crashes >= CRASHES_MAX;
}

static void refuse(void)
{
	struct fuse_out_header out = { .len = sizeof(out), .error = -EIO, .unique = cur.in->unique };
	struct iovec iov = { &out, sizeof(out) };

	log_error("a request (opcode %u, inode %llu, pid %u) crashed %d servers and was refused", cur.in->opcode,
		  (unsigned long long)cur.in->nodeid, cur.in->pid, CRASHES_MAX);
	__atomic_add_fetch(&shm->count.quarantined, 1, __ATOMIC_RELAXED);
	request_reply(FD_FUSE, &iov, 1, NULL);
}

/* ---- handling ---- */

/* The holder looks at our health only while there are requests: the first one after a pause tells it. */
static void tell_holder(uint32_t pid)
{
	const uint64_t one = 1;

	if (pid && pid == (uint32_t)__atomic_load_n(&shm->probe_pid, __ATOMIC_RELAXED))
		return;
	__atomic_add_fetch(&shm->count.requests, 1, __ATOMIC_RELAXED);
	if (shm->options.health && !__atomic_load_n(&shm->watched, __ATOMIC_RELAXED) &&
	    !__atomic_exchange_n(&shm->watched, 1, __ATOMIC_SEQ_CST) && write(FD_KICK, &one, sizeof(one)) < 0)
		log_warning("the holder cannot be told: %s", strerror(errno));
}

static void note_unique(void)
{
	if (cur.in->unique & RESENT)
		__atomic_add_fetch(&shm->count.resent, 1, __ATOMIC_RELAXED);
	else if (!cur.again && __atomic_add_fetch(&fresh, 1, __ATOMIC_RELAXED) == SETTLED_AFTER)
		shm->settled = shm->generation;
}

static void handle(struct fuse_session *se, const struct fuse_in_header *in, struct shm_slot *slot, bool again)
{
	struct fuse_buf b = { .mem = (void *)(uintptr_t)in, .size = in->len };

	cur.in = in;
	cur.slot = slot;
	cur.again = again || in->unique & RESENT;
	cur.recorded = cur.deferred = false;
	note_unique();
	tell_holder(in->pid);
	if (cur.again && is_poison(in))
		refuse();
	else
		fuse_session_process_buf(se, &b);
	if (slot)
		request_slot_free(slot);
	cur.in = NULL;
	cur.slot = NULL;
}

void request_handle(struct fuse_session *se, struct shm_slot *slot)
{
	handle(se, header_of(slot), slot, false);
}

/* ---- takeover ---- */

static int sweep(uint64_t unique, const void *data, size_t len, void *arg)
{
	const struct record *r = data;

	if (len != sizeof(*r) || r->generation < shm->settled)
		keep_del(KEEP_REQUEST, unique);
	return 0;
}

void request_takeover(void)
{
	if (shm->crashed)
		suspects_count();
	keep_each(KEEP_REQUEST, sweep, NULL);
}

/* The answer was decided by the last server; whether it was sent, the kernel knows: it says ENOENT to a second one. */
static void finish_reply(struct shm_slot *s)
{
	if (write(FD_FUSE, s->reply, s->reply_len) < 0 && errno != ENOENT)
		log_warning("an answer was not taken: %s", strerror(errno));
	request_slot_free(s);
	forget_records(header_of(s)->unique & ~RESENT);
}

void request_replay_slot(struct fuse_session *se, struct shm_slot *slot)
{
	const struct fuse_in_header *in = header_of(slot);

	if (!request_journaled() || !in->len || in->len > sizeof(slot->request)) {
		request_slot_free(slot);
		return;
	}
	__atomic_add_fetch(&shm->count.replayed, 1, __ATOMIC_RELAXED);
	if (slot->reply_len && slot->reply_len <= sizeof(slot->reply))
		finish_reply(slot);
	else if (keep_has(KEEP_DEFERRED, in->unique & ~RESENT))
		request_slot_free(slot);
	else
		handle(se, in, slot, true);
}

static int replay_deferred(uint64_t unique, const void *data, size_t len, void *arg)
{
	const struct fuse_in_header *in = data;

	if (len < sizeof(*in) || in->len != len) {
		keep_del(KEEP_DEFERRED, unique);
		return 0;
	}
	__atomic_add_fetch(&shm->count.replayed, 1, __ATOMIC_RELAXED);
	handle(arg, in, NULL, true);
	return 0;
}

void request_replay_deferred(struct fuse_session *se)
{
	if (request_journaled())
		keep_each(KEEP_DEFERRED, replay_deferred, se);
}
