// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-proxy: the two sides. Sockets that listen are made first, on their side; then the process becomes one of the side where it
 * connects, with the ids it is told and next to no capability. A file of a socket in the instance is made by a child that is the instance's
 * root, below the instance's root.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/network/helper_proxy.h"

#define BACKLOG 1024

/* ---- files of sockets ---- */

/* Becomes its directory's child; *name is the last part. Nothing leads out of the root that this process has. */
static int enter_directory(const char *path, const char **name)
{
	struct open_how how = { .flags = O_PATH | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	const char *slash = strrchr(path, '/');
	_cleanup_close_ int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC), dir = -1;
	char parent[PROXY_PATH_MAX + 1];

	snprintf(parent, sizeof(parent), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	dir = (int)syscall(SYS_openat2, root, parent, &how, sizeof(how));
	if (dir < 0 || fchdir(dir) < 0)
		return -errno;
	*name = slash + 1;
	return 0;
}

static socklen_t short_address(const char *name, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un) { .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof(ret->sun_path), "%s", name);
	return sizeof(*ret);
}

/* A socket's file to which nobody listens any more. */
static void remove_dead(const char *name)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct sockaddr_un un;
	socklen_t n = short_address(name, &un);
	struct stat st;

	if (lstat(name, &st) == 0 && S_ISSOCK(st.st_mode) && connect(fd, (struct sockaddr *)&un, n) < 0 && errno == ECONNREFUSED)
		unlink(name);
}

static int bind_file(int fd)
{
	const struct proxy *p = &forward.proxy;
	struct sockaddr_un un;
	const char *name;
	socklen_t n;
	int r = enter_directory(p->listen.path, &name);

	if (r < 0)
		return helper_fail(-r, "the directory of %s", p->listen.path);
	remove_dead(name);
	n = short_address(name, &un);
	umask(0777);
	if (bind(fd, (struct sockaddr *)&un, n) < 0)
		return helper_fail(errno, "listening at %s", p->listen.path);
	if (lchown(name, p->uid, p->gid) < 0 || chmod(name, p->mode) < 0) {
		r = helper_fail(errno, "owner and mode of %s", p->listen.path);
		unlink(name);
	}
	return r;
}

static int drop_file(int fd)
{
	const char *name;

	if (enter_directory(forward.proxy.listen.path, &name) == 0)
		remove_dead(name);
	return 0;
}

/* ---- becoming somebody ---- */

static int enter(int namespaces)
{
	if (setns(INIT_FD, namespaces) < 0)
		return helper_fail(errno, "entering the instance's namespaces");
	return 0;
}

static int become(uid_t uid, gid_t gid)
{
	if (setgroups(0, NULL) < 0 || setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return helper_fail(errno, "becoming user %u and group %u of the side that connects", uid, gid);
	return 0;
}

/* Root may connect to every socket of its side; that is all that it keeps. */
static int drop_capabilities(void)
{
	const uint32_t keep = forward.proxy.as_uid ? 0 : CAP_TO_MASK(CAP_DAC_OVERRIDE);
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct sets[2] = { { .effective = keep, .permitted = keep }, { 0 } };

	if (syscall(SYS_capset, &h, sets) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return helper_fail(errno, "giving up privileges");
	return 0;
}

/* f(fd) in a child that is root of the instance and has its files; or here, when the file is the host's. */
static int with_files(bool mapped, int (*f)(int fd), int fd)
{
	pid_t child;
	int status;

	if (!forward.proxy.inside)
		return f(fd);
	child = fork();
	if (child == 0) {
		int r = enter(CLONE_NEWNS | (mapped ? CLONE_NEWUSER : 0));

		if (r == 0)
			r = become(0, 0);
		_exit(r ? r : f(fd));
	}
	if (child < 0 || waitpid(child, &status, 0) < 0)
		return helper_fail(errno, "fork");
	return WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
}

int helper_remove_file(bool mapped)
{
	return proxy_is_file(&forward.proxy.listen) ? with_files(mapped, drop_file, -1) : 0;
}

int helper_become_connector(bool mapped)
{
	const struct proxy *p = &forward.proxy;
	int namespaces = CLONE_NEWNET | (mapped ? CLONE_NEWUSER : 0) | (proxy_is_file(&p->connect) ? CLONE_NEWNS : 0), r = 0;

	if (!p->inside)
		r = enter(namespaces);
	if (r == 0)
		r = become(p->as_uid, p->as_gid);
	return r ? r : drop_capabilities();
}

/* ---- sockets ---- */

static int make_socket(const struct proxy_end *end)
{
	bool datagrams = end->protocol == PROXY_UDP;
	int family = end->protocol == PROXY_UNIX ? AF_UNIX : end->address.family;

	return socket(family, (datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

static int listen_one(const struct proxy_end *end, unsigned i, bool mapped, int *ret)
{
	struct sockaddr_storage a;
	socklen_t n = proxy_address(end, i, &a);
	int r = 0;

	*ret = make_socket(end);
	if (*ret < 0)
		return helper_fail(errno, "a socket");
	if (end->protocol == PROXY_TCP)
		setsockopt(*ret, SOL_SOCKET, SO_REUSEADDR, &(int) { 1 }, sizeof(int));
	if (proxy_is_file(end))
		r = with_files(mapped, bind_file, *ret);
	else if (bind(*ret, (struct sockaddr *)&a, n) < 0)
		r = end->protocol == PROXY_UNIX ? helper_fail(errno, "listening at %s", end->path) :
						  helper_fail(errno, "listening at port %u", end->ports[i]);
	if (r == 0 && end->protocol != PROXY_UDP && listen(*ret, BACKLOG) < 0)
		r = helper_fail(errno, "listening");
	return r;
}

static int listen_all(bool mapped)
{
	const struct proxy_end *end = &forward.proxy.listen;
	int r = 0;

	for (unsigned i = 0; i < end->n && r == 0; i++) {
		struct listener *l = calloc(1, sizeof(*l));

		if (!l)
			return helper_fail(ENOMEM, "listening");
		l->index = i;
		l->next = forward.listeners;
		forward.listeners = l;
		r = listen_one(end, i, mapped, &l->fd);
	}
	return r;
}

int helper_listen(bool mapped)
{
	_cleanup_close_ int host = -1;
	int r = 0;

	if (!forward.proxy.inside)
		return listen_all(mapped);
	host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (host < 0)
		return helper_fail(errno, "/proc/self/ns/net");
	r = enter(CLONE_NEWNET);
	if (r == 0)
		r = listen_all(mapped);
	if (r == 0 && setns(host, CLONE_NEWNET) < 0)
		r = helper_fail(errno, "coming back to the host's network");
	return r;
}

int helper_connect(unsigned port)
{
	const struct proxy_end *end = &forward.proxy.connect;
	struct sockaddr_storage a;
	struct sockaddr_un *un = (struct sockaddr_un *)&a;
	socklen_t n = proxy_address(end, port, &a);
	const char *name;
	int fd = make_socket(end);

	if (fd < 0)
		return -1;
	if (proxy_is_file(end)) {
		if (enter_directory(end->path, &name) < 0)
			return close(fd), -1;
		n = short_address(name, un);
	}
	if (connect(fd, (struct sockaddr *)&a, n) < 0 && errno != EINPROGRESS)
		return close(fd), -1;
	return fd;
}
