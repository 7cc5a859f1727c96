// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A LOOKUP does not tell what it is for; the system call does in which the thread waits for its answer. Where that cannot be read (another
 * pid namespace, a kernel without /proc/PID/syscall), names that exist exist, as for everybody else.
 *
 * Makers are records in the keep, one for each place of a small table: the latest ones are what matters. No lock: a record is read and
 * written as a whole.
 */
#include "fs/copier.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/core/watch.h"
#include "fs/edit.h"

#define MAKERS 64
#define RUNNING_MAX 2000	/* looks at a thread that has not gone to sleep yet */

struct maker {
	uint32_t object;
	int32_t tgid;
	uint64_t started;
};

/* Calls that make a name: which argument is the path, and which one must have O_EXCL (0: none need). */
static const struct call {
	long number;
	unsigned path, flags;
} calls[] = {
	{ SYS_openat, 1, 2 }, { SYS_mkdirat, 1, 0 },
#ifdef SYS_open
	{ SYS_open, 0, 1 }, { SYS_mkdir, 0, 0 },
#endif
};

void copier_made(const struct object *o, const struct caller *who)
{
	const pid_t tgid = who && who->pid > 0 ? edit_tgid(who->pid) : 0;
	const struct maker m = { .object = o->id, .tgid = tgid, .started = tgid ? process_start_time(tgid) : 0 };

	if (tgid)
		keep_put(KEEP_MAKER, o->id % MAKERS, &m, sizeof(m));
}

static bool is_maker(const struct object *o, pid_t tid)
{
	struct maker m;

	return tid > 0 && keep_get_struct(KEEP_MAKER, o->id % MAKERS, &m, sizeof(m)) && m.object == o->id && m.tgid == edit_tgid(tid) &&
	       m.started == process_start_time(m.tgid);
}

/* The call in which the thread sleeps: its number and arguments. */
static bool current_call(pid_t tid, long *number, unsigned long args[3])
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	for (unsigned i = 0; i < RUNNING_MAX; i++) {
		_cleanup_buf_ struct buf b = BUF_INIT;

		if (buf_read_file(&b, -1, path, 4096))
			return false;
		if (strncmp(buf_str(&b), "running", 7) != 0)
			return sscanf(buf_str(&b), "%ld %lx %lx %lx", number, &args[0], &args[1], &args[2]) == 4;
		sched_yield();
	}
	return false;
}

/* Whether the path in the thread's memory ends with that name. */
static bool ends_with(pid_t tid, unsigned long address, const char *name)
{
	char path[64], text[4097];
	_cleanup_close_ int fd = -1;
	const char *last;
	ssize_t n;
	size_t len;

	snprintf(path, sizeof(path), "/proc/%d/mem", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, (off_t)address);
	if (n <= 0)
		return false;
	text[n] = '\0';
	for (len = strlen(text); len && text[len - 1] == '/'; len--)
		text[len - 1] = '\0';
	last = strrchr(text, '/');
	return !strcmp(last ? last + 1 : text, name);
}

bool copier_makes(const struct view *dir, const char *name)
{
	const pid_t tid = dir->who->pid;
	unsigned long args[3];
	long number;

	if (dir->o->space != SPACE_PROFILES || !is_maker(dir->o, tid) || !current_call(tid, &number, args))
		return false;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		if (calls[i].number == number)
			return (!calls[i].flags || args[calls[i].flags] & O_EXCL) && ends_with(tid, args[calls[i].path], name);
	return false;
}
