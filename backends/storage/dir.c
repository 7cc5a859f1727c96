// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Root file systems as plain directories: `dir/rootfs` of the object, `snapshots/NAME/rootfs`. Mounted by an id-mapped bind
 * mount. Works on every file system of which the kernel can map the ids. No state, no locks.
 */
#include "backends/storage/dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/idmap.h"
#include "backends/core/mount.h"
#include "backends/core/tree.h"
#include "backends/storage/copy.h"

static int dir_probe(const char *state_dir, struct err *e)
{
	return 0;
}

static int fill_empty(int to, struct err *e)
{
	if (mkdirat(to, "rootfs", 0755) < 0)
		return err_sys(e, errno, "cannot make the directory rootfs");
	return 0;
}

/* Makes DIR/dir (or a snapshot) anew with what from_fd/rootfs has, from_fd < 0: empty. project: that it counts for; 0: a snapshot. */
static int replace(int parent, const char *name, uint32_t project, int from_fd, struct op *op, const char *what, struct err *e)
{
	_cleanup_close_ int to = copy_stage(parent, name, project, e);
	int r;

	if (to < 0)
		return to;
	r = from_fd < 0 ? fill_empty(to, e) : copy_tree(from_fd, to, "rootfs", "rootfs", op, what, e);
	if (!r)
		r = tree_commit(parent, name, e);
	if (r < 0)
		tree_stage_abandon(parent, name);
	return r;
}

static int create_from_base(const struct volume *v, int dir, struct op *op, struct err *e)
{
	_cleanup_close_ int base = -1;
	char path[sizeof(v->base) + 4];

	snprintf(path, sizeof(path), "%s/..", v->base);
	base = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (base < 0)
		return err_sys(e, errno, "the unpacked image %s is not there", v->base);
	return replace(dir, "dir", v->project, base, op, "create", e);
}

static int dir_create(const struct volume *v, struct op *op, struct err *e)
{
	_cleanup_close_ int dir = copy_open_dir(v, e);
	int r;

	if (dir < 0)
		return dir;
	if (!v->base[0])
		return replace(dir, "dir", v->project, -1, op, "create", e);
	base_hold();
	r = create_from_base(v, dir, op, e);
	base_release();
	return r;
}

static int dir_copy(const struct volume *v, const struct volume *from, struct op *op, struct err *e)
{
	_cleanup_close_ int dir = copy_open_dir(v, e), src = -1;

	if (dir < 0)
		return dir;
	src = copy_open_payload(from, "dir", e);
	if (src < 0)
		return src;
	if (faccessat(src, "rootfs", F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return err_set(e, EOPNOTSUPP, "the storage driver dir cannot copy from a volume of another driver");
	return replace(dir, "dir", v->project, src, op, "copy", e);
}

static int dir_snapshot(const struct volume *v, const char *name, struct op *op, struct err *e)
{
	_cleanup_close_ int src = copy_open_payload(v, "dir", e), snaps = -1;

	if (src < 0)
		return src;
	snaps = copy_open_snapshots(v, true, e);
	return snaps < 0 ? snaps : replace(snaps, name, 0, src, op, "snapshot", e);
}

static int dir_restore(const struct volume *v, const char *name, struct op *op, struct err *e)
{
	struct volume snap = *v;
	_cleanup_close_ int dir = copy_open_dir(v, e), src = -1;

	if (dir < 0)
		return dir;
	snprintf(snap.snap, sizeof(snap.snap), "%s", name);
	src = copy_open_payload(&snap, "dir", e);
	return src < 0 ? src : replace(dir, "dir", v->project, src, op, "restore", e);
}

static int dir_remove(const struct volume *v, struct err *e)
{
	return copy_remove(v, "dir", e);
}

static int dir_mount(const struct volume *v, const struct idmap *m, const char *target, struct err *e)
{
	_cleanup_close_ int ns = -1, tree = -1, payload = copy_open_payload(v, "dir", e);
	char path[64];

	if (payload < 0)
		return payload;
	if (m->n_uid) {
		ns = idmap_userns(m, e);
		if (ns < 0)
			return ns;
	}
	/* By the descriptor: what was opened beneath our own directory is what is mounted. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/rootfs", payload);
	tree = mount_clone(path, ns, v->snap[0], e);
	return tree < 0 ? tree : mount_attach(tree, target, e);
}

static int dir_usage(const struct volume *v, uint64_t *bytes, uint64_t *limit, struct err *e)
{
	return copy_usage(v, "dir", "rootfs", bytes, limit, e);
}

static int dir_limit(const struct volume *v, const uint64_t *bytes, struct err *e)
{
	return copy_limit(v, "dir", bytes, e);
}

static int dir_each_base(const struct volume *v, void (*f)(const char *fingerprint, void *arg), void *arg)
{
	return 0;
}

const struct storage_ops dir_storage = {
	.name = "dir",
	.probe = dir_probe,
	.create = dir_create,
	.copy = dir_copy,
	.snapshot = dir_snapshot,
	.snapshot_delete = copy_snapshot_delete,
	.snapshot_rename = copy_snapshot_rename,
	.restore = dir_restore,
	.remove = dir_remove,
	.mount = dir_mount,
	.usage = dir_usage,
	.limit = dir_limit,
	.each_base = dir_each_base,
};
