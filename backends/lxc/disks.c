// SPDX-License-Identifier: LGPL-2.1-or-later
/* Disk devices: see disks.h. */
#include "backends/lxc/disks.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "backends/core/cleanup.h"
#include "backends/core/mount.h"
#include "backends/core/value.h"

#define PREFIX "disk."

void disks_path(const struct place *p, const char *device, char *buf, size_t size)
{
	snprintf(buf, size, "%s/" PREFIX "%s", p->dir, device);
}

bool disks_bool(const struct expanded_item *it, const char *key, bool def)
{
	char text[16];
	bool v;

	return device_get(it->value, it->len, key, text, sizeof(text)) && value_bool(text, &v, NULL) == 0 ? v : def;
}

static int make_target(const char *path, bool dir, struct err *e)
{
	int fd;

	if (dir)
		return mkdir(path, 0700) < 0 && errno != EEXIST ? err_sys(e, errno, "%s", path) : 0;
	fd = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(e, errno, "%s", path);
	close(fd);
	return 0;
}

static int attach_shifted(const char *source, const char *target, const struct idmap *map, struct err *e)
{
	_cleanup_close_ int userns = idmap_userns(map, e), fd = -1;

	if (userns < 0)
		return userns;
	fd = mount_clone(source, userns, false, e);
	return fd < 0 ? fd : mount_attach(fd, target, e);
}

static int attach_one(const struct place *p, const struct expanded_item *it, const struct idmap *map, struct err *e)
{
	char source[4097] = "", target[600];
	bool needed = disks_bool(it, "required", true) && !disks_bool(it, "optional", false), recursive;
	struct stat st;
	int r;

	device_get(it->value, it->len, "source", source, sizeof(source));
	if (stat(source, &st) < 0)
		return needed ? err_sys(e, errno, "device %s: its source %.200s", it->name, source) : 0;
	if (S_ISBLK(st.st_mode))
		return err_set(e, EOPNOTSUPP, "device %s: %.200s is a block device; containers get directories and files", it->name, source);
	disks_path(p, it->name, target, sizeof(target));
	r = make_target(target, S_ISDIR(st.st_mode), e);
	if (r < 0)
		return r;
	if (disks_bool(it, "shift", false) && map->n_uid) {
		r = attach_shifted(source, target, map, e);
		return r < 0 ? err_wrap(e, "device %s", it->name) : 0;
	}
	recursive = S_ISDIR(st.st_mode) && disks_bool(it, "recursive", false);
	if (mount(source, target, NULL, MS_BIND | (recursive ? MS_REC : 0), NULL) < 0)
		return err_sys(e, errno, "device %s: mounting %.200s", it->name, source);
	return 0;
}

static bool is_disk(const struct expanded_item *it)
{
	char type[32], path[4097];

	return it->kind == ENT_DEVICE && device_get(it->value, it->len, "type", type, sizeof(type)) && !strcmp(type, "disk") &&
	       device_get(it->value, it->len, "path", path, sizeof(path)) && path[strspn(path, "/")];
}

int disks_attach(const struct place *p, const struct expanded *x, const struct idmap *map, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < x->n && r == 0; i++)
		if (is_disk(&x->items[i]))
			r = attach_one(p, &x->items[i], map, e);
	return r;
}

void disks_detach(const struct place *p)
{
	_cleanup_dir_ DIR *d = opendir(p->dir);
	struct dirent *de;
	char path[800];

	while (d && (de = readdir(d))) {
		if (strncmp(de->d_name, PREFIX, sizeof(PREFIX) - 1) != 0)
			continue;
		snprintf(path, sizeof(path), "%s/%s", p->dir, de->d_name);
		/* never remove what is still a mount of somebody's files; both calls only take empty or single things */
		if (mount_detach(path, NULL) == 0 && unlinkat(dirfd(d), de->d_name, 0) < 0)
			unlinkat(dirfd(d), de->d_name, AT_REMOVEDIR);
	}
}
