// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Starting programs: see spawn.h. The child shares the server's memory until it executes, on a stack of its own, while the caller
 * waits on a socket pair (the gate). It therefore makes raw system calls only and writes to nothing but its own frame: even the
 * C library's wrappers would be wrong for some (setresuid() reaches for all threads) and unknown to the sanitizers for others.
 */
#include "backends/core/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/watch.h"

#define STACK_SIZE ((size_t)64 << 10)
#define FDS_MAX 32
#define ERR_TAIL 4096
#define TICK_MS 500

/* In the child: on its own stack, not in memory that a sanitizer watches for this thread. */
#define CHILD __attribute__((no_sanitize("address", "thread", "undefined"), noinline))

/* The thread sanitizer knows of clone() as a fork only. */
#if defined(__SANITIZE_THREAD__)
#define SHARED_MEMORY 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SHARED_MEMORY 0
#endif
#endif
#ifndef SHARED_MEMORY
#define SHARED_MEMORY CLONE_VM
#endif

#ifndef INSTFS_LIBEXECDIR
#define INSTFS_LIBEXECDIR "/usr/libexec/instfs"
#endif

enum step { STEP_NONE, STEP_FDS, STEP_CWD, STEP_NAMESPACE, STEP_USER, STEP_LIMIT, STEP_PRIVS, STEP_EXEC };

static const char *const step_words[] = {
	[STEP_NONE] = "waiting for the program", [STEP_FDS] = "arranging descriptors", [STEP_CWD] = "changing the directory",
	[STEP_NAMESPACE] = "entering namespaces", [STEP_USER] = "becoming its user", [STEP_LIMIT] = "setting limits",
	[STEP_PRIVS] = "giving up privileges", [STEP_EXEC] = "executing it",
};

struct report {
	int step;
	int code;
};

/*
 * What the child needs, computed before it exists. Descriptors: slot 0 is its end of the gate, then those of the program, then
 * the ones needed until exec. The memory is shared with the child, which notes in tmp where it has put them meanwhile.
 */
struct plan {
	const struct spawn *s;
	const char *const *envp;
	int src[FDS_MAX], dst[FDS_MAX], tmp[FDS_MAX];
	bool keep[FDS_MAX];		/* over exec */
	size_t n;
	int above;			/* greater than all of dst */
	int gate, exe, userns;		/* numbers in the child, -1: none */
	char *stack;
};

static const char *const default_env[] = {
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C", NULL,
};

CHILD static void child_fail(int gate, enum step step)
{
	struct report r = { .step = step, .code = errno };

	syscall(SYS_write, gate, &r, sizeof(r));
	syscall(SYS_exit_group, 127);
}

CHILD static void child_signals(void)
{
	uint64_t dfl[8] = { 0 };

	for (int sig = 1; sig < 65; sig++)
		syscall(SYS_rt_sigaction, sig, dfl, NULL, sizeof(uint64_t));
}

/*
 * Everything is moved above all targets first, so that no target is overwritten before it was used as a source. What remains is
 * closed at once, not at exec: a sibling that waits at its gate must not keep the other end of ours open.
 */
CHILD static void child_fds(struct plan *p)
{
	size_t i;

	for (i = 0; i < p->n; i++) {
		p->tmp[i] = syscall(SYS_fcntl, p->src[i], F_DUPFD_CLOEXEC, p->above);
		if (p->tmp[i] < 0)
			child_fail(i ? p->tmp[0] : p->src[0], STEP_FDS);
	}
	syscall(SYS_close_range, 0, p->above - 1, 0);
	for (i = 0; i < p->n; i++)
		if (syscall(SYS_dup3, p->tmp[i], p->dst[i], p->keep[i] ? 0 : O_CLOEXEC) < 0)
			child_fail(p->tmp[0], STEP_FDS);
	if (syscall(SYS_close_range, p->above, ~0u, 0) < 0)
		child_fail(p->gate, STEP_FDS);
}

CHILD static enum step child_namespaces(const struct spawn *s, int userns)
{
	if (userns >= 0) {
		if (syscall(SYS_setns, userns, CLONE_NEWUSER) < 0)
			return STEP_NAMESPACE;
		if (s->namespaces && syscall(SYS_unshare, s->namespaces) < 0)
			return STEP_NAMESPACE;
	}
	if (userns >= 0 || (s->namespaces & CLONE_NEWUSER)) {
		if (syscall(SYS_setgroups, 0, NULL) < 0 || syscall(SYS_setresgid, 0, 0, 0) < 0 || syscall(SYS_setresuid, 0, 0, 0) < 0)
			return STEP_USER;
	}
	return STEP_NONE;
}

CHILD static enum step child_limits(const struct spawn *s)
{
	for (size_t i = 0; i < s->n_limits; i++) {
		uint64_t lim[2] = { s->limits[i].value, s->limits[i].value };

		if (syscall(SYS_prlimit64, 0, s->limits[i].resource, lim, NULL) < 0)
			return STEP_LIMIT;
	}
	if (s->no_new_privs && syscall(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return STEP_PRIVS;
	if (s->die_with_server && syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return STEP_PRIVS;
	return STEP_NONE;
}

CHILD static int child_main(void *arg)
{
	struct plan *p = arg;
	const struct spawn *s = p->s;
	uint64_t none = 0;
	enum step step;
	char go;

	child_signals();
	child_fds(p);
	if (syscall(SYS_read, p->gate, &go, 1) != 1)
		syscall(SYS_exit_group, 127);
	if (s->session)
		syscall(SYS_setsid);
	if (syscall(SYS_chdir, s->cwd ? s->cwd : "/") < 0)
		child_fail(p->gate, STEP_CWD);
	step = child_namespaces(s, p->userns);
	if (step == STEP_NONE)
		step = child_limits(s);
	if (step != STEP_NONE)
		child_fail(p->gate, step);
	syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, sizeof(none));
	if (p->exe >= 0)
		syscall(SYS_execveat, p->exe, "", s->argv, p->envp, AT_EMPTY_PATH);
	else
		syscall(SYS_execve, s->path, s->argv, p->envp);
	child_fail(p->gate, STEP_EXEC);
	return 127;
}

static void plan_add(struct plan *p, int src, int dst, bool keep)
{
	p->src[p->n] = src;
	p->dst[p->n] = dst;
	p->keep[p->n++] = keep;
	if (dst >= p->above)
		p->above = dst + 1;
}

static int plan_make(struct plan *p, const struct spawn *s, int gate, int null, int exe, struct err *e)
{
	if (s->n_fds > FDS_MAX - 6)
		return err_set(e, E2BIG, "%s: more than %d descriptors to pass", s->path, FDS_MAX - 6);
	*p = (struct plan) { .s = s, .envp = s->envp ? s->envp : default_env, .exe = -1, .userns = -1 };
	p->above = 3;
	for (size_t i = 0; i < s->n_fds; i++)
		if (s->fds[i].as >= p->above)
			p->above = s->fds[i].as + 1;
	p->gate = p->above;
	plan_add(p, gate, p->gate, false);
	plan_add(p, s->in > 0 ? s->in : null, 0, true);
	plan_add(p, s->out > 0 ? s->out : null, 1, true);
	plan_add(p, s->err > 0 ? s->err : null, 2, true);
	for (size_t i = 0; i < s->n_fds; i++)
		plan_add(p, s->fds[i].fd, s->fds[i].as, true);
	if (exe >= 0) {
		p->exe = p->above;
		plan_add(p, exe, p->exe, false);
	}
	if (s->userns > 0) {
		p->userns = p->above;
		plan_add(p, s->userns, p->userns, false);
	}
	return 0;
}

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);

	if (fd < 0)
		return -errno;
	return write(fd, text, len) == (ssize_t)len ? 0 : -errno;
}

static int write_map(pid_t pid, const char *which, const char *map, struct err *e)
{
	char path[64];
	int r;

	if (!map)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, which);
	r = write_file(path, map);
	return r < 0 ? err_sys(e, -r, "writing %s of the new user namespace", which) : 0;
}

/* From outside: the child waits. A hierarchy where it cannot be made (no controller, no right) is no reason to fail. */
static void enter_cgroups(pid_t pid, const char *const *dirs)
{
	char path[PATH_MAX], text[16];

	snprintf(text, sizeof(text), "%d", (int)pid);
	for (; dirs && *dirs; dirs++) {
		if (mkdir(*dirs, 0755) < 0 && errno != EEXIST)
			continue;
		snprintf(path, sizeof(path), "%s/cgroup.procs", *dirs);
		(void)write_file(path, text);
	}
}

static int prepare_child(const struct spawn *s, const struct spawned *c, struct err *e)
{
	int r;

	if (s->namespaces & CLONE_NEWUSER) {
		r = write_map(c->pid, "uid_map", s->uid_map, e);
		if (r == 0)
			r = write_map(c->pid, "gid_map", s->gid_map, e);
		if (r < 0)
			return r;
	}
	enter_cgroups(c->pid, s->cgroups);
	if (s->born && s->born(c->pid, c->start_time, s->born_arg) != 0)
		return err_set(e, ECANCELED, "%s: its record could not be kept", s->path);
	return 0;
}

/* Opens the gate; the socket is closed by exec or carries the reason why there was none. */
static int run_child(const struct spawn *s, int gate, struct err *e)
{
	struct report r;
	ssize_t n;

	if (send(gate, "g", 1, MSG_NOSIGNAL) != 1)
		return err_sys(e, errno, "%s: the new process is gone", s->path);
	do
		n = read(gate, &r, sizeof(r));
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return 0;
	if (n != sizeof(r) || r.step < 0 || r.step > STEP_EXEC)
		return err_set(e, EIO, "%s: the new process failed without telling why", s->path);
	return err_sys(e, r.code, "%s: %s", s->path, step_words[r.step]);
}

static int make_child(struct plan *p, struct spawned *ret, struct err *e)
{
	unsigned flags = SHARED_MEMORY | CLONE_PIDFD | SIGCHLD;
	sigset_t all, old;
	int code;

	if (p->userns < 0)
		flags |= p->s->namespaces;
	p->stack = mmap(NULL, STACK_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (p->stack == MAP_FAILED)
		return err_sys(e, ENOMEM, "%s: no memory for a new process", p->s->path);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	ret->pid = clone(child_main, p->stack + STACK_SIZE, flags, p, &ret->pidfd);
	code = errno;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (ret->pid < 0) {
		munmap(p->stack, STACK_SIZE);
		return err_sys(e, code, "%s: no new process", p->s->path);
	}
	ret->start_time = process_start_time(ret->pid);
	return 0;
}

static void kill_child(struct spawned *c)
{
	process_signal(c->pidfd, SIGKILL);
	while (waitid(P_PIDFD, c->pidfd, &(siginfo_t) { 0 }, WEXITED) < 0 && errno == EINTR)
		;
	close(steal_fd(&c->pidfd));
}

int spawn_start(const struct spawn *s, struct spawned *ret, struct err *e)
{
	_cleanup_close_ int null = -1, exe = -1, mine = -1, theirs = -1;
	struct spawned child;
	struct plan p;
	int pair[2], r;

	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0)
		return err_sys(e, errno, "/dev/null");
	if (s->userns > 0 || (s->namespaces & CLONE_NEWUSER)) {
		/* The program's directory may be closed to the ids that the child will have. */
		exe = open(s->path, O_PATH | O_CLOEXEC);
		if (exe < 0)
			return err_sys(e, errno, "%s", s->path);
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, errno, "%s: no socket pair", s->path);
	mine = pair[0];
	theirs = pair[1];
	r = plan_make(&p, s, theirs, null, exe, e);
	if (r == 0)
		r = make_child(&p, &child, e);
	if (r < 0)
		return r;
	close(steal_fd(&theirs));
	r = prepare_child(s, &child, e);
	if (r == 0)
		r = run_child(s, mine, e);
	if (r < 0)
		kill_child(&child);
	else
		*ret = child;
	munmap(p.stack, STACK_SIZE);
	return r;
}

int spawn_reap(int pidfd, int *status)
{
	siginfo_t si = { 0 };

	while (waitid(P_PIDFD, pidfd, &si, WEXITED) < 0)
		if (errno != EINTR)
			return -errno;
	if (si.si_code == CLD_EXITED)
		*status = (si.si_status & 0xff) << 8;
	else
		*status = (si.si_status & 0x7f) | (si.si_code == CLD_DUMPED ? 0x80 : 0);
	return 0;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Keeps the last ERR_TAIL bytes: the reason stands at the end. */
static void tail_read(int *fd, struct buf *tail)
{
	char chunk[1024];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n <= 0) {
		if (n == 0 || (errno != EAGAIN && errno != EINTR))
			close(steal_fd(fd));
		return;
	}
	buf_add(tail, chunk, n);
	if (tail->len > ERR_TAIL) {
		memmove(tail->data, tail->data + tail->len - ERR_TAIL, ERR_TAIL);
		buf_resize(tail, ERR_TAIL);
	}
}

/* Until the program ended; grandchildren may hold its error output open for longer, nobody waits for them. */
static int wait_child(const struct spawn *s, const struct spawned *child, int *errfd, struct buf *tail, int timeout_ms)
{
	int64_t end = now_ms() + timeout_ms, tick = now_ms() + TICK_MS;

	for (;;) {
		struct pollfd p[2] = { { .fd = child->pidfd, .events = POLLIN }, { .fd = *errfd, .events = POLLIN } };
		int64_t left = timeout_ms < 0 ? -1 : end - now_ms();

		if (timeout_ms >= 0 && left <= 0)
			return -ETIMEDOUT;
		if (s->tick && now_ms() >= tick) {
			s->tick(child->pid, s->tick_arg);
			tick = now_ms() + TICK_MS;
		}
		if (s->tick && (left < 0 || left > TICK_MS))
			left = TICK_MS;
		if (poll(p, 2, (int)left) < 0 && errno != EINTR)
			return -errno;
		if (p[1].revents)
			tail_read(errfd, tail);
		else if (p[0].revents)
			return 0;
	}
}

static const char *last_line(struct buf *tail)
{
	char *s, *nl;

	while (tail->len && tail->data[tail->len - 1] == '\n')
		buf_resize(tail, tail->len - 1);
	s = tail->data ? tail->data : "";
	nl = strrchr(s, '\n');
	return nl ? nl + 1 : s;
}

/* Programs tell their reasons in words only, at the end of the line; our environment makes them the C library's. */
static int code_of(const char *text)
{
	static const int full[] = { ENOSPC, EDQUOT };

	for (size_t i = 0; i < sizeof(full) / sizeof(*full); i++) {
		const char *reason = strerror(full[i]);
		const size_t len = strlen(text), n = strlen(reason);

		if (len >= n && !strcmp(text + len - n, reason))
			return full[i];
	}
	return EIO;
}

static int explain(const struct spawn *s, int status, struct buf *tail, struct err *e)
{
	const char *name = strrchr(s->path, '/'), *text = last_line(tail);

	name = name ? name + 1 : s->path;
	if (*text)
		return err_set(e, code_of(text), "%s: %s", name, text);
	if (WIFSIGNALED(status))
		return err_set(e, EIO, "%s was ended by signal %d", name, WTERMSIG(status));
	return err_set(e, EIO, "%s failed with status %d", name, WEXITSTATUS(status));
}

int spawn_run(const struct spawn *s, int timeout_ms, int *status, struct err *e)
{
	_cleanup_close_ int rd = -1, wr = -1;
	_cleanup_buf_ struct buf tail = BUF_INIT;
	struct spawn mine = *s;
	struct spawned child;
	int fds[2], st = 0, r;

	if (s->err <= 0) {
		if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
			return err_sys(e, errno, "%s: no pipe", s->path);
		rd = fds[0];
		wr = fds[1];
		fcntl(wr, F_SETFL, 0);
		mine.err = wr;
	}
	r = spawn_start(&mine, &child, e);
	if (r < 0)
		return r;
	if (wr >= 0)
		close(steal_fd(&wr));
	r = wait_child(s, &child, &rd, &tail, timeout_ms);
	if (r < 0) {
		kill_child(&child);
		return err_sys(e, -r, "%s was given up after %d ms", s->path, timeout_ms);
	}
	r = spawn_reap(child.pidfd, &st);
	close(child.pidfd);
	if (r < 0)
		return err_sys(e, -r, "%s: its status is lost", s->path);
	if (status)
		*status = st;
	return st == 0 ? 0 : explain(s, st, &tail, e);
}

int spawn_listen(int fd, int ms, char *text, size_t size)
{
	size_t have = 0;
	ssize_t n;

	do {
		if (!watch_wait(fd, ms))
			return -ETIMEDOUT;
		n = read(fd, text + have, size - 1 - have);
		have += n > 0 ? (size_t)n : 0;
	} while (n > 0 && have < size - 1);
	text[have] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return (int)have;
}

int spawn_helper(const char *name, char *path, size_t size, struct err *e)
{
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n > 0) {
		self[n] = '\0';
		slash = strrchr(self, '/');
		if (slash && (size_t)snprintf(path, size, "%.*s/%s", (int)(slash - self), self, name) < size && access(path, X_OK) == 0)
			return 0;
	}
	if ((size_t)snprintf(path, size, "%s/%s", INSTFS_LIBEXECDIR, name) < size && access(path, X_OK) == 0)
		return 0;
	return err_set(e, ENOENT, "%s is neither beside this program nor in %s", name, INSTFS_LIBEXECDIR);
}
