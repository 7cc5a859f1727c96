// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/alive.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

int alive_hold(const char *path)
{
	int fd;

	if (mkfifo(path, 0600) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? -errno : fd;
}

int alive_watch(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return errno == ENXIO || errno == ENOENT ? -ESRCH : -errno;
	return fd;
}
