// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Root file systems as a layer of changes over the unpacked image. In the object's directory:
 *
 *	overlay/upper, overlay/work	the layer, and what the kernel's overlay needs beside it
 *	overlay/base			fingerprint of the image below, empty when there is none
 *	snapshots/NAME/upper, base	a copy of them, mounted as read-only layers
 *
 * The fingerprint lies beside the layer it belongs to, so that it goes along with it through snapshots, restores, copies and
 * rebuilds, each of which is one rename. No state, no locks.
 *
 * For a guest with its own ids each layer is cloned and mapped first, and the overlay is mounted on the mapped clones
 * by "the guest's root" (see mount.h). The clones are attached beside the target for that moment only: kernels before
 * 6.15 accept no detached mount as a layer.
 */
#include "backends/storage/overlay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/idmap.h"
#include "backends/core/mount.h"
#include "backends/core/tree.h"
#include "backends/storage/copy.h"

/* rename(2) of directories of the image must work; the other features would tie a layer to one copy of its base. */
#define FEATURES "redirect_dir=on,index=off,metacopy=off"

static int add_work(int payload, struct err *e)
{
	if (mkdirat(payload, "work", 0700) < 0)
		return err_sys(e, errno, "cannot make the directory work");
	return 0;
}

/* A new layer shows its own root directory: it must look like the image's. */
static int new_upper(int payload, const char *base, struct err *e)
{
	_cleanup_close_ int fd = -1, from = -1;
	struct stat st = { .st_mode = 0755 };

	if (mkdirat(payload, "upper", 0755) < 0)
		return err_sys(e, errno, "cannot make the directory upper");
	if (!base[0])
		return 0;
	from = open(base, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (from < 0 || fstat(from, &st) < 0)
		return err_sys(e, errno, "the unpacked image %s is not there", base);
	fd = tree_open(payload, "upper", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return err_sys(e, -fd, "cannot open the directory upper");
	const struct timespec times[2] = { st.st_atim, st.st_mtim };

	if (fchown(fd, st.st_uid, st.st_gid) < 0 || fchmod(fd, st.st_mode & 07777) < 0 || futimens(fd, times) < 0)
		return err_sys(e, errno, "cannot set up the directory upper");
	return 0;
}

/* A new volume is two directories and a file: no reason to wait for the whole file system. */
static int sync_new(int payload, struct err *e)
{
	static const char *const names[] = { "upper", "work", "." };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		_cleanup_close_ int fd = tree_open(payload, names[i], O_RDONLY | O_DIRECTORY);

		if (fd < 0 || fsync(fd) < 0)
			return err_sys(e, fd < 0 ? -fd : errno, "cannot write the new root file system to disk");
	}
	return 0;
}

/* Ends what base_hold() and tree_stage() began. */
static int finish(int parent, const char *name, int r, struct err *e)
{
	if (!r)
		r = tree_commit(parent, name, e);
	base_release();
	if (r < 0)
		tree_stage_abandon(parent, name);
	return r;
}

static int overlay_create(const struct volume *v, struct op *op, struct err *e)
{
	_cleanup_close_ int dir = copy_open_dir(v, e), to = -1;
	char fingerprint[160];
	int r;

	if (dir < 0)
		return dir;
	to = copy_stage(dir, "overlay", v->project, e);
	if (to < 0)
		return to;
	copy_fingerprint(v->base, fingerprint, sizeof(fingerprint));
	base_hold();
	r = new_upper(to, v->base, e);
	if (!r)
		r = add_work(to, e);
	if (!r)
		r = copy_write_text(to, "base", fingerprint, e);
	if (!r)
		r = sync_new(to, e);
	if (!r)
		r = tree_commit_synced(dir, "overlay", e);
	base_release();
	if (r < 0)
		tree_stage_abandon(dir, "overlay");
	return r;
}

/* Copies layer and fingerprint; from a volume of the driver dir everything becomes the layer. */
static int copy_payload(int from, int to, struct op *op, const char *what, struct err *e)
{
	char fingerprint[160] = "";
	int r;

	if (!faccessat(from, "rootfs", F_OK, AT_SYMLINK_NOFOLLOW)) {
		r = copy_tree(from, to, "rootfs", "upper", op, what, e);
	} else {
		r = copy_read_text(from, "base", fingerprint, sizeof(fingerprint));
		if (r < 0)
			return err_sys(e, -r, "cannot read which image the root file system is based on");
		r = copy_tree(from, to, "upper", "upper", op, what, e);
	}
	return r < 0 ? r : copy_write_text(to, "base", fingerprint, e);
}

/* Makes parent/name anew as a copy of from; for v: as its volume, which can be written; NULL: as a snapshot. */
static int replace(int parent, const char *name, int from, const struct volume *v, struct op *op, const char *what, struct err *e)
{
	_cleanup_close_ int to = copy_stage(parent, name, v ? v->project : 0, e);
	int r;

	if (to < 0)
		return to;
	base_hold();
	r = copy_payload(from, to, op, what, e);
	if (!r && v)
		r = add_work(to, e);
	return finish(parent, name, r, e);
}

static int overlay_copy(const struct volume *v, const struct volume *from, struct op *op, struct err *e)
{
	struct err none = ERR_INIT;
	_cleanup_close_ int dir = copy_open_dir(v, e), src = -1;

	if (dir < 0)
		return dir;
	src = copy_open_payload(from, "overlay", e);
	if (src == -ENOENT && !from->snap[0])
		src = copy_open_payload(from, "dir", &none);
	return src < 0 ? src : replace(dir, "overlay", src, v, op, "copy", e);
}

static int overlay_snapshot(const struct volume *v, const char *name, struct op *op, struct err *e)
{
	_cleanup_close_ int src = copy_open_payload(v, "overlay", e), snaps = -1;

	if (src < 0)
		return src;
	snaps = copy_open_snapshots(v, true, e);
	return snaps < 0 ? snaps : replace(snaps, name, src, NULL, op, "snapshot", e);
}

static int overlay_restore(const struct volume *v, const char *name, struct op *op, struct err *e)
{
	struct volume snap = *v;
	_cleanup_close_ int dir = copy_open_dir(v, e), src = -1;

	if (dir < 0)
		return dir;
	snprintf(snap.snap, sizeof(snap.snap), "%s", name);
	src = copy_open_payload(&snap, "overlay", e);
	return src < 0 ? src : replace(dir, "overlay", src, v, op, "restore", e);
}

static int overlay_remove(const struct volume *v, struct err *e)
{
	return copy_remove(v, "overlay", e);
}

/* ---- mounting ---- */

struct layers {
	char dir[600];		/* beside the target, while mounting */
	char base[640], volume[640];
	char lower[660];	/* below the volume's own layer: the base, or an empty directory of the volume */
	int userns;
};

static int make_directory(const char *path, struct err *e)
{
	return mkdir(path, 0700) < 0 && errno != EEXIST ? err_sys(e, errno, "cannot make %s", path) : 0;
}

static int layers_names(struct layers *l, const char *target, struct err *e)
{
	const char *slash = strrchr(target, '/');

	/* The names become part of a list of options with these separators. */
	if (!slash || strpbrk(target, ",:\\") || strlen(target) > 500)
		return err_set(e, EINVAL, "overlay cannot mount at %s: the path is too long or has one of ,:\\ in it", target);
	snprintf(l->dir, sizeof(l->dir), "%.*s/.layers.%s", (int)(slash - target), target, slash + 1);
	snprintf(l->base, sizeof(l->base), "%s/base", l->dir);
	snprintf(l->volume, sizeof(l->volume), "%s/volume", l->dir);
	snprintf(l->lower, sizeof(l->lower), "%s", l->base);
	return 0;
}

static void layers_drop(const struct layers *l)
{
	mount_detach(l->base, NULL);
	mount_detach(l->volume, NULL);
	rmdir(l->base);
	rmdir(l->volume);
	rmdir(l->dir);
}

static int attach_layer(const char *from, const struct layers *l, const char *at, bool read_only, struct err *e)
{
	_cleanup_close_ int fd = mount_clone(from, l->userns, read_only, e);

	return fd < 0 ? fd : mount_attach(fd, at, e);
}

static int attach_layers(const struct volume *v, int payload, struct layers *l, struct err *e)
{
	char base[600], fingerprint[160], path[64];
	int r = copy_read_text(payload, "base", fingerprint, sizeof(fingerprint));

	if (r < 0)
		return err_sys(e, -r, "cannot read which image the root file system is based on");
	r = make_directory(l->dir, e);
	if (!r)
		r = make_directory(l->base, e);
	if (!r)
		r = make_directory(l->volume, e);
	if (!r && fingerprint[0]) {
		base_path(fingerprint, base, sizeof(base));
		r = attach_layer(base, l, l->base, true, e);
	} else if (!r) {
		/* It must go on to exist: a lower directory that is removed under an overlay makes that list nothing. */
		if (mkdirat(payload, "empty", 0755) < 0 && errno != EEXIST)
			return err_sys(e, errno, "cannot make an empty layer");
		snprintf(l->lower, sizeof(l->lower), "%s/empty", l->volume);
	}
	/* The dot: not the link in /proc, but what it leads to. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d/.", payload);
	return r < 0 ? r : attach_layer(path, l, l->volume, v->snap[0], e);
}

/* Overlay falls back to read-only when it cannot use its work directory, and calls that success. */
static int check_writable(const char *target, struct err *e)
{
	struct statvfs s;

	if (statvfs(target, &s) < 0)
		return err_sys(e, errno, "cannot look at %s", target);
	if (!(s.f_flag & ST_RDONLY))
		return 0;
	mount_detach(target, NULL);
	return err_set(e, EROFS, "the kernel can mount this overlay only read-only; its log says why");
}

static int mount_layers(const struct volume *v, const struct layers *l, const char *target, struct err *e)
{
	char options[2800];
	unsigned long flags = 0;

	if (v->snap[0]) {
		flags = MS_RDONLY | MS_NOSUID | MS_NODEV;
		/* An overlay without upperdir wants two layers at least; an empty directory is as good as any. */
		snprintf(options, sizeof(options), "lowerdir=%s/upper:%s," FEATURES, l->volume, l->lower);
	} else {
		snprintf(options, sizeof(options), "lowerdir=%s,upperdir=%s/upper,workdir=%s/work," FEATURES, l->lower, l->volume,
			 l->volume);
	}
	if (mount("instfs", target, "overlay", flags, options) < 0)
		return err_sys(e, errno, "cannot mount an overlay at %s", target);
	return v->snap[0] ? 0 : check_writable(target, e);
}

static int mount_as_guest(const struct volume *v, const struct layers *l, const struct idmap *m, const char *target,
			  struct err *e)
{
	uint32_t uid = 0, gid = 0;
	int r;

	if (l->userns >= 0 && (!idmap_to_host(m, false, 0, &uid) || !idmap_to_host(m, true, 0, &gid)))
		return err_set(e, EINVAL, "the id map of the instance has no root user and group (id 0)");
	r = mount_identity_begin(uid, gid, e);
	if (r < 0)
		return r;
	r = mount_layers(v, l, target, e);
	mount_identity_end();
	return r;
}

static int overlay_mount(const struct volume *v, const struct idmap *m, const char *target, struct err *e)
{
	_cleanup_close_ int payload = copy_open_payload(v, "overlay", e), ns = -1;
	struct layers l = { .userns = -1 };
	int r;

	if (payload < 0)
		return payload;
	r = layers_names(&l, target, e);
	if (r < 0)
		return r;
	if (m->n_uid) {
		ns = idmap_userns(m, e);
		if (ns < 0)
			return ns;
		l.userns = ns;
	}
	layers_drop(&l);
	r = attach_layers(v, payload, &l, e);
	if (!r)
		r = mount_as_guest(v, &l, m, target, e);
	layers_drop(&l);
	return r;
}

/* ---- the rest ---- */

static int overlay_usage(const struct volume *v, uint64_t *bytes, uint64_t *limit, struct err *e)
{
	return copy_usage(v, "overlay", "upper", bytes, limit, e);
}

static int overlay_limit(const struct volume *v, const uint64_t *bytes, struct err *e)
{
	return copy_limit(v, "overlay", bytes, e);
}

static int overlay_each_base(const struct volume *v, void (*f)(const char *fingerprint, void *arg), void *arg)
{
	_cleanup_close_ int dir = open(v->dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC), payload = -1;
	_cleanup_dir_ DIR *d = NULL;
	struct dirent *de;
	int fd;

	if (dir < 0)
		return errno == ENOENT ? 0 : -errno;
	payload = tree_open(dir, "overlay", O_RDONLY | O_DIRECTORY);
	if (payload < 0 && payload != -ENOENT)
		return payload;
	copy_tell_base(payload, f, arg);
	fd = tree_open(dir, "snapshots", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while (errno = 0, (de = readdir(d))) {
		_cleanup_close_ int snap = -1;

		if (de->d_name[0] == '.')
			continue;
		snap = tree_open(dirfd(d), de->d_name, O_RDONLY | O_DIRECTORY);
		if (snap < 0 && snap != -ENOTDIR && snap != -ENOENT)
			return snap;
		copy_tell_base(snap, f, arg);
	}
	return -errno;
}

/* The whole way once, with a map of ids that belongs to nobody: what one kernel or file system cannot, this one may. */
static int probe_mount(const struct volume *v, const char *target, struct err *e)
{
	static const struct id_extent all = { .guest = 0, .host = 0x7fff0000, .count = 65536 };
	struct idmap m = { .n_uid = 1, .n_gid = 1, .uid = { all }, .gid = { all } };
	int r = mount_private(target, 0700, e);

	if (!r)
		r = overlay_create(v, NULL, e);
	if (!r)
		r = overlay_mount(v, &m, target, e);
	mount_detach(target, NULL);
	rmdir(target);
	return r;
}

static int overlay_probe(const char *state_dir, struct err *e)
{
	_cleanup_close_ int state = open(state_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct volume v = { .base = "" };
	char target[512];
	int r;

	if (state < 0)
		return err_sys(e, errno, "cannot open %s", state_dir);
	r = tree_remove(state, ".probe", e);
	if (r < 0)
		return r;
	if (mkdirat(state, ".probe", 0700) < 0)
		return err_sys(e, errno, "cannot make a directory in %s", state_dir);
	snprintf(v.dir, sizeof(v.dir), "%s/.probe", state_dir);
	snprintf(target, sizeof(target), "%s/probe", model_rundir());
	r = probe_mount(&v, target, e);
	tree_remove(state, ".probe", NULL);
	return r;
}

const struct storage_ops overlay_storage = {
	.name = "overlay",
	.probe = overlay_probe,
	.create = overlay_create,
	.copy = overlay_copy,
	.snapshot = overlay_snapshot,
	.snapshot_delete = copy_snapshot_delete,
	.snapshot_rename = copy_snapshot_rename,
	.restore = overlay_restore,
	.remove = overlay_remove,
	.mount = overlay_mount,
	.usage = overlay_usage,
	.limit = overlay_limit,
	.each_base = overlay_each_base,
};
