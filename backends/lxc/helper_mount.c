// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-lxc mount and unmount: one mount of the host comes into, or leaves, a running container, whose init is descriptor 3.
 *
 * What lies in the container is the guest's: paths are resolved below its root and never out of it, and missing directories are made
 * by the guest's own root. A tree that is to be given to a guest with a user namespace is cloned in a mount namespace that belongs
 * to that user namespace: crossing into it locks the flags of every mount, so that the guest can unmount it but not make it writable.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/lxc/helper.h"

#define INIT_FD 3

static int fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The server takes the status for an errno and the line for the reason. */
static int fail(int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, ": %s\n", strerror(code));
	return code;
}

/* Becomes root of the guest's user namespace. */
static int enter_user(void)
{
	if (setns(INIT_FD, CLONE_NEWUSER) < 0)
		return fail(errno, "entering the user namespace");
	if (setgroups(0, NULL) < 0 || setresgid(0, 0, 0) < 0 || setresuid(0, 0, 0) < 0)
		return fail(errno, "becoming root of the instance");
	return 0;
}

static int clone_tree(const char *source, bool mapped, bool recursive, int *ret)
{
	if (mapped && unshare(CLONE_NEWNS) < 0)
		return fail(errno, "making a mount namespace");
	*ret = (int)syscall(SYS_open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursive ? AT_RECURSIVE : 0));
	return *ret < 0 ? fail(errno, "cloning %s", source) : 0;
}

static int enter_mounts(int *root)
{
	if (setns(INIT_FD, CLONE_NEWNS) < 0)
		return fail(errno, "entering the mount namespace");
	*root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return *root < 0 ? fail(errno, "the root of the instance") : 0;
}

static int open_in(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(O_PATH | O_CLOEXEC | flags), .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* Makes the last component of path in the directory dir. */
static int make_one(int dir, const char *name, bool is_dir)
{
	int fd;

	if (is_dir)
		return mkdirat(dir, name, 0755);
	fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return -1;
	return close(fd);
}

/* Walks down and makes what is missing. */
static int make_path(int root, const char *path, bool dir)
{
	char part[4097];
	size_t n = strspn(path, "/");
	int parent = open_in(root, ".", O_DIRECTORY), next;

	while (path[n] && parent >= 0) {
		size_t len = strcspn(path + n, "/");
		bool last = !path[n + len + strspn(path + n + len, "/")];
		char name[256];

		if (len >= sizeof(name) || n + len >= sizeof(part))
			return close(parent), fail(ENAMETOOLONG, "%s in the instance", path);
		memcpy(name, path + n, len);
		name[len] = '\0';
		memcpy(part, path, n + len);
		part[n + len] = '\0';
		if (make_one(parent, name, dir || !last) < 0 && errno != EEXIST)
			return close(parent), fail(errno, "making %s in the instance", part);
		next = open_in(root, part, last && !dir ? 0 : O_DIRECTORY);
		close(parent);
		parent = next;
		n += len + strspn(path + n + len, "/");
	}
	if (parent < 0)
		return fail(errno, "%s in the instance", path);
	close(parent);
	return 0;
}

static int open_target(int root, const char *path, bool dir, int *ret)
{
	struct stat st;
	int r;

	*ret = open_in(root, path, 0);
	if (*ret < 0 && errno == ENOENT) {
		r = make_path(root, path, dir);
		if (r)
			return r;
		*ret = open_in(root, path, 0);
	}
	if (*ret < 0)
		return fail(errno, "%s in the instance", path);
	if (fstat(*ret, &st) < 0)
		return fail(errno, "%s in the instance", path);
	if (!!S_ISDIR(st.st_mode) != dir)
		return fail(dir ? ENOTDIR : EISDIR, "%s in the instance is %sa directory and its source is %s", path, dir ? "not " : "",
			    dir ? "one" : "not");
	return 0;
}

static int propagate(int fd, const char *word)
{
	static const struct {
		const char *name;
		uint64_t flag;
	} words[] = { { "private", MS_PRIVATE }, { "shared", MS_SHARED }, { "slave", MS_SLAVE }, { "unbindable", MS_UNBINDABLE } };
	bool recursive = word[0] == 'r';
	struct mount_attr a = { .propagation = 0 };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(words[i].name, word + recursive))
			a.propagation = words[i].flag;
	if (syscall(SYS_mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &a, sizeof(a)) < 0)
		return fail(errno, "setting propagation=%s", word);
	return 0;
}

/* mapped|unmapped SOURCE TARGET dir|file bind|rbind PROPAGATION */
int helper_mount(char *const *args)
{
	bool mapped = !strcmp(args[0], "mapped"), dir = !strcmp(args[3], "dir");
	int tree = -1, root = -1, target = -1, r = 0;

	if (mapped)
		r = enter_user();
	if (r == 0)
		r = clone_tree(args[1], mapped, !strcmp(args[4], "rbind"), &tree);
	if (r == 0)
		r = enter_mounts(&root);
	if (r == 0)
		r = open_target(root, args[2], dir, &target);
	if (r)
		return r;
	if (syscall(SYS_move_mount, tree, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH) < 0)
		return fail(errno, "mounting at %s in the instance", args[2]);
	return propagate(tree, args[5]);
}

static bool is_listed(const char *ids, unsigned long long id)
{
	char *end;

	for (const char *p = ids; *p; p = end + (*end == ' ')) {
		if (strtoull(p, &end, 10) == id)
			return true;
		if (end == p)
			return false;
	}
	return false;
}

/* What was made to mount on, in the directory that this process is in; the guest may have put something there since. */
static void remove_empty(const char *name)
{
	struct stat st;

	if (lstat(name, &st) == 0 && S_ISREG(st.st_mode) && !st.st_size)
		unlink(name);
	else
		rmdir(name);
}

/*
 * The mount is named by its place from its directory, and by that alone: another one that the guest puts there at this moment would
 * go instead, which is its own business.
 */
static int unmount_at(int root, char *path, bool made)
{
	char *slash = strrchr(path, '/');
	int fd;

	if (!slash || !slash[1])
		return fail(EINVAL, "%s in the instance", path);
	*slash = '\0';
	fd = open_in(root, *path ? path : "/", O_DIRECTORY);
	if (fd < 0 || fchdir(fd) < 0)
		return fail(errno, "%s in the instance", path);
	if (umount2(slash + 1, MNT_DETACH | UMOUNT_NOFOLLOW) < 0)
		return fail(errno, "unmounting %s in the instance", slash + 1);
	if (made)
		remove_empty(slash + 1);
	return 0;
}

/* Where fd is, without symbolic links: told by the host's /proc (fds is a descriptor of /proc/self/fd), not by the guest's. */
static int real_path(int fds, int fd, char path[4097])
{
	char number[16];
	ssize_t n;

	snprintf(number, sizeof(number), "%d", fd);
	n = readlinkat(fds, number, path, 4096);
	if (n < 0)
		return fail(errno, "/proc");
	path[n] = '\0';
	return 0;
}

/* mapped|unmapped TARGET IDS made|found */
int helper_unmount(char *const *args)
{
	int fds = open("/proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC), root = -1, target, r = 0;
	char path[4097];
	struct statx st;

	if (!strcmp(args[0], "mapped"))
		r = enter_user();
	if (r == 0)
		r = enter_mounts(&root);
	if (r)
		return r;
	target = open_in(root, args[1], 0);
	if (target < 0 || statx(target, "", AT_EMPTY_PATH, STATX_MNT_ID, &st) < 0)
		return fail(errno, "%s in the instance", args[1]);
	if (!is_listed(args[2], st.stx_mnt_id))
		return fail(EBUSY, "something else is mounted at %s in the instance, or it was moved", args[1]);
	r = real_path(fds, target, path);
	return r ? r : unmount_at(root, path, !strcmp(args[3], "made"));
}
