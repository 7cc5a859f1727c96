// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/storage/quota.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <linux/quota.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

/* By descriptor: no device has to be found, whatever is mounted where. */
static int control(int fd, unsigned command, uint32_t project, void *what)
{
	return syscall(SYS_quotactl_fd, fd, QCMD(command, PRJQUOTA), project, what) < 0 ? -errno : 0;
}

void quota_mark(int dirfd, uint32_t project)
{
	struct fsxattr a;

	if (!project || ioctl(dirfd, FS_IOC_FSGETXATTR, &a) < 0)
		return;
	a.fsx_projid = project;
	a.fsx_xflags |= FS_XFLAG_PROJINHERIT;
	ioctl(dirfd, FS_IOC_FSSETXATTR, &a);
}

static bool is_marked(int dirfd, uint32_t project)
{
	struct fsxattr a;

	return project && ioctl(dirfd, FS_IOC_FSGETXATTR, &a) == 0 && a.fsx_projid == project;
}

/* QUOTA_PDQ flags; 0 as well when nothing is known. */
static unsigned state(int dirfd)
{
	struct fs_quota_statv s = { .qs_version = FS_QSTATV_VERSION1 };

	return control(dirfd, Q_XGETQSTATV, 0, &s) < 0 ? 0 : s.qs_flags;
}

static int without_quotas(int dirfd, struct err *e)
{
	struct statfs fs = { .f_type = 0 };

	fstatfs(dirfd, &fs);
	if (fs.f_type == EXT4_SUPER_MAGIC)
		return err_set(e, EOPNOTSUPP, "the file system of the store is ext4 without project quotas: `tune2fs -O project,quota` "
			       "while it is not mounted and the mount option prjquota give it some");
	if (fs.f_type == XFS_SUPER_MAGIC)
		return err_set(e, EOPNOTSUPP, "the file system of the store is xfs, mounted without the option prjquota");
	return err_set(e, EOPNOTSUPP, "the file system of the store has no project quotas; ext4 and xfs have, with the mount option prjquota");
}

int quota_can(int dirfd, uint32_t project, struct err *e)
{
	if (!(state(dirfd) & FS_QUOTA_PDQ_ENFD))
		return without_quotas(dirfd, e);
	if (!is_marked(dirfd, project))
		return err_set(e, EOPNOTSUPP, "this root file system was made before its store had project quotas, so that its files are not "
			       "counted; those of a copy, or after a restore, are");
	return 0;
}

bool quota_get(int dirfd, uint32_t project, uint64_t *bytes, uint64_t *limit)
{
	struct if_dqblk q;

	if (!is_marked(dirfd, project) || control(dirfd, Q_GETQUOTA, project, &q) < 0)
		return false;
	*bytes = q.dqb_curspace;
	*limit = state(dirfd) & FS_QUOTA_PDQ_ENFD ? q.dqb_bhardlimit * QIF_DQBLKSIZE : 0;
	return true;
}

int quota_set(int dirfd, uint32_t project, uint64_t bytes, struct err *e)
{
	struct if_dqblk q = { .dqb_bhardlimit = bytes / QIF_DQBLKSIZE + (bytes % QIF_DQBLKSIZE != 0), .dqb_valid = QIF_BLIMITS };
	int r = control(dirfd, Q_SETQUOTA, project, &q);

	return r < 0 ? err_sys(e, -r, "the kernel does not take a quota of %" PRIu64 " bytes", bytes) : 0;
}

void quota_drop(int dirfd, uint32_t project)
{
	if (project)
		quota_set(dirfd, project, 0, NULL);
}
