// SPDX-License-Identifier: LGPL-2.1-or-later
/* What the drivers share: copying by cp(1), snapshots' directories, removal. No state, no locks: one operation per object. */
#include "backends/storage/copy.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/spawn.h"
#include "backends/core/tree.h"
#include "backends/storage/quota.h"

struct copying {
	struct op *op;
	const char *what, *name;
	int from;
	uint64_t total;
};

/* Bytes that a process has given to file systems so far, in the middle of a copy_file_range(2) as well; 0 when that is not known. */
static uint64_t written_by(pid_t pid)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char path[64];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	if (buf_read_file(&b, AT_FDCWD, path, 4096) < 0)
		return 0;
	at = strstr(buf_str(&b), "\nwrite_bytes: ");
	return at ? strtoull(at + strlen("\nwrite_bytes: "), NULL, 10) : 0;
}

/* What there is to copy is counted when that takes long, not for the many that are done before. */
static void tell_progress(pid_t pid, void *arg)
{
	struct copying *c = arg;
	uint64_t done;

	if (!c->total && tree_usage(c->from, c->name, &c->total, NULL) < 0)
		c->total = 0;
	done = written_by(pid);
	op_progress(c->op, "%s: copying files, %" PRIu64 " MiB of %" PRIu64 " MiB", c->what,
		    (done < c->total ? done : c->total) >> 20, c->total >> 20);
}

int copy_tree(int from_fd, int to_fd, const char *name, const char *to_name, struct op *op, const char *what, struct err *e)
{
	char from[96], to[96];
	/* -x: what is mounted inside is not part of it. All in one directory for relative names would race with nobody, but the two
	 * descriptors are what was checked: cp gets exactly these. */
	const char *argv[] = { "cp", "-dRx", "--preserve=mode,ownership,timestamps,links,xattr", "--reflink=auto", "--sparse=auto",
			       "-T", "--", from, to, NULL };
	struct spawn_fd fds[] = { { .fd = from_fd, .as = 3 }, { .fd = to_fd, .as = 4 } };
	struct copying c = { .op = op, .what = what, .name = name, .from = from_fd };
	struct spawn s = { .path = "/bin/cp", .argv = argv, .fds = fds, .n_fds = 2, .die_with_server = true, .userns = -1,
			   .tick = op ? tell_progress : NULL, .tick_arg = &c };

	int r;

	snprintf(from, sizeof(from), "/proc/self/fd/3/%s", name);
	snprintf(to, sizeof(to), "/proc/self/fd/4/%s", to_name);
	if (op)
		op_progress(op, "%s: copying files", what);
	r = spawn_run(&s, -1, NULL, e);
	return r == -ENOSPC || r == -EDQUOT ? err_sys(e, -r, "the files cannot be copied") : r;
}

int copy_write_text(int dirfd, const char *name, const char *text, struct err *e)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(fd) < 0)
		return err_sys(e, errno, "cannot write the file %s", name);
	return 0;
}

int copy_read_text(int dirfd, const char *name, char *buf, size_t size)
{
	_cleanup_close_ int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		return -errno;
	buf[n] = '\0';
	return 0;
}

void copy_fingerprint(const char *base, char *buf, size_t size)
{
	const char *end = strrchr(base, '/'), *start = end;

	while (start && start > base && start[-1] != '/')
		start--;
	snprintf(buf, size, "%.*s", start ? (int)(end - start) : 0, start ? start : "");
}

void copy_tell_base(int payload, void (*f)(const char *fingerprint, void *arg), void *arg)
{
	char fingerprint[160];

	if (payload >= 0 && !copy_read_text(payload, "base", fingerprint, sizeof(fingerprint)) && fingerprint[0])
		f(fingerprint, arg);
}

int copy_open_dir(const struct volume *v, struct err *e)
{
	int fd = open(v->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? err_sys(e, errno, "cannot open %s", v->dir) : fd;
}

int copy_open_snapshots(const struct volume *v, bool make, struct err *e)
{
	_cleanup_close_ int dir = copy_open_dir(v, e);
	int fd;

	if (dir < 0)
		return dir;
	if (make && (mkdirat(dir, "snapshots", 0700) < 0 ? errno != EEXIST : fsync(dir) < 0))
		return err_sys(e, errno, "cannot make a directory for snapshots");
	fd = tree_open(dir, "snapshots", O_RDONLY | O_DIRECTORY);
	return fd < 0 ? err_sys(e, -fd, "cannot open the directory of snapshots") : fd;
}

int copy_open_payload(const struct volume *v, const char *kind, struct err *e)
{
	_cleanup_close_ int dir = -1;
	int fd;

	dir = v->snap[0] ? copy_open_snapshots(v, false, e) : copy_open_dir(v, e);
	if (dir < 0)
		return dir;
	fd = tree_open(dir, v->snap[0] ? v->snap : kind, O_RDONLY | O_DIRECTORY);
	if (fd == -ENOENT && v->snap[0])
		return err_set(e, ENOENT, "there is no snapshot %s on disk", v->snap);
	if (fd == -ENOENT)
		return err_set(e, ENOENT, "there is no root file system yet: write its origin to `source`");
	return fd < 0 ? err_sys(e, -fd, "cannot open the root file system") : fd;
}

int copy_snapshot_delete(const struct volume *v, const char *name, struct err *e)
{
	struct err none = ERR_INIT;
	_cleanup_close_ int snaps = copy_open_snapshots(v, false, &none);

	if (snaps == -ENOENT)
		return 0;
	if (snaps < 0)
		return err_set(e, -snaps, "%s", none.text);
	return tree_discard(snaps, name, e);
}

int copy_snapshot_rename(const struct volume *v, const char *name, const char *new_name, struct err *e)
{
	_cleanup_close_ int snaps = copy_open_snapshots(v, false, e);

	if (snaps < 0)
		return snaps;
	if (syscall(SYS_renameat2, snaps, name, snaps, new_name, 1 /* RENAME_NOREPLACE */) < 0) {
		/* Done by an interrupted run already? */
		if (errno == ENOENT && !faccessat(snaps, new_name, F_OK, AT_SYMLINK_NOFOLLOW))
			return 0;
		return err_sys(e, errno, "cannot rename the snapshot %s to %s", name, new_name);
	}
	return fsync(snaps) < 0 ? err_sys(e, errno, "cannot write the renaming of snapshot %s to disk", name) : 0;
}

int copy_remove(const struct volume *v, const char *kind, struct err *e)
{
	_cleanup_close_ int dir = copy_open_dir(v, e);
	int r;

	if (dir < 0)
		return dir == -ENOENT ? 0 : dir;
	r = tree_discard(dir, kind, e);
	if (!r)
		r = tree_discard(dir, "snapshots", e);
	if (!r)
		tree_stage_abandon(dir, kind);
	if (!r)
		quota_drop(dir, v->project);
	return r;
}

int copy_stage(int parent, const char *name, uint32_t project, struct err *e)
{
	int fd = tree_stage(parent, name, e);

	if (fd >= 0) {
		quota_mark(fd, project);
		quota_drop(fd, project);
	}
	return fd;
}

int copy_usage(const struct volume *v, const char *kind, const char *what, uint64_t *bytes, uint64_t *limit, struct err *e)
{
	_cleanup_close_ int payload = copy_open_payload(v, kind, e);

	if (payload < 0)
		return payload;
	*limit = 0;
	return quota_get(payload, v->project, bytes, limit) ? 0 : tree_usage(payload, what, bytes, e);
}

int copy_limit(const struct volume *v, const char *kind, const uint64_t *bytes, struct err *e)
{
	_cleanup_close_ int payload = copy_open_payload(v, kind, e);
	int r = payload < 0 ? payload : quota_can(payload, v->project, e);

	return r < 0 || !bytes ? r : quota_set(payload, v->project, *bytes, e);
}
