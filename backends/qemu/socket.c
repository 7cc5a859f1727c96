// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/qemu/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/core/cleanup.h"

static int make(const char *path, struct sockaddr_un *a, struct err *e)
{
	int fd;

	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof(a->sun_path))
		return err_set(e, ENAMETOOLONG, "%s is too long for a socket", path);
	memcpy(a->sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	return fd < 0 ? err_sys(e, errno, "%s", path) : fd;
}

int socket_listen(const char *path, struct err *e)
{
	struct sockaddr_un a;
	_cleanup_close_ int fd = make(path, &a, e);

	if (fd < 0)
		return fd;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(fd, 1) < 0)
		return err_sys(e, errno, "%s", path);
	return steal_fd(&fd);
}

int socket_connect(const char *path, struct err *e)
{
	struct sockaddr_un a;
	_cleanup_close_ int fd = make(path, &a, e);

	if (fd < 0)
		return fd;
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0)
		return err_sys(e, errno, "%s", path);
	return steal_fd(&fd);
}
