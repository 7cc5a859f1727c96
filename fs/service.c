// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/service.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "fs/log.h"
#include "fs/shm.h"

#define FIRST_PASSED_FD 3

static const struct { const char *name; int fd; } stored[] = {
	{ "instfs-fuse", FD_FUSE }, { "instfs-shm", FD_SHM }, { "instfs-keep", FD_KEEP },
};

static int open_socket(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t len = path ? strlen(path) : 0;
	int fd;

	if (!len || len >= sizeof(a.sun_path))
		return -1;
	memcpy(a.sun_path, path, len);
	if (path[0] == '@')
		a.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&a, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static void send_state(const char *state, int pass)
{
	_cleanup_close_ int sock = open_socket();
	union { struct cmsghdr h; char space[CMSG_SPACE(sizeof(int))]; } c = { .space = "" };
	struct iovec iov = { (void *)(uintptr_t)state, strlen(state) };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (sock < 0)
		return;
	if (pass >= 0) {
		h.msg_control = &c;
		h.msg_controllen = sizeof(c);
		c.h.cmsg_level = SOL_SOCKET;
		c.h.cmsg_type = SCM_RIGHTS;
		c.h.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&c.h), &pass, sizeof(pass));
	}
	if (sendmsg(sock, &h, MSG_NOSIGNAL) < 0)
		log_warning("the service manager cannot be told: %s", strerror(errno));
}

void service_notify(const char *state)
{
	send_state(state, -1);
}

void service_store_fds(void)
{
	char text[64];

	for (size_t i = 0; i < sizeof(stored) / sizeof(*stored); i++) {
		snprintf(text, sizeof(text), "FDSTORE=1\nFDNAME=%s", stored[i].name);
		send_state(text, stored[i].fd);
	}
}

void service_drop_fds(void)
{
	char text[64];

	for (size_t i = 0; i < sizeof(stored) / sizeof(*stored); i++) {
		snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", stored[i].name);
		send_state(text, -1);
	}
}

static bool take_named(const char *name, int fd)
{
	for (size_t i = 0; i < sizeof(stored) / sizeof(*stored); i++)
		if (!strcmp(stored[i].name, name))
			return shm_take_fd(fd, stored[i].fd) == 0;
	return false;
}

bool service_restore_fds(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS"), *list = getenv("LISTEN_FDNAMES");
	_cleanup_free_ char *names = NULL;
	char *name, *rest;
	size_t taken = 0;
	int fd = FIRST_PASSED_FD;

	if (pid && n && list && atoi(pid) == getpid())
		names = strdup(list);
	rest = names;
	while ((name = strsep(&rest, ":")) && fd < FIRST_PASSED_FD + atoi(n))
		taken += take_named(name, fd++);
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return taken == sizeof(stored) / sizeof(*stored);
}
