// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See calls.h. One thread waits for files that tell of filters and for the calls of all of them, and answers one after the other.
 *
 * A call that was received is nobody else's any more, and its caller cannot even be interrupted: so the kernel writes it into a file
 * that outlives us, and who comes after a killed server answers that one first. Callers wait in the kernel while there is no server.
 *
 * The caller is hostile. What is written goes to its memory only: /proc/TID/mem is opened first, then the kernel is asked
 * whether the caller still waits.
 */
#include "fs/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/intercept.h"
#include "backends/core/watch.h"
#include "fs/log.h"
#include "fs/shm.h"
#include "fs/sources.h"

#define FRESH_NS 3000000		/* what was found for the last call counts as long */
#define MASK_MAX 8192			/* bytes of a CPU mask; the kernel has fewer */
#define PID_IN_NAMESPACE _IOR(0xb7, 0x6, int)	/* ioctl of a pid namespace: our number of that pid of its; Linux 6.11 */

struct listener {
	struct listener *next;
	char name[32];			/* of its file */
	uint32_t id;			/* of the instance */
	int fd;
	uint64_t looked_ns;		/* when `info` was true */
	struct sysinfo info;
};

/* The file that outlives us. */
struct current {
	char listener[32];
	struct seccomp_notif call;	/* id 0: none */
};

static char dir[4200];
static int events = -1, names = -1;	/* epoll; inotify */
static struct current *current;
static struct listener *listeners;

/* ---- what the instance's files say ---- */

static bool read_file(uint32_t id, const char *path, struct buf *out)
{
	struct proc_place at;
	struct proc_source *s = sources_get(id);
	bool ok = s && !proc_find(path, &at) && proc_show(s, &at, out) == 0 && buf_error(out) == 0;

	if (s)
		sources_put();
	return ok;
}

/* "MemTotal:  123 kB" in bytes. */
static uint64_t field(const char *text, const char *name)
{
	const char *p = strstr(text, name);

	return p ? strtoull(p + strlen(name), NULL, 10) << 10 : 0;
}

static bool read_memory(uint32_t id, struct sysinfo *i)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *text;

	if (!read_file(id, "proc/meminfo", &b))
		return false;
	text = buf_str(&b);
	i->totalram = field(text, "MemTotal:");
	i->freeram = field(text, "MemFree:");
	i->sharedram = field(text, "Shmem:");
	i->bufferram = field(text, "Buffers:");
	i->totalswap = field(text, "SwapTotal:");
	i->freeswap = field(text, "SwapFree:");
	i->mem_unit = 1;
	return true;
}

static bool read_load(uint32_t id, struct sysinfo *i)
{
	_cleanup_buf_ struct buf b = BUF_INIT, up = BUF_INIT;
	double load[3];
	unsigned threads;

	if (!read_file(id, "proc/loadavg", &b) || !read_file(id, "proc/uptime", &up) ||
	    sscanf(buf_str(&b), "%lf %lf %lf %*u/%u", &load[0], &load[1], &load[2], &threads) != 4)
		return false;
	for (int n = 0; n < 3; n++)
		i->loads[n] = (unsigned long)(load[n] * (1 << SI_LOAD_SHIFT) + 0.5);
	i->procs = threads > UINT16_MAX ? UINT16_MAX : (uint16_t)threads;
	i->uptime = strtol(buf_str(&up), NULL, 10);
	return true;
}

/* How many CPUs they show; 0: nothing is known of the instance. */
static unsigned count_cpus(uint32_t id)
{
	struct proc_source *s = sources_get(id);
	unsigned n = s ? proc_cpu_count(s) : 0;

	if (s)
		sources_put();
	return n;
}

/* ---- the calls ---- */

/* Writes into the caller, who must still be waiting then. */
static int write_caller(const struct listener *l, const struct seccomp_notif *call, uint64_t address, const void *data, size_t len)
{
	_cleanup_close_ int mem = -1;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%u/mem", call->pid);
	mem = open(path, O_WRONLY | O_CLOEXEC);
	if (mem < 0 || ioctl(l->fd, SECCOMP_IOCTL_NOTIF_ID_VALID, &call->id) < 0)
		return -ESRCH;
	return address > INT64_MAX || pwrite(mem, data, len, (off_t)address) != (ssize_t)len ? -EFAULT : 0;
}

/* struct sysinfo of 32-bit programs. */
struct narrow_info {
	int32_t uptime;
	uint32_t loads[3], totalram, freeram, sharedram, bufferram, totalswap, freeswap;
	uint16_t procs, pad;
	uint32_t totalhigh, freehigh, mem_unit;
	char end[8];
};

static int write_narrow(const struct listener *l, const struct seccomp_notif *call)
{
	const struct sysinfo *i = &l->info;
	struct narrow_info n = { .uptime = (int32_t)i->uptime, .procs = i->procs };
	int shift = 0;

	/* As the kernel does: in greater units what does not fit. */
	while ((i->totalram >> shift | i->totalswap >> shift) > UINT32_MAX)
		shift++;
	for (int k = 0; k < 3; k++)
		n.loads[k] = (uint32_t)i->loads[k];
	n.totalram = (uint32_t)(i->totalram >> shift);
	n.freeram = (uint32_t)(i->freeram >> shift);
	n.sharedram = (uint32_t)(i->sharedram >> shift);
	n.bufferram = (uint32_t)(i->bufferram >> shift);
	n.totalswap = (uint32_t)(i->totalswap >> shift);
	n.freeswap = (uint32_t)(i->freeswap >> shift);
	n.mem_unit = 1U << shift;
	return write_caller(l, call, call->data.args[0] & UINT32_MAX, &n, sizeof(n));
}

/* 1: the kernel shall answer. */
static int do_sysinfo(struct listener *l, const struct seccomp_notif *call, bool narrow, int64_t *value)
{
	const uint64_t now = shm_clock();

	if (!l->looked_ns || now - l->looked_ns > FRESH_NS) {
		l->info = (struct sysinfo){ 0 };
		if (!read_memory(l->id, &l->info) || !read_load(l->id, &l->info))
			return 1;
		l->looked_ns = now;
	}
	return narrow ? write_narrow(l, call) : write_caller(l, call, call->data.args[0], &l->info, sizeof(l->info));
}

/* Our number of a thread that the caller names; 1: the kernel cannot tell. */
static int find_thread(const struct seccomp_notif *call, pid_t *ret)
{
	_cleanup_close_ int ns = -1;
	char path[64];
	const int wanted = (int)call->data.args[0];

	*ret = (pid_t)call->pid;
	if (!wanted)
		return 0;
	snprintf(path, sizeof(path), "/proc/%u/ns/pid", call->pid);
	ns = open(path, O_RDONLY | O_CLOEXEC);
	*ret = ns < 0 ? -1 : ioctl(ns, PID_IN_NAMESPACE, wanted);
	if (*ret > 0)
		return 0;
	return ns >= 0 && errno == ESRCH ? -ESRCH : 1;
}

/* The first ones of those that the thread may run on, as many as the files show: any of them can be chosen by sched_setaffinity(2). */
static int do_getaffinity(struct listener *l, const struct seccomp_notif *call, bool narrow, int64_t *value)
{
	unsigned char mask[MASK_MAX] = { 0 };
	const uint64_t len = call->data.args[1] & UINT32_MAX;
	unsigned left = count_cpus(l->id);
	pid_t thread;
	long size;
	int r = find_thread(call, &thread);

	if (r)
		return r;
	if (len % (narrow ? 4 : sizeof(long)) || !left)
		return 1;
	size = syscall(SYS_sched_getaffinity, thread, len < MASK_MAX ? (len + 7) & ~7UL : MASK_MAX, mask);
	if (size <= 0)
		return 1;
	for (unsigned i = 0; i < (unsigned)size * 8; i++)
		if (mask[i / 8] & 1 << i % 8 && !left)
			mask[i / 8] &= (unsigned char)~(1 << i % 8);
		else
			left -= mask[i / 8] >> i % 8 & 1;
	size = (uint64_t)size < len ? size : (long)len;
	r = write_caller(l, call, narrow ? call->data.args[2] & UINT32_MAX : call->data.args[2], mask, (size_t)size);
	*value = size;
	return r;
}

static const struct {
	uint32_t arch;
	int number;
	bool narrow;
	int (*f)(struct listener *l, const struct seccomp_notif *call, bool narrow, int64_t *value);
} calls[] = {
#if defined(__x86_64__)
	{ AUDIT_ARCH_X86_64, SYS_sysinfo, false, do_sysinfo }, { AUDIT_ARCH_X86_64, SYS_sched_getaffinity, false, do_getaffinity },
	{ AUDIT_ARCH_I386, 116, true, do_sysinfo }, { AUDIT_ARCH_I386, 242, true, do_getaffinity },
#elif defined(__aarch64__)
	{ AUDIT_ARCH_AARCH64, SYS_sysinfo, false, do_sysinfo }, { AUDIT_ARCH_AARCH64, SYS_sched_getaffinity, false, do_getaffinity },
	{ AUDIT_ARCH_ARM, 116, true, do_sysinfo }, { AUDIT_ARCH_ARM, 242, true, do_getaffinity },
#endif
};

static void answer(struct listener *l, const struct seccomp_notif *call)
{
	struct seccomp_notif_resp r = { .id = call->id };
	int64_t value = 0;
	int result = 1;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls) && result == 1; i++)
		if (calls[i].arch == call->data.arch && calls[i].number == call->data.nr)
			result = calls[i].f(l, call, calls[i].narrow, &value);
	if (result == 1)
		r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	else if (result < 0)
		r.error = result;
	else
		r.val = value;
	/* Fails when the caller was killed meanwhile. */
	ioctl(l->fd, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

static void receive(struct listener *l)
{
	memset(current, 0, sizeof(*current));
	memcpy(current->listener, l->name, sizeof(current->listener));
	if (ioctl(l->fd, SECCOMP_IOCTL_NOTIF_RECV, &current->call) == 0)
		answer(l, &current->call);
	current->call.id = 0;
}

/* ---- filters that come and go ---- */

static void drop(struct listener *l)
{
	struct listener **pp = &listeners;

	while (*pp != l)
		pp = &(*pp)->next;
	*pp = l->next;
	epoll_ctl(events, EPOLL_CTL_DEL, l->fd, NULL);
	close(l->fd);
	free(l);
}

/* A copy of what the keeper has, -1 when it ended. */
static int copy_of(const char *name, uint32_t *id)
{
	_cleanup_close_ int keeper = -1;
	_cleanup_buf_ struct buf b = BUF_INIT;
	unsigned long long start;
	char path[4300], rest;
	int pid, fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (sscanf(name, "%u.%d%c", id, &pid, &rest) != 2 || buf_read_file(&b, AT_FDCWD, path, 64) < 0 ||
	    sscanf(buf_str(&b), "%d %llu", &fd, &start) != 2)
		return -1;
	keeper = process_open(pid, start);
	if (keeper < 0) {
		unlink(path);
		return -1;
	}
	return (int)syscall(SYS_pidfd_getfd, keeper, fd, 0);
}

/* Twice would be one too many: only one of the two receives, and the other waits for ever. */
static bool is_new(const char *name)
{
	const struct listener *l = listeners;

	while (l && strcmp(l->name, name) != 0)
		l = l->next;
	return !l && strlen(name) < sizeof(l->name);
}

static void take(const char *name)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct listener *l = is_new(name) ? calloc(1, sizeof(*l)) : NULL;

	if (!l)
		return;
	snprintf(l->name, sizeof(l->name), "%s", name);
	l->fd = copy_of(name, &l->id);
	ev.data.ptr = l;
	if (l->fd < 0 || epoll_ctl(events, EPOLL_CTL_ADD, l->fd, &ev) < 0) {
		if (l->fd >= 0)
			close(l->fd);
		free(l);
		return;
	}
	l->next = listeners;
	listeners = l;
	if (current->call.id && !strcmp(current->listener, l->name)) {
		answer(l, &current->call);
		current->call.id = 0;
	}
}

static void take_new(void)
{
	char data[4096] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t n;

	while ((n = read(names, data, sizeof(data))) > 0)
		for (char *p = data; p < data + n; p += sizeof(struct inotify_event) + ((struct inotify_event *)p)->len)
			if (((struct inotify_event *)p)->len)
				take(((struct inotify_event *)p)->name);
}

static int take_all(void)
{
	_cleanup_dir_ DIR *d = opendir(dir);
	const struct dirent *de;

	while (d && (de = readdir(d)))
		if (*de->d_name >= '0' && *de->d_name <= '9')
			take(de->d_name);
	current->call.id = 0;
	return d ? 0 : -errno;
}

static void *serve(void *unused)
{
	struct epoll_event ev[16];

	for (;;) {
		int n = epoll_wait(events, ev, 16, -1);

		for (int i = 0; i < n; i++)
			if (!ev[i].data.ptr)
				take_new();
			else if (ev[i].events & EPOLLIN)
				receive(ev[i].data.ptr);
			else
				drop(ev[i].data.ptr);
	}
	return NULL;
}

static int map_current(void)
{
	_cleanup_close_ int fd = -1;
	char path[4300];
	void *p;

	snprintf(path, sizeof(path), "%s/.current", dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || ftruncate(fd, sizeof(*current)) < 0)
		return -errno;
	p = mmap(NULL, sizeof(*current), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	current = p;
	return 0;
}

int calls_start(const char *rundir)
{
	struct epoll_event ev = { .events = EPOLLIN };
	int r;

	snprintf(dir, sizeof(dir), "%s/" INTERCEPT_DIR, rundir);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	r = map_current();
	if (r)
		return r;
	events = epoll_create1(EPOLL_CLOEXEC);
	names = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (events < 0 || names < 0 || inotify_add_watch(names, dir, IN_MOVED_TO) < 0 || epoll_ctl(events, EPOLL_CTL_ADD, names, &ev) < 0)
		return -errno;
	r = take_all();
	return r ? r : watch_thread(serve, NULL);
}
