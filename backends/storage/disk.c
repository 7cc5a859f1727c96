// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A qcow2 layer over the disk of the image: `disk/root.qcow2` and `disk/base` (the image's fingerprint) in the object's directory. No
 * program of QEMU looks at the image's disk here: whoever made it may have put anything in its header (mkimage/disk.h), and qemu-img
 * only writes a new file, with the size and the name of the layer below as it is told. No state, no locks.
 */
#include "backends/storage/disk.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/spawn.h"
#include "backends/core/tree.h"
#include "backends/storage/copy.h"
#include "mkimage/disk.h"

#define QEMU_IMG "/usr/bin/qemu-img"

static int disk_probe(const char *state_dir, struct err *e)
{
	return access(QEMU_IMG, X_OK) < 0 ? err_sys(e, errno, QEMU_IMG " (Debian's package qemu-utils)") : 0;
}

static int make_layer(int payload, const char *fingerprint, bool qcow2, uint64_t size, struct err *e)
{
	static const char disk[] = "/proc/self/fd/3/" DISK_FILE;
	char below[200], bytes[32];
	const char *argv[] = { "qemu-img", "create", "-q", "-f", "qcow2", "-u", "-b", below, "-F", qcow2 ? "qcow2" : "raw",
			       disk, bytes, NULL };
	struct spawn_fd fds[] = { { .fd = payload, .as = 3 } };
	struct spawn s = { .path = QEMU_IMG, .argv = argv, .fds = fds, .n_fds = 1, .die_with_server = true };

	/* As seen from instances/NAME/disk, and from trash/NAME/disk as well. */
	snprintf(below, sizeof(below), "../../../bases/%s/rootfs.img", fingerprint);
	snprintf(bytes, sizeof(bytes), "%" PRIu64, size);
	return spawn_run(&s, 60000, NULL, e);
}

static int fill(int payload, const struct volume *v, struct err *e)
{
	char path[sizeof(v->base) + 8], fingerprint[160];
	_cleanup_close_ int below = -1, fd = -1;
	uint64_t size;
	bool qcow2;
	int r;

	snprintf(path, sizeof(path), "%s.img", v->base);
	below = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		return err_sys(e, errno, "the disk of the image, %s, is not there", path);
	r = disk_check(below, false, &qcow2, &size, e);
	if (r < 0)
		return r;
	copy_fingerprint(v->base, fingerprint, sizeof(fingerprint));
	r = make_layer(payload, fingerprint, qcow2, size, e);
	if (r < 0)
		return r;
	fd = tree_open(payload, DISK_FILE, O_RDONLY);
	if (fd < 0 || fsync(fd) < 0)
		return err_sys(e, fd < 0 ? -fd : errno, "cannot write the new disk to disk");
	return copy_write_text(payload, "base", fingerprint, e);
}

static int disk_create(const struct volume *v, struct op *op, struct err *e)
{
	_cleanup_close_ int dir = copy_open_dir(v, e), payload = -1;
	int r;

	if (dir < 0)
		return dir;
	payload = tree_stage(dir, "disk", e);
	if (payload < 0)
		return payload;
	base_hold();
	r = fill(payload, v, e);
	if (!r && fsync(payload) < 0)
		r = err_sys(e, errno, "cannot write the new disk to disk");
	if (!r)
		r = tree_commit_synced(dir, "disk", e);
	base_release();
	if (r < 0)
		tree_stage_abandon(dir, "disk");
	return r;
}

static int not_yet(const char *what, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "disks of virtual machines cannot be %s yet", what);
}

static int disk_copy(const struct volume *v, const struct volume *from, struct op *op, struct err *e)
{
	return not_yet("copied", e);
}

static int disk_snapshot(const struct volume *v, const char *name, struct op *op, struct err *e)
{
	return not_yet("kept in snapshots", e);
}

static int disk_restore(const struct volume *v, const char *name, struct op *op, struct err *e)
{
	return not_yet("restored", e);
}

static int disk_remove(const struct volume *v, struct err *e)
{
	return copy_remove(v, "disk", e);
}

static int disk_mount(const struct volume *v, const struct idmap *m, const char *target, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "a virtual machine keeps its files on a disk of its own: they cannot be shown");
}

static int disk_usage(const struct volume *v, uint64_t *bytes, uint64_t *limit, struct err *e)
{
	_cleanup_close_ int payload = copy_open_payload(v, "disk", e);

	*limit = 0;
	return payload < 0 ? payload : tree_usage(payload, DISK_FILE, bytes, e);
}

static int disk_limit(const struct volume *v, const uint64_t *bytes, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "the disk of a virtual machine is as large as that of its image");
}

static int disk_each_base(const struct volume *v, void (*f)(const char *fingerprint, void *arg), void *arg)
{
	_cleanup_close_ int dir = open(v->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), payload = -1;

	if (dir < 0)
		return errno == ENOENT ? 0 : -errno;
	payload = tree_open(dir, "disk", O_RDONLY | O_DIRECTORY);
	if (payload < 0)
		return payload == -ENOENT ? 0 : payload;
	copy_tell_base(payload, f, arg);
	return 0;
}

const struct storage_ops disk_storage = {
	.name = "disk",
	.disks = true,
	.probe = disk_probe,
	.create = disk_create,
	.copy = disk_copy,
	.snapshot = disk_snapshot,
	.snapshot_delete = copy_snapshot_delete,
	.snapshot_rename = copy_snapshot_rename,
	.restore = disk_restore,
	.remove = disk_remove,
	.mount = disk_mount,
	.usage = disk_usage,
	.limit = disk_limit,
	.each_base = disk_each_base,
};
