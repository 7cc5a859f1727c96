// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/poker.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "fs/ring.h"

static int open_in(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	return (int)syscall(SYS_openat2, dir, path, &how, sizeof(how));
}

/* The mount's root is opened each time: a descriptor that stays would keep it busy. */
static void touch(const char *path)
{
	_cleanup_close_ int root = open(shm->options.mountpoint, O_PATH | O_DIRECTORY | O_CLOEXEC), fd = -1;

	while (*path == '/')
		path++;
	if (root < 0)
		return;
	fd = open_in(root, *path ? path : ".", O_WRONLY);
	if (fd >= 0 || errno != EISDIR)
		return;
	fd = open_in(root, *path ? path : ".", O_RDONLY | O_DIRECTORY);
	if (fd >= 0)
		futimens(fd, NULL);
}

int poker_run(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* It may have been killed before that. */
	if (getppid() != shm->holder_pid)
		return 0;
	for (;;) {
		const struct ring_item *i = ring_next(&shm->touch);

		if (!i)
			continue;
		touch(i->name);
		ring_done(&shm->touch, i);
	}
}
