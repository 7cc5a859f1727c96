// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Where root file systems are mounted: RUNDIR/rootfs/ID for an instance, RUNDIR/rootfs/ID.SLOT for a snapshot, and beside each
 * `.map.ID` with the id map it was mounted with. The mounts are the truth: a new server finds them where they are. The
 * directory is root's alone (0700), because set-user-id programs of guests must not be reachable by users of the host.
 *
 * `stripes` serialise mounting per object. Taken before locks of objects; held across the driver's mount(), which is short.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/mount.h"
#include "backends/core/storage.h"

#define STRIPES 32

static pthread_mutex_t stripes[STRIPES] = { [0 ... STRIPES - 1] = PTHREAD_MUTEX_INITIALIZER };

static void name_path(const char *prefix, const char *name, char *buf, size_t size)
{
	snprintf(buf, size, "%s/rootfs/%s%s", model_rundir(), prefix, name);
}

/* "ID" or "ID.SLOT" */
static int mount_name(struct object *o, const char *snap, char *buf, size_t size, struct err *e)
{
	uint32_t slot = 0;

	if (!snap || !snap[0]) {
		snprintf(buf, size, "%u", o->id);
		return 0;
	}
	pthread_mutex_lock(&o->lock);
	if (object_snapshot(o, snap))
		slot = object_snapshot(o, snap)->slot;
	pthread_mutex_unlock(&o->lock);
	if (!slot)
		return err_set(e, ENOENT, "%s has no snapshot %s", o->name, snap);
	snprintf(buf, size, "%u.%u", o->id, slot);
	return 0;
}

static int wanted_map(struct object *o, struct idmap *m, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .n = 0 };
	int r = config_expand(o, &x, e);

	return r < 0 ? r : idmap_for(&x, m, e);
}

static bool mounted_with(const char *name, const struct idmap *m)
{
	_cleanup_buf_ struct buf now = BUF_INIT, then = BUF_INIT;
	char path[512];

	name_path(".map.", name, path, sizeof(path));
	if (buf_read_file(&then, AT_FDCWD, path, 65536) < 0)
		return false;
	idmap_print(m, &now);
	return !strcmp(buf_str(&now), buf_str(&then));
}

/* Written before the mount: a map without mount is replaced, a mount without map would be taken for an outdated one. */
static int record_map(const char *name, const struct idmap *m, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_close_ int fd = -1;
	char path[512];

	name_path(".map.", name, path, sizeof(path));
	idmap_print(m, &text);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || buf_error(&text) || write(fd, buf_str(&text), text.len) != (ssize_t)text.len)
		return err_sys(e, fd < 0 ? errno : EIO, "cannot write %s", path);
	return 0;
}

static int do_mount(struct object *o, const char *snap, const char *name, const char *path, const struct idmap *m, struct err *e)
{
	const struct storage_ops *ops;
	struct volume v;
	int r = storage_volume(o, snap, &ops, &v, e);

	if (!r)
		r = mount_detach(path, e);
	if (!r && mkdir(path, 0700) < 0 && errno != EEXIST)
		r = err_sys(e, errno, "cannot make %s", path);
	if (!r)
		r = record_map(name, m, e);
	if (!r)
		r = ops->mount(&v, m, path, e);
	if (r < 0)
		rmdir(path);
	return r;
}

static bool in_use(struct object *o)
{
	HOLD_LOCK(&o->lock);

	return o->run.init_pid != 0;
}

int rootfs_mount(struct object *o, const char *snap, char *path, size_t size, struct err *e)
{
	struct idmap m = { .n_uid = 0 };
	char name[48];
	int r, mounted;

	r = mount_name(o, snap, name, sizeof(name), e);
	if (r < 0)
		return r;
	name_path("", name, path, size);
	HOLD_LOCK(&stripes[o->id % STRIPES]);
	mounted = mount_is(path);
	if (mounted < 0)
		return err_sys(e, -mounted, "cannot look at %s", path);
	/* A running guest has the map it was started with, whatever has been configured since. */
	if (mounted && in_use(o))
		return 0;
	r = wanted_map(o, &m, e);
	/* What is mounted stays good while the map that the next start would need cannot be had. */
	if (r < 0)
		return mounted ? 0 : r;
	if (mounted && mounted_with(name, &m))
		return 0;
	return do_mount(o, snap, name, path, &m, e);
}

static int do_unmount(const char *name, struct err *e)
{
	char path[512];
	int r;

	name_path("", name, path, sizeof(path));
	r = mount_detach(path, e);
	if (r < 0)
		return r;
	rmdir(path);
	name_path(".map.", name, path, sizeof(path));
	unlink(path);
	return 0;
}

static int unmount_all(struct object *o, struct err *e)
{
	_cleanup_dir_ DIR *d = NULL;
	char path[512], first[16], prefix[24];
	struct dirent *de;
	int r = 0;

	snprintf(first, sizeof(first), "%u", o->id);
	snprintf(prefix, sizeof(prefix), "%u.", o->id);
	name_path("", "", path, sizeof(path));
	d = opendir(path);
	if (!d)
		return errno == ENOENT ? 0 : err_sys(e, errno, "cannot read %s", path);
	while (!r && (de = readdir(d))) {
		if (!strcmp(de->d_name, first) || !strncmp(de->d_name, prefix, strlen(prefix)))
			r = do_unmount(de->d_name, e);
	}
	return r;
}

int rootfs_unmount(struct object *o, const char *snap, struct err *e)
{
	struct err none = ERR_INIT;
	char name[48];
	HOLD_LOCK(&stripes[o->id % STRIPES]);

	if (!snap)
		return unmount_all(o, e);
	/* A snapshot that is not there is not mounted. */
	if (mount_name(o, snap, name, sizeof(name), &none) < 0)
		return 0;
	return do_unmount(name, e);
}

/* Unmounts the one of that name; false: it has to stay. */
static bool close_one(const char *name)
{
	_cleanup_object_ struct object *o = NULL;
	unsigned id = 0;

	if (sscanf(name, "%u", &id) != 1)
		return true;
	o = object_get(id);
	if (o && in_use(o))
		return false;
	HOLD_LOCK(&stripes[id % STRIPES]);
	return do_unmount(name, NULL) == 0;
}

void rootfs_close(void)
{
	_cleanup_dir_ DIR *d = NULL;
	struct dirent *de;
	bool empty = true;
	char path[512];

	name_path("", "", path, sizeof(path));
	d = opendir(path);
	while (d && (de = readdir(d)))
		empty = close_one(de->d_name) && empty;
	if (!d || !empty)
		return;
	closedir(steal_pointer(&d));
	path[strlen(path) - 1] = '\0';
	if (!mount_detach(path, NULL))
		rmdir(path);
}
