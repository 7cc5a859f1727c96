// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "fs/halt.h"
#include "fs/mount.h"
#include "fs/shm.h"

#define WORD "upgrade"

static socklen_t make_address(struct sockaddr_un *a, unsigned dev_major, unsigned dev_minor)
{
	*a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	/* Abstract: begins with NUL, has no file, and is gone when its holder is. */
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
			   (size_t)snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "instfs/%u:%u", dev_major, dev_minor));
}

static uid_t peer_uid(int fd)
{
	struct ucred c;
	socklen_t len = sizeof(c);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c, &len) < 0 ? (uid_t)-1 : c.uid;
}

/* ---- holder ---- */

int control_listen(void)
{
	struct sockaddr_un a;
	socklen_t len = make_address(&a, shm->dev_major, shm->dev_minor);
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&a, len) < 0 || listen(fd, 8) < 0)
		return -errno;
	return shm_take_fd(steal_fd(&fd), FD_CONTROL);
}

bool control_accept(void)
{
	_cleanup_close_ int fd = accept4(FD_CONTROL, NULL, NULL, SOCK_CLOEXEC);
	struct timeval limit = { .tv_sec = 1 };
	char word[sizeof(WORD)] = "";
	uid_t uid;

	if (fd < 0)
		return false;
	uid = peer_uid(fd);
	/* The client speaks at once; one that does not must not stop us. */
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	if ((uid && uid != shm->options.owner) || recv(fd, word, sizeof(word) - 1, 0) <= 0 || strcmp(word, WORD) != 0)
		return false;
	return shm_take_fd(steal_fd(&fd), FD_ANSWER) == 0;
}

void control_answer(const char *text)
{
	/* A client that went away is no error of ours. */
	send(FD_ANSWER, *text ? text : "ok", *text ? strlen(text) : 2, MSG_NOSIGNAL | MSG_DONTWAIT);
	shm_release_fd(FD_ANSWER);
}

/* ---- client ---- */

int control_upgrade(const struct options *o, struct err *e)
{
	_cleanup_close_ int fd = -1;
	struct mount_place m;
	struct sockaddr_un a;
	char answer[ERR_TEXT_MAX] = "";
	int r = mount_find(o->mountpoint, &m, e);
	socklen_t len;
	uid_t uid;

	if (r)
		return r;
	len = make_address(&a, m.dev_major, m.dev_minor);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&a, len) < 0)
		return err_sys(e, errno, "the daemon of %s does not listen", o->mountpoint);
	uid = peer_uid(fd);
	if (uid && uid != m.owner)
		return err_set(e, EPERM, "who listens for %s is user %u, not the owner of the mount", o->mountpoint, uid);
	if (send(fd, WORD, strlen(WORD), MSG_NOSIGNAL) < 0 || recv(fd, answer, sizeof(answer) - 1, 0) <= 0)
		return err_set(e, EPERM, "the daemon of %s refused or went away", o->mountpoint);
	return strcmp(answer, "ok") ? err_set(e, EIO, "%s", answer) : 0;
}

int control_shutdown(const struct options *o, struct err *e)
{
	struct mount_place m;
	int r = mount_find(o->mountpoint, &m, e);

	if (!r)
		r = halt_all(o->mountpoint, e);
	return r ? r : mount_remove(o, e);
}
