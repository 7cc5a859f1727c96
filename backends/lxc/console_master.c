// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/lxc/console_master.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/cleanup.h"

/* The number of the monitor's only pty master (lxc.tty.max = 0). */
static int find_master(pid_t monitor)
{
	_cleanup_dir_ DIR *d = NULL;
	struct dirent *de;
	char path[64], target[64];

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)monitor);
	d = opendir(path);
	while (d && (de = readdir(d))) {
		ssize_t n = readlinkat(dirfd(d), de->d_name, target, sizeof(target) - 1);

		if (n <= 0)
			continue;
		target[n] = '\0';
		if (!strcmp(target, "/dev/pts/ptmx") || !strcmp(target, "/dev/ptmx") || !strcmp(target, "/ptmx"))
			return atoi(de->d_name);
	}
	return -1;
}

int console_master(pid_t monitor, int pidfd)
{
	int n = find_master(monitor), fd;

	if (n < 0)
		return -ENOTCONN;
	fd = (int)syscall(SYS_pidfd_getfd, pidfd, n, 0);
	return fd < 0 ? -errno : fd;
}
