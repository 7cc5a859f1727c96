// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The server's session: libfuse decodes, we read and write.
 *
 * INIT is answered once in the life of a mount. Its bytes stay in the shared memory; a later server lets libfuse see them again, so that it
 * knows what was agreed, and swallows the answer. What INIT is told must therefore never depend on the version of the program:
 * max_write and the capabilities are those of SHM_VERSION.
 *
 * Threads: readers (one per slot), and the guard, which waits for the holder to die. None ever waits for another, except that most
 * readers rest while two can take what comes.
 */
#include "fs/session.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "fs/guard.h"
#include "fs/log.h"
#include "fs/notify.h"
#include "fs/request.h"
#include "fs/ring.h"
#include "fs/shm.h"

/* Locked in memory, therefore small; sanitizers need more. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STACK_SIZE (1u << 20)
#else
#define STACK_SIZE (256u << 10)
#endif
#define FLAGS2_RESEND (1u << 7)		/* FUSE_HAS_RESEND, bit 39, in flags2 */
#ifndef FUSE_NOTIFY_RESEND
#define FUSE_NOTIFY_RESEND 7
#endif

static struct fuse_session *session;
static const struct session_class *class;

const struct session_options *session_options(void)
{
	static struct session_options o;

	if (shm && !o.mountpoint)
		o = (struct session_options){
			.mountpoint = shm->options.mountpoint,
			.read_only = shm->options.read_only,
			.allow_other = shm->options.allow_other,
			.owner = shm->options.owner,
		};
	return &o;
}

/* ---- INIT ---- */

static bool without_opendir;

bool session_without_opendir(void)
{
	return without_opendir;
}

static void on_init(void *userdata, struct fuse_conn_info *c)
{
	without_opendir = c->capable & FUSE_CAP_NO_OPENDIR_SUPPORT;
	/* The kernel refuses reads into buffers below max_write: never another number while a mount lives. */
	c->max_write = SHM_MAX_WRITE;
	c->max_background = 64;
	c->congestion_threshold = 48;
	c->time_gran = 1;
	c->want = c->capable & class->caps;
}

static void note_resend(void)
{
	const struct fuse_in_header *h = (void *)shm->init;
	const struct fuse_init_in *in = (void *)(h + 1);

	shm->resend = h->len >= sizeof(*h) + sizeof(*in) && in->flags & (1u << 30) && in->flags2 & FLAGS2_RESEND;
}

/*
 * The kernel insists on a large buffer even for this small message; and a slot keeps it when we are killed right behind the read. Our
 * copy counts once its first word, the length, is there.
 */
static int read_init(struct err *e)
{
	const struct fuse_in_header *in = (void *)shm->slots[0].request;
	ssize_t n = in->len;

	while (!in->len) {
		n = read(FD_FUSE, shm->slots[0].request, sizeof(shm->slots[0].request));
		if (n < 0 && errno != EINTR)
			return err_sys(e, errno, "the kernel does not begin");
	}
	if ((size_t)n > sizeof(shm->init) || in->opcode != FUSE_INIT)
		return err_set(e, EPROTO, "the kernel begins with opcode %u of %zd bytes", in->opcode, n);
	memcpy(shm->init + sizeof(in->len), &in->opcode, in->len - sizeof(in->len));
	__atomic_store_n((uint32_t *)shm->init, in->len, __ATOMIC_SEQ_CST);
	return 0;
}

static int start_init(struct err *e)
{
	struct fuse_in_header *h = (void *)shm->init;
	struct fuse_buf b = { .mem = shm->init };
	int r = h->len ? 0 : read_init(e);

	if (r)
		return r;
	note_resend();
	request_mute(shm->init_done);
	b.size = h->len;
	fuse_session_process_buf(session, &b);
	request_mute(false);
	if (fuse_session_exited(session))
		return err_set(e, EPROTO, "the kernel and libfuse do not agree about the protocol");
	shm->init_done = 1;
	return 0;
}

/* ---- readers ---- */

/*
 * The kernel gives a request to the reader that has waited longest. Were all of them waiting there, they would take turns, each on
 * a processor that knows nothing of it any more; and waking one costs more than most answers. So one waits in the kernel while
 * there is nothing but what is answered from memory, else two, and the others here until both are at work on something longer.
 * The counts are changed without the lock: who finds that enough read rests, and who leaves nobody reading takes the lock to say so,
 * behind the resting one's look at the count.
 */
#define READING_MAX 2
#define QUICK_RUN 32		/* so many quick requests in a row: one reader is enough */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t needed;
	atomic_int reading, quick;
	int resting;
	atomic_bool over;
} crew = { .lock = PTHREAD_MUTEX_INITIALIZER, .needed = PTHREAD_COND_INITIALIZER };

static bool may_read(void)
{
	const int max = atomic_load(&crew.quick) < QUICK_RUN ? READING_MAX : 1;
	int n = atomic_load(&crew.reading);

	while (n < max || atomic_load(&crew.over))
		if (atomic_compare_exchange_weak(&crew.reading, &n, n + 1))
			return true;
	return false;
}

static void begin_reading(void)
{
	if (may_read())
		return;
	HOLD_LOCK(&crew.lock);
	crew.resting++;
	while (!may_read())
		pthread_cond_wait(&crew.needed, &crew.lock);
	crew.resting--;
}

static void end_reading(bool quick)
{
	if (!quick)
		atomic_store(&crew.quick, 0);
	else if (atomic_load(&crew.quick) < QUICK_RUN)
		atomic_fetch_add(&crew.quick, 1);
	if (atomic_fetch_sub(&crew.reading, 1) > 1 || quick)
		return;
	HOLD_LOCK(&crew.lock);
	if (crew.resting)
		pthread_cond_signal(&crew.needed);
}

/* There is nothing to read any more: the others are to see that as well. */
static void dismiss_crew(void)
{
	HOLD_LOCK(&crew.lock);

	atomic_store(&crew.over, true);
	pthread_cond_broadcast(&crew.needed);
}

static void *reader(void *arg)
{
	struct shm_slot *s = arg;
	ssize_t n;

	request_replay_slot(session, s);
	for (;;) {
		request_slot_free(s);
		begin_reading();
		n = read(FD_FUSE, s->request, sizeof(s->request));
		end_reading(n > 0 && request_is_quick(s));
		if (n > 0)
			request_handle(session, s);
		else if (n < 0 && errno != EINTR && errno != EAGAIN && errno != ENOENT)
			break;
	}
	if (errno != ENODEV && errno != ECONNABORTED)
		log_error("/dev/fuse: %s", strerror(errno));
	dismiss_crew();
	__atomic_store_n(&shm->state, SHM_UNMOUNTED, __ATOMIC_SEQ_CST);
	return NULL;
}

static int start_reader(pthread_t *t, struct shm_slot *s)
{
	pthread_attr_t a;
	void *stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_POPULATE, -1, 0);
	int r;

	if (stack == MAP_FAILED)
		return errno;
	mlock(stack, STACK_SIZE);
	pthread_attr_init(&a);
	pthread_attr_setstack(&a, stack, STACK_SIZE);
	r = pthread_create(t, &a, reader, s);
	pthread_attr_destroy(&a);
	return r;
}

static void tell_ready(void)
{
	const uint64_t one = 1;

	shm->ready_ns = shm_clock();
	__atomic_store_n(&shm->state, SHM_RUNNING, __ATOMIC_SEQ_CST);
	__atomic_store_n(&shm->ready, shm->generation, __ATOMIC_SEQ_CST);
	if (write(FD_KICK, &one, sizeof(one)) < 0)
		log_warning("the holder cannot be told: %s", strerror(errno));
}

/* libfuse wants one; our readers do without. */
static ssize_t read_request(int fd, void *buf, size_t len, void *userdata)
{
	return read(fd, buf, len);
}

static int make_session(struct err *e)
{
	static const struct fuse_custom_io io = { .writev = request_reply, .read = read_request };
	struct fuse_lowlevel_ops ops = *class->ops;
	char *argv[] = { "instfs", shm->options.debug ? "-d" : NULL, NULL };
	struct fuse_args args = FUSE_ARGS_INIT(shm->options.debug ? 2 : 1, argv);

	ops.init = on_init;
	session = fuse_session_new(&args, &ops, sizeof(ops), NULL);
	fuse_opt_free_args(&args);
	if (!session)
		return err_set(e, ENOMEM, "libfuse makes no session");
	if (fuse_session_custom_io(session, &io, FD_FUSE) < 0)
		return err_set(e, EINVAL, "libfuse does not take the descriptor");
	return 0;
}

/* Gets back what was under way. The kernel re-sends to whoever reads next; the slots are each their reader's. */
static void recover(bool first)
{
	int r;

	if (first)
		return;
	r = request_journaled() ? 0 : notify_send(FUSE_NOTIFY_RESEND, NULL, 0, NULL);
	if (r)
		log_warning("the kernel does not re-send requests: %s", strerror(-r));
	request_replay_deferred(session);
}

int session_run(const struct session_class *c, struct err *e)
{
	const bool first = !shm->init_done;
	pthread_t threads[SHM_READERS];
	int n = 0, r;

	class = c;
	r = make_session(e);
	if (r)
		return r;
	r = start_init(e);
	if (r)
		return r;
	request_takeover();
	poll_load();
	ring_kick(&shm->notify);
	ring_kick(&shm->touch);
	if (guard_start())
		log_warning("nobody watches the holder: %s", strerror(errno));
	recover(first);
	for (; n < class->readers; n++) {
		r = start_reader(&threads[n], &shm->slots[n]);
		if (r)
			break;
	}
	if (n < class->readers)
		return err_sys(e, r, "threads");
	tell_ready();
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
