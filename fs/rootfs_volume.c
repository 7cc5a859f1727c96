// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mounted root file systems: found, checked, let go. `volumes.lock` guards the list and the counts; nothing is
 * called under it.
 */
#include "fs/rootfs_volume.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/storage.h"
#include "backends/core/watch.h"

#define IDLE_SECONDS 5

static struct {
	pthread_mutex_t lock;
	struct rootfs_volume *list;
	bool timer;
} volumes = { .lock = PTHREAD_MUTEX_INITIALIZER };

long rootfs_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return ts.tv_sec;
}

static void volume_free(struct rootfs_volume *v)
{
	if (v->fd >= 0)
		close(v->fd);
	object_put(v->o);
	free(v);
}

struct rootfs_volume *rootfs_volume_ref(struct rootfs_volume *v)
{
	HOLD_LOCK(&volumes.lock);

	v->refs++;
	return v;
}

struct rootfs_volume *rootfs_volume_put(struct rootfs_volume *v)
{
	bool last;

	if (!v)
		return NULL;
	pthread_mutex_lock(&volumes.lock);
	v->used = rootfs_now();
	last = --v->refs == 0;
	pthread_mutex_unlock(&volumes.lock);
	if (last)
		volume_free(v);
	return NULL;
}

/* Where a root directory is: on which mount, which device, which inode. */
struct whereabouts {
	uint64_t mount_id, dev, ino;
};

static int where_is(int dirfd, const char *path, struct whereabouts *ret)
{
	const int flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*path ? 0 : AT_EMPTY_PATH);
	struct statx sx;

	if (statx(dirfd, path, flags, STATX_TYPE | STATX_INO | STATX_MNT_ID, &sx) < 0)
		return -errno;
	if (!S_ISDIR(sx.stx_mode))
		return -ENOTDIR;
	ret->mount_id = sx.stx_mnt_id;
	ret->dev = (uint64_t)sx.stx_dev_major << 32 | sx.stx_dev_minor;
	ret->ino = sx.stx_ino;
	return 0;
}

bool rootfs_volume_current(const struct rootfs_volume *v)
{
	struct whereabouts w = { .ino = 0 };

	return !v->o->gone && v->o->space == SPACE_INSTANCES && where_is(AT_FDCWD, v->path, &w) == 0 && w.mount_id == v->mount_id;
}

/* Takes it out of the list, which held a reference. */
static void retire(struct rootfs_volume *v)
{
	struct rootfs_volume **p;

	pthread_mutex_lock(&volumes.lock);
	for (p = &volumes.list; *p && *p != v; p = &(*p)->next)
		;
	if (*p)
		*p = v->next;
	else
		v = NULL;
	pthread_mutex_unlock(&volumes.lock);
	rootfs_volume_put(v);
}

/* Lets volumes go that only the list refers to. */
static void idle(void *arg)
{
	struct rootfs_volume *old = NULL, **p = &volumes.list, *v;
	long now = rootfs_now();

	(void)arg;
	pthread_mutex_lock(&volumes.lock);
	while ((v = *p)) {
		if (v->refs == 1 && now - v->used >= IDLE_SECONDS) {
			*p = v->next;
			v->next = old;
			old = v;
		} else {
			p = &v->next;
		}
	}
	volumes.timer = volumes.list && watch_timer(IDLE_SECONDS * 1000, idle, NULL) > 0;
	pthread_mutex_unlock(&volumes.lock);
	while ((v = old)) {
		old = v->next;
		volume_free(v);
	}
}

static struct rootfs_volume *find_volume(uint32_t object, uint32_t slot)
{
	HOLD_LOCK(&volumes.lock);

	for (struct rootfs_volume *v = volumes.list; v; v = v->next) {
		if (v->o->id == object && v->slot == slot) {
			v->refs++;
			v->used = rootfs_now();
			return v;
		}
	}
	return NULL;
}

/* The map that the mount really has is beside it; what is configured may be newer (backends/core/rootfs.c). */
static int read_map(struct rootfs_volume *v, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	_cleanup_buf_ struct buf text = BUF_INIT;
	const char *name = strrchr(v->path, '/');
	char path[sizeof(v->path) + 8];
	int r;

	snprintf(path, sizeof(path), "%.*s/.map.%s", (int)(name - v->path), v->path, name + 1);
	if (buf_read_file(&text, AT_FDCWD, path, 65536) == 0 && idmap_parse(buf_str(&text), &v->map, NULL) == 0)
		return 0;
	r = config_expand(v->o, &x, e);
	return r < 0 ? r : idmap_for(&x, &v->map, e);
}

static int open_root(struct rootfs_volume *v, const char *snap, struct err *e)
{
	struct whereabouts w = { .ino = 0 };
	int r = rootfs_mount(v->o, snap, v->path, sizeof(v->path), e);

	if (r < 0)
		return r;
	v->fd = open(v->path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (v->fd < 0)
		return err_sys(e, errno, "root file system %s", v->path);
	r = where_is(v->fd, "", &w);
	if (r < 0)
		return err_sys(e, -r, "root file system %s", v->path);
	v->mount_id = w.mount_id;
	v->dev = w.dev;
	v->root_ino = w.ino;
	return read_map(v, e);
}

static int make_volume(uint32_t object, uint32_t slot, struct rootfs_volume **ret, struct err *e)
{
	struct rootfs_volume *v = calloc(1, sizeof(*v));
	char snap[NAME_LEN_MAX + 1] = "";
	int r;

	if (!v)
		return err_set(e, ENOMEM, "out of memory");
	v->fd = -1;
	v->slot = slot;
	v->read_only = slot != 0;
	v->refs = 2;	/* the list's and the caller's */
	v->used = rootfs_now();
	v->o = object_get(object);
	if (!v->o || v->o->gone || v->o->space != SPACE_INSTANCES) {
		r = err_set(e, ESTALE, "the instance of this root file system is gone");
		goto undo;
	}
	if (slot) {
		HOLD_LOCK(&v->o->lock);
		const struct snapshot *s = object_snapshot_by_slot(v->o, slot);

		if (s)
			strcpy(snap, s->name);
	}
	r = slot && !*snap ? err_set(e, ESTALE, "the snapshot of this root file system is gone") : open_root(v, snap, e);
	if (r < 0)
		goto undo;
	*ret = v;
	return 0;
undo:
	volume_free(v);
	return r;
}

int rootfs_volume_get(uint32_t object, uint32_t slot, struct rootfs_volume **ret, struct err *e)
{
	struct rootfs_volume *v = find_volume(object, slot), *other;
	int r;

	if (v && rootfs_volume_current(v)) {
		*ret = v;
		return 0;
	}
	if (v) {
		retire(v);
		rootfs_volume_put(v);
	}
	r = make_volume(object, slot, &v, e);
	if (r < 0)
		return r;
	other = find_volume(object, slot);
	if (other)
		retire(other);	/* made by another thread at the same time: one of them is enough */
	rootfs_volume_put(other);
	pthread_mutex_lock(&volumes.lock);
	v->next = volumes.list;
	volumes.list = v;
	if (!volumes.timer)
		volumes.timer = watch_timer(IDLE_SECONDS * 1000, idle, NULL) > 0;
	pthread_mutex_unlock(&volumes.lock);
	*ret = v;
	return 0;
}

uint32_t rootfs_to_guest(const struct rootfs_volume *v, bool group, uint32_t host)
{
	uint32_t guest;

	if (!v->map.n_uid && !v->map.n_gid)
		return host;
	return idmap_to_guest(&v->map, group, host, &guest) ? guest : 65534;
}

bool rootfs_to_host(const struct rootfs_volume *v, bool group, uint32_t guest, uint32_t *ret)
{
	if (v->map.n_uid || v->map.n_gid)
		return idmap_to_host(&v->map, group, guest, ret);
	*ret = guest;
	return true;
}

/* ---- acting as the caller ---- */

/* Leaving fsuid 0 took the file capabilities away; what the caller may do was checked by the kernel already. */
static int capabilities_back(void)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &h, d) < 0)
		return -errno;
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++)
		d[i].effective = d[i].permitted;
	return syscall(SYS_capset, &h, d) < 0 ? -errno : 0;
}

int rootfs_enter(const struct rootfs_volume *v, const struct caller *who, struct rootfs_identity_held *ret)
{
	static __thread bool own_umask;
	uint32_t uid, gid;
	int r = 0;

	if (!rootfs_to_host(v, false, who->uid, &uid) || !rootfs_to_host(v, true, who->gid, &gid))
		return -EOVERFLOW;
	if (!own_umask) {
		if (unshare(CLONE_FS) < 0)
			return -errno;
		own_umask = true;
	}
	*ret = (struct rootfs_identity_held){ .held = true, .umask = umask(0) };
	setfsgid(gid);
	if (uid) {
		setfsuid(uid);
		r = capabilities_back();
	}
	if (r < 0 || (uint32_t)setfsuid(-1) != uid || (uint32_t)setfsgid(-1) != gid) {
		rootfs_leave(ret);
		return r < 0 ? r : -EPERM;
	}
	return 0;
}

int rootfs_enter_anybody(const struct rootfs_volume *v, struct rootfs_identity_held *ret)
{
	const struct caller who = { .uid = v->map.n_uid ? v->map.uid[0].guest : 0, .gid = v->map.n_gid ? v->map.gid[0].guest : 0 };

	return rootfs_enter(v, &who, ret);
}

void rootfs_leave(struct rootfs_identity_held *h)
{
	if (!h->held)
		return;
	setfsuid(0);
	setfsgid(0);
	umask(h->umask);
	h->held = false;
}
