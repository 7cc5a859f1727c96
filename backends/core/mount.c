// SPDX-License-Identifier: LGPL-2.1-or-later
/* Mounts through the descriptor-based calls (open_tree, mount_setattr, move_mount). No state, no locks. */
#include "backends/core/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/cleanup.h"

int mount_is(const char *path)
{
	struct statx st;

	if (statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_TYPE, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	return !!(st.stx_attributes & STATX_ATTR_MOUNT_ROOT);
}

static int set_attributes(int fd, const char *path, unsigned flags, struct mount_attr *a)
{
	return (int)syscall(SYS_mount_setattr, fd, path, flags, a, sizeof(*a));
}

int mount_private(const char *path, mode_t mode, struct err *e)
{
	struct mount_attr a = { .propagation = MS_PRIVATE };
	int r;

	if (mkdir(path, mode) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make %s", path);
	r = mount_is(path);
	if (r < 0)
		return err_sys(e, -r, "cannot look at %s", path);
	if (!r && mount(path, path, NULL, MS_BIND, NULL) < 0)
		return err_sys(e, errno, "cannot make a mount of %s", path);
	if (set_attributes(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &a) < 0)
		return err_sys(e, errno, "cannot make %s a private mount", path);
	return 0;
}

void mount_private_end(const char *path)
{
	umount2(path, UMOUNT_NOFOLLOW);
}

int mount_tree(const char *path, int userns, uint64_t attr, unsigned flags, struct err *e)
{
	unsigned recursive = flags & MOUNT_TREE_RECURSIVE ? AT_RECURSIVE : 0;
	struct mount_attr a = { .attr_set = attr, .propagation = flags & MOUNT_TREE_PEERS ? 0 : MS_PRIVATE };
	_cleanup_close_ int fd = -1;

	fd = (int)syscall(SYS_open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive |
			  (flags & MOUNT_TREE_NOFOLLOW ? AT_SYMLINK_NOFOLLOW : 0));
	if (fd < 0)
		return err_sys(e, errno, "cannot clone the mount of %s", path);
	if (userns >= 0) {
		a.attr_set |= MOUNT_ATTR_IDMAP;
		a.userns_fd = (uint64_t)userns;
	}
	if ((a.attr_set || a.propagation) && set_attributes(fd, "", AT_EMPTY_PATH | recursive, &a) < 0)
		return userns < 0 ? err_sys(e, errno, "cannot set options of the mount of %s", path) :
				    err_sys(e, errno, "the file system of %s cannot map ids", path);
	return steal_fd(&fd);
}

int mount_clone(const char *path, int userns, bool read_only, struct err *e)
{
	return mount_tree(path, userns, read_only ? MOUNT_ATTR_RDONLY : 0, MOUNT_TREE_NOFOLLOW, e);
}

int mount_attach(int fd, const char *target, struct err *e)
{
	if (syscall(SYS_move_mount, fd, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return err_sys(e, errno, "cannot mount at %s", target);
	return 0;
}

int mount_detach(const char *path, struct err *e)
{
	int r;

	while ((r = mount_is(path)) > 0) {
		if (!umount2(path, UMOUNT_NOFOLLOW))
			continue;
		if (errno != EBUSY || umount2(path, UMOUNT_NOFOLLOW | MNT_DETACH) < 0)
			return err_sys(e, errno, "cannot unmount %s", path);
	}
	return r < 0 ? err_sys(e, -r, "cannot look at %s", path) : 0;
}

/* Leaving id 0 takes the file capabilities out of the effective set; the permitted set still has them. */
static int raise_permitted(unsigned but)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		d[i].effective = d[i].permitted;
	if (but)
		d[CAP_TO_INDEX(but)].effective &= ~CAP_TO_MASK(but);
	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

int mount_identity_begin(uid_t uid, gid_t gid, struct err *e)
{
	int r;

	/* Per thread, unlike setresuid(); the return value is the previous id, an impossible id asks without changing. */
	setfsgid(gid);
	setfsuid(uid);
	if ((uid_t)setfsuid(UINT32_MAX) != uid || (gid_t)setfsgid(UINT32_MAX) != gid) {
		mount_identity_end();
		return err_set(e, EPERM, "cannot act as user %u to mount: is the daemon root?", uid);
	}
	r = raise_permitted(CAP_SYS_RESOURCE);
	if (r < 0) {
		mount_identity_end();
		return err_sys(e, -r, "cannot keep capabilities while mounting as user %u", uid);
	}
	return 0;
}

void mount_identity_end(void)
{
	setfsuid(geteuid());
	setfsgid(getegid());
	raise_permitted(0);
}
