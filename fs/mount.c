// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "fs/shm.h"

#define FS_TYPE "fuse.instfs"

extern char **environ;

/* ---- /proc/self/mountinfo ---- */

/* Undoes \040 and the like, in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] && s[2] && s[3]) {
			*to++ = (char)((s[1] & 3) << 6 | (s[2] & 7) << 3 | (s[3] & 7));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = '\0';
}

static bool parse_line(char *line, const char *mountpoint, struct mount_place *ret, bool *same_place)
{
	char place[4096 * 4], *tail = strstr(line, " - "), *id;
	unsigned ma, mi;

	*same_place = sscanf(line, "%*d %*d %u:%u %*s %16383s", &ma, &mi, place) == 3 && tail;
	if (!*same_place)
		return false;
	unescape(place);
	*same_place = strcmp(place, mountpoint) == 0;
	if (!*same_place || strncmp(tail + 3, FS_TYPE " ", sizeof(FS_TYPE)) != 0)
		return false;
	id = strstr(tail, "user_id=");
	*ret = (struct mount_place){ ma, mi, id ? (uid_t)strtoul(id + 8, NULL, 10) : (uid_t)-1 };
	return true;
}

int mount_find(const char *mountpoint, struct mount_place *ret, struct err *e)
{
	_cleanup_file_ FILE *f = fopen("/proc/self/mountinfo", "re");
	_cleanup_free_ char *line = NULL;
	bool found = false, ours, here;
	struct mount_place m;
	size_t cap = 0;

	if (!f)
		return err_sys(e, errno, "/proc/self/mountinfo");
	while (getline(&line, &cap, f) > 0) {
		ours = parse_line(line, mountpoint, &m, &here);
		if (here)	/* the last one is on top */
			found = ours;
		if (here && ours)
			*ret = m;
	}
	return found ? 0 : err_set(e, ENOENT, "instfs is not mounted at %s", mountpoint);
}

/* ---- by the system call ---- */

static int mount_direct(const struct options *o, struct err *e)
{
	char type[] = FS_TYPE, data[256];
	struct stat st;
	int fd, r;

	if (stat(o->mountpoint, &st) < 0)
		return err_sys(e, errno, "%s", o->mountpoint);
	fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "/dev/fuse");
	r = shm_take_fd(fd, FD_FUSE);
	if (r)
		return err_sys(e, -r, "/dev/fuse");
	snprintf(data, sizeof(data), "fd=%d,rootmode=%o,user_id=%u,group_id=%u%s%s", FD_FUSE, st.st_mode & S_IFMT, getuid(), getgid(),
		 o->allow_other ? ",allow_other" : "", o->default_permissions ? ",default_permissions" : "");
	if (mount(o->fsname, o->mountpoint, type, (unsigned long)o->mount_flags, data) < 0)
		return err_sys(e, errno, "mount at %s", o->mountpoint);
	return 0;
}

/* ---- by fusermount3, which is setuid root and sends the descriptor over a socket ---- */

static int run_fusermount(char *const argv[], int comm)
{
	posix_spawn_file_actions_t fa;
	char var[32];
	int r, status;
	pid_t pid;

	posix_spawn_file_actions_init(&fa);
	if (comm >= 0) {
		snprintf(var, sizeof(var), "%d", comm);
		setenv("_FUSE_COMMFD", var, 1);
		posix_spawn_file_actions_adddup2(&fa, comm, comm);
	}
	r = posix_spawnp(&pid, "fusermount3", &fa, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&fa);
	unsetenv("_FUSE_COMMFD");
	if (r)
		return -r;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -EPERM;
}

static int receive_fd(int sock)
{
	union { struct cmsghdr h; char space[CMSG_SPACE(sizeof(int))]; } c;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &c, .msg_controllen = sizeof(c) };
	int fd;

	if (recvmsg(sock, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) <= 0 || !CMSG_FIRSTHDR(&h) || c.h.cmsg_type != SCM_RIGHTS)
		return -EIO;
	memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
	return fd;
}

static int mount_helped(const struct options *o, struct err *e)
{
	_cleanup_close_ int ours = -1, theirs = -1;
	char opts[600];
	char *argv[] = { "fusermount3", "-o", opts, "--", (char *)(uintptr_t)o->mountpoint, NULL };
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(e, errno, "socket");
	ours = pair[0];
	theirs = pair[1];
	snprintf(opts, sizeof(opts), "fsname=%s,subtype=instfs%s%s%s%s", o->fsname, o->allow_other ? ",allow_other" : "",
		 o->default_permissions ? ",default_permissions" : "", o->read_only ? ",ro" : "", o->mount_flags & MS_NOEXEC ? ",noexec" : "");
	r = run_fusermount(argv, theirs);
	if (r)
		return err_set(e, -r, "fusermount3 could not mount at %s", o->mountpoint);
	r = shm_take_fd(receive_fd(ours), FD_FUSE);
	return r ? err_sys(e, -r, "fusermount3 sent no descriptor") : 0;
}

int mount_make(const struct options *o, unsigned *dev_major, unsigned *dev_minor, struct err *e)
{
	struct mount_place m = { 0 };
	int r = geteuid() ? mount_helped(o, e) : mount_direct(o, e);

	if (!r)
		r = mount_find(o->mountpoint, &m, e);
	if (r)
		return r;
	*dev_major = m.dev_major;
	*dev_minor = m.dev_minor;
	return 0;
}

int mount_remove(const struct options *o, struct err *e)
{
	char *argv[] = { "fusermount3", "-u", "-q", "-z", "--", (char *)(uintptr_t)o->mountpoint, NULL };

	if (geteuid())
		return run_fusermount(argv, -1) ? err_set(e, EPERM, "fusermount3 could not unmount %s", o->mountpoint) : 0;
	if (!umount2(o->mountpoint, UMOUNT_NOFOLLOW) || (errno == EBUSY && !umount2(o->mountpoint, MNT_DETACH | UMOUNT_NOFOLLOW)))
		return 0;
	return err_sys(e, errno, "unmount %s", o->mountpoint);
}
