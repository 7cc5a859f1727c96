// SPDX-License-Identifier: LGPL-2.1-or-later
/* Deleting and replacing of trees; see tree_usage.c for measuring. No state, no locks: callers serialise per directory. */
#include "backends/core/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/cleanup.h"

/* A directory below this depth is first moved to the top of the tree that is deleted: descriptors and stack stay bounded. */
#define DEPTH_MAX 48

struct removal {
	int top;
	unsigned moved;		/* number for the next name at the top */
	bool again;		/* something was moved to the top: read it once more */
	struct err *e;
};

int tree_open(int dirfd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS,
	};
	int fd = (int)syscall(SYS_openat2, dirfd, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static void clear_flags(int fd)
{
	int flags;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 || !(flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)))
		return;
	flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
	ioctl(fd, FS_IOC_SETFLAGS, &flags);
}

/* Removes one name that is no directory, or an empty one. A guest that had the capability may have left immutable files. */
static int remove_name(int dirfd, const char *name, int flags)
{
	_cleanup_close_ int fd = -1;
	struct stat st;

	if (!unlinkat(dirfd, name, flags))
		return 0;
	if (errno != EPERM || fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	clear_flags(dirfd);
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) {
		fd = tree_open(dirfd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY);
		if (fd >= 0)
			clear_flags(fd);
	}
	return unlinkat(dirfd, name, flags) < 0 ? -errno : 0;
}

static int move_to_top(struct removal *rm, int dirfd, const char *name)
{
	char to[32];
	int r;

	do {
		snprintf(to, sizeof(to), ".deep-%u", rm->moved++);
		r = (int)syscall(SYS_renameat2, dirfd, name, rm->top, to, RENAME_NOREPLACE);
	} while (r < 0 && errno == EEXIST);
	if (r < 0)
		return -errno;
	rm->again = true;
	return 0;
}

static int empty_directory(struct removal *rm, int dirfd, unsigned depth);

static int remove_entry(struct removal *rm, int dirfd, const char *name, unsigned depth)
{
	_cleanup_close_ int fd = -1;
	int r = remove_name(dirfd, name, 0);

	if (!r || r == -ENOENT)
		return 0;
	if (r != -EISDIR)
		return err_sys(rm->e, -r, "cannot delete \"%s\"", name);
	r = remove_name(dirfd, name, AT_REMOVEDIR);
	if (!r || r == -ENOENT)
		return 0;
	if (r == -ENOTEMPTY && depth >= DEPTH_MAX && !(r = move_to_top(rm, dirfd, name)))
		return 0;
	if (r != -ENOTEMPTY)
		return err_sys(rm->e, -r, "cannot delete the directory \"%s\"", name);
	fd = tree_open(dirfd, name, O_RDONLY | O_DIRECTORY);
	if (fd == -EXDEV)
		return err_set(rm->e, EBUSY, "cannot delete \"%s\": something is mounted there", name);
	if (fd < 0)
		return err_sys(rm->e, -fd, "cannot open the directory \"%s\"", name);
	r = empty_directory(rm, fd, depth + 1);
	if (r < 0)
		return r;
	r = remove_name(dirfd, name, AT_REMOVEDIR);
	return r < 0 && r != -ENOENT ? err_sys(rm->e, -r, "cannot delete the directory \"%s\"", name) : 0;
}

static int empty_directory(struct removal *rm, int dirfd, unsigned depth)
{
	_cleanup_dir_ DIR *d = NULL;
	struct dirent *de;
	int fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0), r;

	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		r = errno;
		if (fd >= 0)
			close(fd);
		return err_sys(rm->e, r, "cannot read a directory");
	}
	rewinddir(d);
	for (;;) {
		errno = 0;
		de = readdir(d);
		if (!de)
			return errno ? err_sys(rm->e, errno, "cannot read a directory") : 0;
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		r = remove_entry(rm, dirfd, de->d_name, depth);
		if (r < 0)
			return r;
	}
}

int tree_remove(int dirfd, const char *name, struct err *e)
{
	struct removal rm = { .again = true, .e = e };
	_cleanup_close_ int fd = -1;
	int r = remove_name(dirfd, name, 0);

	if (!r || r == -ENOENT)
		return 0;
	if (r != -EISDIR)
		return err_sys(e, -r, "cannot delete \"%s\"", name);
	fd = tree_open(dirfd, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return err_sys(e, fd == -EXDEV ? EBUSY : -fd, "cannot open the directory \"%s\"", name);
	rm.top = fd;
	while (rm.again) {
		rm.again = false;
		r = empty_directory(&rm, fd, 0);
		if (r < 0)
			return r;
	}
	r = remove_name(dirfd, name, AT_REMOVEDIR);
	return r < 0 && r != -ENOENT ? err_sys(e, -r, "cannot delete the directory \"%s\"", name) : 0;
}

void tree_stage_name(const char *name, char buf[TREE_NAME_MAX])
{
	snprintf(buf, TREE_NAME_MAX, ".%s.new", name);
}

int tree_stage(int dirfd, const char *name, struct err *e)
{
	char tmp[TREE_NAME_MAX];
	int r, fd;

	tree_stage_name(name, tmp);
	r = tree_remove(dirfd, tmp, e);
	if (r < 0)
		return r;
	if (mkdirat(dirfd, tmp, 0700) < 0)
		return err_sys(e, errno, "cannot make the directory %s", tmp);
	fd = tree_open(dirfd, tmp, O_RDONLY | O_DIRECTORY);
	return fd < 0 ? err_sys(e, -fd, "cannot open the directory %s", tmp) : fd;
}

void tree_stage_abandon(int dirfd, const char *name)
{
	char tmp[TREE_NAME_MAX];

	tree_stage_name(name, tmp);
	tree_remove(dirfd, tmp, NULL);
}

int tree_commit(int dirfd, const char *name, struct err *e)
{
	/* Contents before the name: after a power cut the name must not stand for files that never reached the disk. */
	if (syncfs(dirfd) < 0)
		return err_sys(e, errno, "cannot write \"%s\" to disk", name);
	return tree_commit_synced(dirfd, name, e);
}

int tree_commit_synced(int dirfd, const char *name, struct err *e)
{
	char tmp[TREE_NAME_MAX];
	bool old = true;
	int r;

	tree_stage_name(name, tmp);
	r = (int)syscall(SYS_renameat2, dirfd, tmp, dirfd, name, RENAME_EXCHANGE);
	if (r < 0 && errno == ENOENT) {
		old = false;
		r = renameat(dirfd, tmp, dirfd, name);
	}
	if (r < 0 || fsync(dirfd) < 0)
		return err_sys(e, errno, "cannot put \"%s\" in its place", name);
	/* It is done, whatever becomes of the old contents; the next tree_stage() deletes what is left of them. */
	if (old)
		tree_remove(dirfd, tmp, NULL);
	return 0;
}

int tree_discard(int dirfd, const char *name, struct err *e)
{
	char old[TREE_NAME_MAX];
	int r;

	snprintf(old, sizeof(old), ".%s.old", name);
	r = tree_remove(dirfd, old, e);
	if (r < 0)
		return r;
	if (renameat(dirfd, name, dirfd, old) < 0)
		return errno == ENOENT ? 0 : err_sys(e, errno, "cannot set \"%s\" aside", name);
	if (fsync(dirfd) < 0)
		return err_sys(e, errno, "cannot write the removal of \"%s\" to disk", name);
	return tree_remove(dirfd, old, e);
}
