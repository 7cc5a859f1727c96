// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From main() to the process that was meant. One program plays all parts, so that an upgrade replaces all of them at once; internal
 * commands find the shared memory at its fixed descriptor.
 */
#include "fs/start.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/device.h"
#include "backends/core/keys.h"
#include "backends/core/watch.h"
#include "fs/alive.h"
#include "fs/board.h"
#include "fs/control.h"
#include "fs/holder.h"
#include "fs/log.h"
#include "fs/mount.h"
#include "fs/options.h"
#include "fs/poker.h"
#include "fs/service.h"
#include "fs/shm.h"

#define CHECK_TIMEOUT_MS 10000

extern char **environ;

/* Of internal commands, and in the run directory. */
static const char *const kind_names[SHM_KINDS] = { [SHM_VIEWS] = "views", [SHM_NESTED] = "nested" };

/* ---- starting ourselves ---- */

static int spawn(const char *path, const char *command, const char *arg, const posix_spawn_file_actions_t *fa, pid_t *ret)
{
	char *argv[] = { (char *)(uintptr_t)"instfs", (char *)(uintptr_t)command, (char *)(uintptr_t)arg,
			 shm ? shm->options.mountpoint : NULL, NULL };
	posix_spawnattr_t a;
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&a);
	posix_spawnattr_setsigmask(&a, &none);
	posix_spawnattr_setsigdefault(&a, &all);
	posix_spawnattr_setflags(&a, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSID);
	r = posix_spawn(ret, path, fa, &a, argv, environ);
	posix_spawnattr_destroy(&a);
	return -r;
}

int start_self(const char *command, const char *arg, const posix_spawn_file_actions_t *fa, pid_t *ret)
{
	return spawn("/proc/self/exe", command, arg, fa, ret);
}

int start_helper(const char *command, pid_t *ret)
{
	posix_spawn_file_actions_t fa;
	int r;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, FD_SHM, FD_SHM);
	r = start_self(command, "-", &fa, ret);
	posix_spawn_file_actions_destroy(&fa);
	return r;
}

int start_check(const char *path, struct err *e)
{
	char version[16];
	_cleanup_close_ int pidfd = -1;
	struct pollfd p = { .events = POLLIN };
	int r, status = 0;
	pid_t pid;

	snprintf(version, sizeof(version), "%d", SHM_VERSION);
	r = spawn(path, "--internal-check", version, NULL, &pid);
	if (r)
		return err_sys(e, -r, "%s", path);
	pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	p.fd = pidfd;
	if (pidfd >= 0 && poll(&p, 1, CHECK_TIMEOUT_MS) <= 0)
		kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return err_set(e, EPROTO, "%s cannot take over from version " INSTFS_VERSION "; unmount and mount again", path);
	return 0;
}

/* ---- the parts ---- */

static int serve(const start_serve_fn *parts)
{
	struct err e = ERR_INIT;
	int r;

	shm_close_on_exec(true, FD_END);
	/* The holder writes it as well, unless it is killed before. */
	shm->server_pid = getpid();
	shm->server_start = process_start_time(getpid());
	shm_lock_memory();
	r = shm->kind < SHM_KINDS && parts[shm->kind] ? parts[shm->kind](&e) : err_set(&e, ENOSYS, "this program cannot serve that");
	if (!r)
		return 0;
	snprintf(shm->error, sizeof(shm->error), "%s", e.text[0] ? e.text : strerror(-r));
	log_error("%s", shm->error);
	return 2;
}

/* ---- mounting ---- */

static int make_dirs(const char *path)
{
	char copy[4096];

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *p = copy + 1;; p++) {
		char c = *p;

		if (c && c != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, c ? 0755 : 0711) < 0 && errno != EEXIST && errno != EROFS && errno != EACCES)
			return -errno;
		if (!c)
			return 0;
		*p = c;
	}
}

int start_open_lock(const struct options *o, enum shm_kind kind)
{
	char path[4200];

	if (kind == SHM_TREE)
		return open(o->state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	snprintf(path, sizeof(path), "%s/%s.lock", o->state_dir, kind_names[kind]);
	return open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
}

/* One daemon per state directory; the holder has the lock for all its servers. */
static int lock_state(const struct options *o, enum shm_kind kind, struct err *e)
{
	_cleanup_close_ int fd = -1;
	int r = make_dirs(o->state_dir);

	if (r)
		return err_sys(e, -r, "%s", o->state_dir);
	fd = start_open_lock(o, kind);
	if (fd < 0)
		return err_sys(e, errno, "%s", o->state_dir);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return errno == EWOULDBLOCK ? err_set(e, EBUSY, "%s is in use by another instfs", o->state_dir)
					    : err_sys(e, errno, "%s", o->state_dir);
	return shm_take_fd(steal_fd(&fd), FD_LOCK);
}

static void raise_limits(void)
{
	struct rlimit l;

	if (!getrlimit(RLIMIT_NOFILE, &l)) {
		l.rlim_cur = l.rlim_max;
		setrlimit(RLIMIT_NOFILE, &l);
	}
}

/* Tells the waiting starter by the pipe; returns in the child only. */
static int go_background(bool keep_stderr, struct err *e)
{
	int pipe_fds[2];
	char answer[ERR_TEXT_MAX] = "";
	ssize_t n, got = 0;
	pid_t pid;

	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_sys(e, errno, "pipe");
	pid = fork();
	if (pid < 0)
		return err_sys(e, errno, "fork");
	if (!pid) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		close(pipe_fds[0]);
		setsid();
		for (int fd = 0; fd < (keep_stderr ? 2 : 3); fd++)
			dup2(null, fd);
		close(null);
		return pipe_fds[1];
	}
	close(pipe_fds[1]);
	while ((n = read(pipe_fds[0], answer + got, sizeof(answer) - 1 - (size_t)got)) > 0)
		got += n;
	if (answer[0] == 'R')
		_exit(0);
	fprintf(stderr, "instfs: %s\n", answer[0] ? answer + 1 : "the daemon ended before the mount was usable");
	_exit(1);
}

/* A process that ended but was not reaped is not alive. */
static bool is_alive(pid_t pid, uint64_t start)
{
	_cleanup_close_ int fd = process_open(pid, start);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return fd >= 0 && poll(&p, 1, 0) == 0;
}

/*
 * The service manager started us again with what an earlier holder left there: true when that is still good for something, and
 * the life of this process is over with *status.
 */
static bool restore(int *status)
{
	struct err e = ERR_INIT;
	char text[64];

	if (shm_attach(&e))
		log_error("%s", e.text);
	if (!shm || shm->state == SHM_UNMOUNTED)
		return false;
	for (int i = 0; i < 20; i++) {
		if (is_alive(shm->holder_pid, shm->holder_start)) {
			/* The server has started another holder already: that one is the service from now on. */
			snprintf(text, sizeof(text), "MAINPID=%d\nREADY=1", shm->holder_pid);
			service_notify(text);
			*status = 0;
			return true;
		}
		if (!is_alive(shm->server_pid, shm->server_start))
			break;
		poll(NULL, 0, 100);
	}
	*status = holder_run(HOLDER_RESTORED, -1);
	return true;
}

static int hold_alive(const struct options *o, enum shm_kind kind, struct err *e)
{
	char path[4200];
	int r;

	snprintf(path, sizeof(path), "%s/%s.alive", o->state_dir, kind_names[kind]);
	r = shm_take_fd(alive_hold(path), FD_ALIVE);
	return r ? err_sys(e, -r, "%s", path) : 0;
}

/* Returns -errno, or the exit status of what became of this process. */
static int start_mount(struct options *o, enum shm_kind kind, struct err *e)
{
	int ready = -1, r = lock_state(o, kind, e);

	if (!r)
		r = shm_create(o, kind, e);
	if (!r && kind != SHM_TREE)
		r = hold_alive(o, kind, e);
	if (!r)
		r = mount_make(o, &shm->dev_major, &shm->dev_minor, e);
	if (r)
		return r;
	if (!o->foreground || kind != SHM_TREE) {
		ready = go_background(o->foreground, e);
		if (ready < 0) {
			mount_remove(o, NULL);
			return ready;
		}
	}
	log_open(o->foreground, o->mountpoint);
	return holder_run(HOLDER_FIRST, ready);
}

static void list_keys(void)
{
	static const char *const live[] = { "at once", "at next start", "only while stopped" };

	for_each_key(k)
		printf("%s\n    %s\n    type: %s; default: %s; takes effect: %s%s\n", k->name, k->doc, k->type, k->def && *k->def ? k->def : "-",
		       live[k->live], k->flags & KEY_ROOT ? "; root only" : "");
}

static int list_devices(struct err *e)
{
	_cleanup_buf_ struct buf page = BUF_INIT;

	devices_print_markdown(&page);
	return fputs(buf_str(&page), stdout) < 0 ? err_sys(e, errno, "standard output") : 0;
}

static int command(struct options *o, struct err *e)
{
	switch (o->command) {
	case COMMAND_HELP:
		options_help();
		return 0;
	case COMMAND_VERSION:
		puts("instfs " INSTFS_VERSION);
		return 0;
	case COMMAND_LIST_KEYS:
		list_keys();
		return 0;
	case COMMAND_LIST_DEVICES:
		return list_devices(e);
	case COMMAND_UPGRADE:
		return control_upgrade(o, e);
	case COMMAND_SHUTDOWN:
		return control_shutdown(o, e);
	}
	return start_mount(o, SHM_TREE, e);
}

/* The daemon has posted what is wanted; its standard error is ours until we are in the background. */
static int start_kind(const char *rundir, enum shm_kind kind)
{
	static struct options o;
	struct err e = ERR_INIT;
	int r = board_open(rundir, &e);

	raise_limits();
	if (!r) {
		o = *board_options(kind);
		r = start_mount(&o, kind, &e);
	}
	if (r < 0)
		fprintf(stderr, "instfs: %s\n", e.text[0] ? e.text : strerror(-r));
	return r != 0;
}

static int internal(const char *command, const char *arg, const start_serve_fn *parts)
{
	struct err e = ERR_INIT;

	if (!strcmp(command, "check"))
		return atoi(arg) != SHM_VERSION;
	for (enum shm_kind k = SHM_VIEWS; k < SHM_KINDS; k++)
		if (!strcmp(command, kind_names[k]))
			return start_kind(arg, k);
	if (shm_attach(&e)) {
		log_error("%s", e.text);
		return 2;
	}
	log_open(shm->options.foreground, shm->options.mountpoint);
	if (!strcmp(command, "server"))
		_exit(serve(parts));	/* other threads are at work: nothing is torn down under them */
	if (!strcmp(command, "poker"))
		return poker_run();
	if (!strcmp(command, "shutdown")) {
		if (control_shutdown(&shm->options, &e))
			log_error("%s", e.text);
		return e.code != 0;
	}
	if (!strcmp(command, "holder"))
		return holder_run(!strcmp(arg, "upgraded") ? HOLDER_UPGRADED : HOLDER_REVIVED, -1);
	log_error("unknown command %s", command);
	return 2;
}

int start_main(int argc, char **argv, const start_serve_fn *parts)
{
	static struct options o;
	struct err e = ERR_INIT;
	int r;

	signal(SIGPIPE, SIG_IGN);
	if (argc > 2 && !strncmp(argv[1], "--internal-", 11))
		return internal(argv[1] + 11, argv[2], parts);
	raise_limits();
	if (service_restore_fds() && restore(&r))
		return r;
	r = options_parse(argc, argv, &o, &e);
	if (!r) {
		if (o.command == COMMAND_MOUNT)
			syscall(SYS_close_range, 3U, ~0U, 0U);
		r = command(&o, &e);
	}
	if (r < 0)
		fprintf(stderr, "instfs: %s\n", e.text[0] ? e.text : strerror(-r));
	return r != 0;
}
