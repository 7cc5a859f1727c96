// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/lxc/proc.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/watch.h"

static bool read_proc(pid_t pid, const char *file, struct buf *out)
{
	char path[96];

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	buf_reset(out);
	return buf_read_file(out, AT_FDCWD, path, 1 << 20) == 0 && out->len;
}

/* "\nNSpid:\t4711\t1\n": its numbers from our namespace inwards. */
static bool is_first(pid_t pid)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *s, *end;

	if (!read_proc(pid, "status", &b))
		return false;
	s = strstr(b.data, "\nNSpid:");
	end = s ? strchr(s + 1, '\n') : NULL;
	return end && end[-1] == '1' && end[-2] == '\t' && memchr(s, '\t', (size_t)(end - s)) != end - 2;
}

static bool executes_other(pid_t pid, pid_t monitor)
{
	char path[64];
	struct stat a, b;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)monitor);
	if (stat(path, &a) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return stat(path, &b) == 0 && (a.st_dev != b.st_dev || a.st_ino != b.st_ino);
}

pid_t proc_init_of(pid_t monitor)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char file[64], *s, *end;

	snprintf(file, sizeof(file), "task/%d/children", (int)monitor);
	if (!read_proc(monitor, file, &b))
		return 0;
	for (s = b.data; s && *s; s = end) {
		pid_t pid = (pid_t)strtol(s, &end, 10);

		if (end == s)
			break;
		if (is_first(pid) && executes_other(pid, monitor))
			return pid;
	}
	return 0;
}

static bool has_signal(uint64_t mask, int sig)
{
	return mask & (UINT64_C(1) << (sig - 1));
}

/* busybox says so in its command line or its program's name; guests may lie, and then only fool themselves. */
static bool is_busybox(pid_t init)
{
	char path[64], target[256];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)init);
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return false;
	target[n] = '\0';
	return strstr(target, "busybox") != NULL;
}

/* As long as liblxc has not executed the guest's program, the signals are those of our helper, which both are then. */
static bool has_begun(pid_t init, pid_t monitor)
{
	char path[64], ours[256], theirs[256];
	ssize_t n, m;

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)init);
	n = readlink(path, theirs, sizeof(theirs));
	snprintf(path, sizeof(path), "/proc/%d/exe", (int)monitor);
	m = readlink(path, ours, sizeof(ours));
	return n != m || n < 0 || memcmp(ours, theirs, (size_t)n) != 0;
}

/*
 * systemd blocks SIGRTMIN+3 to read it from a descriptor. busybox knows SIGUSR2 for power off (and takes SIGTERM for reboot).
 * Others get SIGPWR, the custom of containers, unless they listen to SIGTERM only, as plain programs do. Who sits in sigtimedwait(2),
 * as busybox does from 1.35 on, blocks nothing meanwhile: of it the handler tells that it sets after that of the others.
 */
int proc_halt_signal(pid_t init, pid_t monitor, bool at_last)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	uint64_t blocked, caught;

	if (!has_begun(init, monitor) || !read_proc(init, "status", &b))
		return 0;
	blocked = process_signals(b.data, "\nSigBlk:");
	caught = process_signals(b.data, "\nSigCgt:");
	if (has_signal(blocked, SIGRTMIN + 3))
		return SIGRTMIN + 3;
	if (is_busybox(init))
		return at_last || has_signal(blocked | caught, SIGUSR2) || has_signal(caught, SIGTSTP) ? SIGUSR2 : 0;
	if (has_signal(blocked | caught, SIGPWR))
		return SIGPWR;
	return has_signal(blocked | caught, SIGTERM) ? SIGTERM : at_last ? SIGPWR : 0;
}
