// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-tty PID UID: gives a container's console a pty of its own on the host, for screen, minicom and the like, until the monitor
 * (process PID) ends. Started by the server when somebody asks where `tty` leads (tty.c); outlives it, and needs nothing of it.
 *
 *   descriptor 3    pidfd of the monitor
 *   descriptor 4    the instance's directory in the store, where liblxc writes console.log
 *   descriptor 5    the directory of the run, where the file `tty` says "PID START PATH" for later servers
 *
 * It ends its output (descriptor 1) when the pty can be used. What the guest prints comes from console.log, which is complete and waits
 * for a reader who is slow; what the user types goes to the console's master, which is taken from the monitor for that moment only:
 * a guest that boots again has another. Nobody's terminal: nothing that is printed here raises a signal. Asleep while no program has
 * the pty open, which inotify tells.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <termios.h>
#include <unistd.h>

#include "backends/core/watch.h"
#include "backends/lxc/console_master.h"

#define MONITOR_FD 3
#define LOG_DIR_FD 4
#define RUN_DIR_FD 5
#define LOG_NAME "console.log"
#define CHUNK 4096

struct text {
	char data[CHUNK];
	size_t at, len;
};

static struct {
	pid_t monitor;
	int pty;			/* master */
	char path[64];			/* of the slave */
	int notify, log_watch;
	int log;			/* -1: nobody has the pty open */
	int master;			/* of the console, while something is to be typed; else -1 */
	struct text printed, typed;
	struct winsize size;
} tty = { .notify = -1, .log_watch = -1, .log = -1, .master = -1 };

static int fail(const char *what)
{
	fprintf(stderr, "%s: %s\n", what, strerror(errno));
	return 1;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* ---- the pty ---- */

/* No echo and no translation: the guest's own console does all of that. */
static void make_raw(void)
{
	struct termios t;

	if (tcgetattr(tty.pty, &t) < 0)
		return;
	cfmakeraw(&t);
	tcsetattr(tty.pty, TCSANOW, &t);
}

static int make_pty(uid_t uid)
{
	tty.pty = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
	if (tty.pty < 0 || unlockpt(tty.pty) < 0 || ptsname_r(tty.pty, tty.path, sizeof(tty.path)))
		return -1;
	make_raw();
	return chown(tty.path, uid, (gid_t)-1) < 0 || chmod(tty.path, 0600) < 0 ? -1 : 0;
}

static bool pty_is_open(void)
{
	struct pollfd p = { .fd = tty.pty };

	return poll(&p, 1, 0) == 0 || !(p.revents & POLLHUP);
}

static int write_record(void)
{
	int fd = openat(RUN_DIR_FD, "tty.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600), n;

	if (fd < 0)
		return -1;
	n = dprintf(fd, "%d %llu %s\n", (int)getpid(), (unsigned long long)process_start_time(getpid()), tty.path);
	close(fd);
	return n < 0 ? -1 : renameat(RUN_DIR_FD, "tty.new", RUN_DIR_FD, "tty");
}

/* ---- what the guest prints ---- */

static int open_log(void)
{
	return openat(LOG_DIR_FD, LOG_NAME, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* Whether liblxc has begun another file; then that one is read on, from its beginning. */
static bool follow_rotation(void)
{
	struct stat ours, theirs;
	int fd;

	if (fstat(tty.log, &ours) < 0 || fstatat(LOG_DIR_FD, LOG_NAME, &theirs, AT_SYMLINK_NOFOLLOW) < 0 ||
	    (ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino))
		return false;
	fd = open_log();
	if (fd < 0)
		return false;
	close_fd(&tty.log);
	tty.log = fd;
	return true;
}

/* False: there is nothing more now. */
static bool read_log(void)
{
	ssize_t n = read(tty.log, tty.printed.data, sizeof(tty.printed.data));

	if (n <= 0 && follow_rotation())
		n = read(tty.log, tty.printed.data, sizeof(tty.printed.data));
	tty.printed.at = 0;
	tty.printed.len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* What does not fit stays for the moment in which the reader has made room. */
static void print(void)
{
	struct text *t = &tty.printed;

	while (tty.log >= 0 && (t->at < t->len || read_log())) {
		ssize_t n = write(tty.pty, t->data + t->at, t->len - t->at);

		if (n <= 0)
			return;
		t->at += (size_t)n;
	}
}

/* ---- what the user types ---- */

static void set_size(void)
{
	struct winsize now;

	if (ioctl(tty.pty, TIOCGWINSZ, &now) < 0 || !now.ws_row || !memcmp(&now, &tty.size, sizeof(now)))
		return;
	tty.size = now;
	ioctl(tty.master, TIOCSWINSZ, &now);
}

/* Typed into a guest that has no console, or has just ended: gone, as with an unplugged line. */
static void take_typed(void)
{
	ssize_t n = read(tty.pty, tty.typed.data, sizeof(tty.typed.data));

	if (n <= 0)
		return;
	close_fd(&tty.master);
	tty.master = console_master(tty.monitor, MONITOR_FD);
	if (tty.master < 0)
		return;
	set_size();
	tty.typed.at = 0;
	tty.typed.len = (size_t)n;
}

/* The master is writable; a write of one byte never blocks then. */
static void type(void)
{
	struct text *t = &tty.typed;
	ssize_t n = write(tty.master, t->data + t->at, 1);

	if (n > 0)
		t->at++;
	if (t->at == t->len || (n < 0 && errno != EINTR && errno != EAGAIN))
		close_fd(&tty.master);
}

/* ---- who uses it ---- */

static void begin_use(void)
{
	if (tty.log >= 0 || !pty_is_open())
		return;
	tty.log = open_log();
	if (tty.log < 0)
		return;
	lseek(tty.log, 0, SEEK_END);
	tty.printed = (struct text){ .len = 0 };
	tty.log_watch = inotify_add_watch(tty.notify, "/proc/self/fd/4", IN_MODIFY | IN_CREATE | IN_MOVED_TO);
}

static void end_use(void)
{
	if (tty.log_watch >= 0)
		inotify_rm_watch(tty.notify, tty.log_watch);
	tty.log_watch = -1;
	close_fd(&tty.log);
	close_fd(&tty.master);
	tty.size = (struct winsize){ .ws_row = 0 };
	ioctl(tty.pty, TCFLSH, TCIOFLUSH);
	make_raw();
}

static void drain_events(void)
{
	char events[4096] __attribute__((aligned(__alignof__(struct inotify_event))));

	while (read(tty.notify, events, sizeof(events)) > 0)
		;
	begin_use();
	print();
}

static void step(void)
{
	const bool used = tty.log >= 0, typing = tty.master >= 0;
	struct pollfd p[] = {
		{ .fd = MONITOR_FD, .events = POLLIN },
		{ .fd = tty.notify, .events = POLLIN },
		{ .fd = used ? tty.pty : -1, .events = (short)((typing ? 0 : POLLIN) | (tty.printed.at < tty.printed.len ? POLLOUT : 0)) },
		{ .fd = tty.master, .events = POLLOUT },
	};

	if (poll(p, 4, -1) < 0)
		return;
	if (p[0].revents) {
		print();
		unlinkat(RUN_DIR_FD, "tty", 0);
		_exit(0);
	}
	if (p[1].revents)
		drain_events();
	if (p[3].revents & POLLOUT)
		type();
	else if (p[3].revents)
		close_fd(&tty.master);
	if (p[2].revents & POLLIN)
		take_typed();
	else if (p[2].revents & POLLHUP)
		end_use();
	if (p[2].revents & POLLOUT)
		print();
}

int main(int argc, char **argv)
{
	if (argc != 3) {
		fputs("usage: instfs-tty PID UID (started by instfs)\n", stderr);
		return 2;
	}
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	tty.monitor = (pid_t)atoi(argv[1]);
	tty.notify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (tty.notify < 0)
		return fail("inotify");
	if (make_pty((uid_t)strtoul(argv[2], NULL, 10)) < 0)
		return fail("a pty on the host");
	if (inotify_add_watch(tty.notify, tty.path, IN_OPEN) < 0 || write_record() < 0)
		return fail(tty.path);
	close(STDERR_FILENO);
	close(STDOUT_FILENO);
	for (;;)
		step();
}
