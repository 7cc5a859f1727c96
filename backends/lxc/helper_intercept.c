// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The filter that hands system calls to the view server (backends/core/intercept.h), and the process that keeps its descriptor.
 *
 * liblxc could do both: its monitor would forward each call to a socket and back, one after the other, and answer ENOSYS when nobody
 * listens there; what attaches would not start without that socket. A filter of our own, installed before liblxc starts or attaches
 * anything and inherited, has the server asked directly, and callers wait while there is none. Of two filters the kernel takes the
 * stricter answer: what a policy denies stays denied. A task can be under one such filter only, so that containers inside
 * cannot have their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/close_range.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/intercept.h"
#include "backends/core/watch.h"
#include "backends/lxc/helper.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV		/* Linux 5.19 */
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif

#if defined(__x86_64__)
#define ARCH_OWN AUDIT_ARCH_X86_64
#define ARCH_NARROW AUDIT_ARCH_I386
#elif defined(__aarch64__)
#define ARCH_OWN AUDIT_ARCH_AARCH64
#define ARCH_NARROW AUDIT_ARCH_ARM
#else
#define ARCH_OWN 0
#define ARCH_NARROW 0
#endif

/* Those of 32-bit programs are the same on i386 and arm. */
static const struct {
	uint32_t own, narrow;
} numbers[INTERCEPT_CALLS] = {
	[INTERCEPT_SYSINFO] = { SYS_sysinfo, 116 },
	[INTERCEPT_SCHED_GETAFFINITY] = { SYS_sched_getaffinity, 242 },
};

struct wish {
	unsigned id;
	bool calls[INTERCEPT_CALLS];
};

/* ---- the filter ---- */

static unsigned add_calls(struct sock_filter *code, const struct wish *w, bool narrow)
{
	unsigned n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
	for (int i = 0; i < INTERCEPT_CALLS; i++) {
		if (!w->calls[i])
			continue;
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, narrow ? numbers[i].narrow : numbers[i].own, 0, 1);
		code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF);
	}
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	return n;
}

/* The descriptor, or -errno. */
static int install(const struct wish *w)
{
	struct sock_filter own[2 + 2 * INTERCEPT_CALLS], narrow[2 + 2 * INTERCEPT_CALLS], code[8 + 4 * INTERCEPT_CALLS];
	const unsigned n_own = add_calls(own, w, false), n_narrow = add_calls(narrow, w, true);
	struct sock_fprog program = { .filter = code };
	unsigned n = 0;
	long fd;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH_OWN, 0, (uint8_t)n_own);
	memcpy(code + n, own, n_own * sizeof(*code));
	n += n_own;
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCH_NARROW, 0, (uint8_t)n_narrow);
	memcpy(code + n, narrow, n_narrow * sizeof(*code));
	n += n_narrow;
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	program.len = (unsigned short)n;
	/* So that signals do not interrupt a call that is being answered. */
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		     &program);
	if (fd < 0 && errno == EINVAL)
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &program);
	return fd < 0 ? -errno : (int)fd;
}

/* ---- the keeper ---- */

/* Name and, with a dot before it, what it is called until it is complete. */
static int announce(const char *dir, const struct wish *w, int fd, char *path, size_t size)
{
	char text[64], new[600];
	_cleanup_close_ int file = -1;
	int n = snprintf(text, sizeof(text), "%d %llu\n", fd, (unsigned long long)process_start_time(getpid()));

	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return -errno;
	snprintf(path, size, "%s/%u.%d", dir, w->id, (int)getpid());
	snprintf(new, sizeof(new), "%s/.%u.%d", dir, w->id, (int)getpid());
	file = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (file < 0 || write(file, text, (size_t)n) != n || rename(new, path) < 0)
		return -errno;
	return 0;
}

/* Nothing of what the helper has open may stay open for its sake. */
static int only_these(int socket, int fd)
{
	int low = socket < fd ? socket : fd, high = socket < fd ? fd : socket, null = open("/dev/null", O_RDWR);

	for (int i = 0; null >= 0 && i < 3; i++)
		dup2(null, i);
	if (low > 3)
		close_range(3, (unsigned)low - 1, 0);
	if (high > low + 1)
		close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	return close_range((unsigned)high + 1, ~0U, 0);
}

/* socket: the helper tells its descriptor and hears how it went. Ends with the last task under the filter. */
static void keep(const struct helper *h, const struct wish *w, pid_t helper, int socket)
{
	const int pidfd = (int)syscall(SYS_pidfd_open, helper, 0);
	struct pollfd p = { .events = 0 };
	char dir[500], path[600];
	int number, r;

	if (recv(socket, &number, sizeof(number), 0) != sizeof(number))
		_exit(0);
	p.fd = (int)syscall(SYS_pidfd_getfd, pidfd, number, 0);
	r = p.fd < 0 ? -errno : 0;
	snprintf(dir, sizeof(dir), "%s/../" INTERCEPT_DIR, h->dir);
	if (!r && only_these(socket, p.fd) < 0)
		r = -errno;
	if (!r)
		r = announce(dir, w, p.fd, path, sizeof(path));
	send(socket, &r, sizeof(r), MSG_NOSIGNAL);
	close(socket);
	while (!r && !(p.revents & (POLLHUP | POLLERR | POLLNVAL)))
		poll(&p, 1, -1);
	if (!r)
		unlink(path);
	_exit(r != 0);
}

/* Nobody's child: what liblxc waits for, and what the server looks for below a monitor, are children. Our end of its socket. */
static int start_keeper(const struct helper *h, const struct wish *w)
{
	const pid_t self = getpid();
	int pair[2], status;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	pid = fork();
	if (!pid) {
		setsid();
		pid = fork();
		if (pid)
			_exit(pid < 0);
		close(pair[0]);
		helper_title("[instfs calls] %s", h->name);
		keep(h, w, self, pair[1]);
	}
	close(pair[1]);
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || status) {
		close(pair[0]);
		return -ECHILD;
	}
	return pair[0];
}

/* ---- ---- */

/* False: nothing is wanted. */
static bool read_wish(const struct helper *h, struct wish *w)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[600], *end;

	snprintf(path, sizeof(path), "%s/%s/" INTERCEPT_FILE, h->dir, h->name);
	if (buf_read_file(&b, AT_FDCWD, path, 256) < 0)
		return false;
	w->id = (unsigned)strtoul(buf_str(&b), &end, 10);
	for (int i = 0; i < INTERCEPT_CALLS; i++)
		w->calls[i] = strstr(end, intercept_name((enum intercept_call)i));
	return true;
}

int helper_intercept(const struct helper *h)
{
	_cleanup_close_ int socket = -1, fd = -1;
	struct wish w;
	int r;

	if (!read_wish(h, &w))
		return 0;
	socket = start_keeper(h, &w);
	if (socket < 0)
		return socket;
	fd = install(&w);
	if (fd < 0)
		return fd;
	if (send(socket, &fd, sizeof(fd), MSG_NOSIGNAL) != sizeof(fd) || recv(socket, &r, sizeof(r), 0) != sizeof(r))
		return -EPIPE;
	return r;
}
