// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/core/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/watch.h"
#include "tests/unit/unit.h"

#define ARGV(...) (const char *const[]) { __VA_ARGS__, NULL }

/* Runs a shell line and returns its output. */
static void sh(struct spawn s, const char *line, struct buf *out)
{
	struct err e = ERR_INIT;
	int fds[2];

	CHECK(pipe2(fds, O_CLOEXEC) == 0);
	s.path = "/bin/sh";
	s.argv = ARGV("sh", "-c", line);
	s.out = fds[1];
	CHECK(spawn_run(&s, 10000, NULL, &e) == 0);
	CHECK_STR(e.text, "");
	close(fds[1]);
	buf_reset(out);
	buf_read_fd(out, fds[0], 65536);
	close(fds[0]);
}

static void test_failures(void)
{
	struct spawn s = { .path = "/nonexistent/program", .argv = ARGV("x") };
	struct spawned c;
	struct err e = ERR_INIT;
	int status;

	CHECK(spawn_start(&s, &c, &e) == -ENOENT);
	CHECK_STR(e.text, "/nonexistent/program: executing it: No such file or directory");
	s = (struct spawn) { .path = "/bin/sh", .argv = ARGV("sh", "-c", "echo one >&2; echo bad luck >&2; exit 3") };
	CHECK(spawn_run(&s, -1, &status, &e) == -EIO);
	CHECK_STR(e.text, "sh: bad luck");
	CHECK(WEXITSTATUS(status) == 3);
	s.argv = ARGV("sh", "-c", "echo cp: no luck: No space left on device >&2; exit 1");
	CHECK(spawn_run(&s, -1, NULL, &e) == -ENOSPC);
	CHECK_STR(e.text, "sh: cp: no luck: No space left on device");
	s.argv = ARGV("sh", "-c", "kill -9 $$");
	CHECK(spawn_run(&s, -1, &status, &e) == -EIO);
	CHECK_STR(e.text, "sh was ended by signal 9");
	s.argv = ARGV("sh", "-c", "sleep 20");
	CHECK(spawn_run(&s, 50, &status, &e) == -ETIMEDOUT);
	s.cwd = "/nonexistent";
	CHECK(spawn_start(&s, &c, &e) == -ENOENT);
	CHECK_STR(e.text, "/bin/sh: changing the directory: No such file or directory");
}

static void test_descriptors(void)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	int a = open("/dev/zero", O_RDONLY), b = open("/proc/self/status", O_RDONLY), leak = open("/", O_RDONLY);
	/* Crossed on purpose: each target number is another's source. */
	const struct spawn_fd fds[] = { { .fd = a, .as = b }, { .fd = b, .as = a } };
	struct spawn s = { .fds = fds, .n_fds = 2 };
	char want[200];

	sh(s, "cd /proc/self/fd; for f in *; do echo $f $(readlink $f); done | sort -n | grep -v pipe:", &out);
	snprintf(want, sizeof(want), "0 /dev/null\n");
	CHECK(strstr(buf_str(&out), want) != NULL);
	snprintf(want, sizeof(want), "%d /dev/zero\n", b);
	CHECK(strstr(buf_str(&out), want) != NULL);
	snprintf(want, sizeof(want), "%d /\n", leak);
	CHECK(strstr(buf_str(&out), want) == NULL);
	close(a);
	close(b);
	close(leak);
}

static void test_surroundings(void)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	const struct spawn_limit lim[] = { { .resource = RLIMIT_NOFILE, .value = 77 } };
	struct spawn s = { .cwd = "/proc", .session = true, .no_new_privs = true, .limits = lim, .n_limits = 1 };

	signal(SIGUSR1, SIG_IGN);
	sh(s, "pwd; ulimit -n; grep -E '^(NoNewPrivs|SigIgn|SigBlk)' /proc/self/status; [ $(cut -d' ' -f6 /proc/$$/stat) = $$ ] && echo leader;"
	   "env | sort", &out);
	CHECK(strstr(buf_str(&out), "/proc\n77\n") == buf_str(&out));
	CHECK(strstr(buf_str(&out), "NoNewPrivs:\t1\n") != NULL);
	CHECK(strstr(buf_str(&out), "SigBlk:\t0000000000000000\n") != NULL);
	CHECK(strstr(buf_str(&out), "SigIgn:\t0000000000000000\n") != NULL);
	CHECK(strstr(buf_str(&out), "leader\nLC_ALL=C\n") != NULL);
}

static void test_namespaces(void)
{
	_cleanup_buf_ struct buf out = BUF_INIT;
	struct spawn s = { .namespaces = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET,
			   .uid_map = "0 100000 1000\n", .gid_map = "0 100000 1000\n" };

	if (getuid() != 0)
		return;
	sh(s, "id -u; id -g; id -G; echo $$; cat /proc/self/uid_map", &out);
	CHECK(strstr(buf_str(&out), "0\n0\n0\n1\n") == buf_str(&out));
	CHECK(strstr(buf_str(&out), "100000") != NULL);
}

static pid_t born_pid;

static int born(pid_t pid, uint64_t start, void *arg)
{
	born_pid = pid;
	CHECK(start != 0 && start == process_start_time(pid));
	return *(int *)arg;
}

static void test_born(void)
{
	int refuse = 1;
	struct spawn s = { .path = "/bin/true", .argv = ARGV("true"), .born = born, .born_arg = &refuse };
	struct spawned c;
	struct err e = ERR_INIT;
	int status;

	CHECK(spawn_start(&s, &c, &e) == -ECANCELED);
	CHECK(kill(born_pid, 0) < 0);
	refuse = 0;
	CHECK(spawn_start(&s, &c, &e) == 0);
	CHECK(c.pid == born_pid);
	CHECK(poll(&(struct pollfd) { .fd = c.pidfd, .events = POLLIN }, 1, 5000) == 1);
	CHECK(spawn_reap(c.pidfd, &status) == 0 && status == 0);
	CHECK(spawn_reap(c.pidfd, &status) == -ECHILD);
	close(c.pidfd);
}

static int born_and_die(pid_t pid, uint64_t start, void *arg)
{
	(void)start;
	if (write(*(int *)arg, &pid, sizeof(pid)) < 0)
		return -1;
	return kill(getpid(), SIGKILL);
}

/* No such process, or one that only waits for init to collect it. */
static bool gone(pid_t pid)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return buf_read_file(&b, AT_FDCWD, path, 65536) < 0 || strstr(buf_str(&b), "State:\tZ") != NULL;
}

/* The server dies between clone and exec: the child must not stay. */
static void test_killed(void)
{
	int fds[2];
	pid_t server, child = 0;

	CHECK(pipe(fds) == 0);
	server = fork();
	if (server == 0) {
		struct spawn s = { .path = "/bin/sleep", .argv = ARGV("sleep", "30") };
		struct spawned c;

		s.born = born_and_die;
		s.born_arg = &fds[1];
		spawn_start(&s, &c, NULL);
		_exit(1);
	}
	close(fds[1]);
	CHECK(read(fds[0], &child, sizeof(child)) == sizeof(child));
	CHECK(waitpid(server, NULL, 0) == server);
	for (int i = 0; i < 100 && !gone(child); i++)
		usleep(10000);
	CHECK(gone(child));
	close(fds[0]);
}

int main(void)
{
	test_failures();
	test_descriptors();
	test_surroundings();
	test_namespaces();
	test_born();
	test_killed();
	return UNIT_END();
}
