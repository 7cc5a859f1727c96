// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-lxc mounts SOURCE TARGET ...: binds files and directories of the host over those of a running container, whose init is
 * descriptor 3 (a pidfd). What is dead there is unmounted before. A target that the container has not is passed over.
 *
 * The container's paths are its own business: none of its links is followed, and from inside of its mount namespace nothing else
 * can be reached.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/lxc/helper.h"

#define PIDFD 3
#define MAX 64
#define LAYERS_MAX 8

static int clone_tree(const char *path)
{
	return (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE);
}

static int open_target(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC | O_NOFOLLOW, .resolve = RESOLVE_NO_SYMLINKS };

	return (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
}

/* Also opening it can fail that way, when its file system has to be asked for the name. */
static void clear_dead(const char *path)
{
	struct stat st;

	for (int i = 0; i < LAYERS_MAX && lstat(path, &st) < 0 && errno == ENOTCONN; i++)
		if (umount2(path, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
			return;
}

static int attach(int tree, const char *target)
{
	_cleanup_close_ int fd = -1;
	char path[256];

	snprintf(path, sizeof(path), "/%s", target);
	clear_dead(path);
	fd = open_target(path);
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	return syscall(SYS_move_mount, tree, "", fd, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0 ? -errno : 0;
}

int helper_mounts(int argc, char *const argv[])
{
	int trees[MAX], n = argc / 2, r, failed = 0;

	if (n > MAX)
		return 2;
	for (int i = 0; i < n; i++)
		trees[i] = clone_tree(argv[2 * i]);
	if (setns(PIDFD, CLONE_NEWNS) < 0) {
		fprintf(stderr, "its mount namespace: %s\n", strerror(errno));
		return 1;
	}
	for (int i = 0; i < n; i++) {
		r = trees[i] < 0 ? trees[i] : attach(trees[i], argv[2 * i + 1]);
		if (r >= 0)
			continue;
		fprintf(stderr, "/%s: %s\n", argv[2 * i + 1], trees[i] < 0 ? "its source is not there" : strerror(-r));
		failed = 1;
	}
	return failed;
}
