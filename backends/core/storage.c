// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The storage drivers that work here, and which one has an instance's root file system. The list is set once by
 * storage_init() and only read afterwards. An instance's driver is its internal field `driver`; its files are in the
 * directory of that name.
 */
#include "backends/core/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/base.h"
#include "backends/core/cleanup.h"
#include "backends/core/mount.h"
#include "backends/core/probe.h"
#include "backends/core/tree.h"

#define DRIVERS_MAX 8
#define PROJECT_FIRST (UINT32_C(1) << 30)	/* above the numbers that people give to projects of theirs */

static struct {
	const struct storage_ops *const *known;		/* those that do not work here too */
	const struct storage_ops *ops[DRIVERS_MAX];
	size_t n;
	const struct storage_ops *def;
} drivers;

static const struct storage_ops *driver_find(const char *name)
{
	for (size_t i = 0; i < drivers.n; i++) {
		if (!strcmp(drivers.ops[i]->name, name))
			return drivers.ops[i];
	}
	return NULL;
}

static const struct storage_ops *driver_for(bool disk)
{
	for (size_t i = 0; i < drivers.n; i++) {
		if (drivers.ops[i]->disks == disk)
			return drivers.ops[i];
	}
	return NULL;
}

/*
 * A trial mounts something: a server that takes over believes the one before it. Where there is no room to try, instances that are
 * there can still be used.
 */
static int probe_one(const struct storage_ops *ops, struct err *no)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	char what[64];
	int r;

	snprintf(what, sizeof(what), "storage %s", ops->name);
	if (probe_known(what, &r, &text))
		return r < 0 ? err_set(no, -r, "%s", buf_str(&text)) : 0;
	r = ops->probe(model_dir(), no);
	if (r == -ENOSPC || r == -EDQUOT)
		r = 0;
	probe_remember(what, r, no->text);
	return r;
}

static int probe_all(const struct storage_ops *const *list, const char *wanted, struct err *e)
{
	struct err why = ERR_INIT;

	drivers.known = list;
	drivers.n = 0;
	drivers.def = NULL;
	for (; *list; list++) {
		struct err no = ERR_INIT;
		int r = probe_one(*list, &no);

		if (r < 0) {
			if (!why.code || (wanted && !strcmp((*list)->name, wanted)))
				why = no;
			continue;
		}
		if (drivers.n < DRIVERS_MAX)
			drivers.ops[drivers.n++] = *list;
	}
	if (wanted)
		drivers.def = driver_find(wanted);
	else
		drivers.def = driver_for(false);
	if (drivers.def && !drivers.def->disks)
		return 0;
	return err_set(e, why.code ? why.code : EINVAL, "no storage driver%s%s works with %s%s%s", wanted ? " " : "",
		       wanted ? wanted : "", model_dir(), why.code ? ": " : "", why.text);
}

int storage_init(const struct storage_ops *const *list, const char *default_name, struct buf *version, struct err *e)
{
	char path[512];
	int r;

	snprintf(path, sizeof(path), "%s/rootfs", model_rundir());
	r = mount_private(path, 0700, e);
	if (!r)
		r = probe_all(list, default_name, e);
	if (!r)
		r = base_init(e);
	if (r < 0)
		return r;
	buf_addf(version, "storage %s", drivers.def->name);
	for (size_t i = 0; i < drivers.n; i++) {
		if (drivers.ops[i] != drivers.def)
			buf_addf(version, " %s", drivers.ops[i]->name);
	}
	buf_addch(version, '\n');
	return 0;
}

int storage_volume(struct object *o, const char *snap, const struct storage_ops **ret_ops, struct volume *ret, struct err *e)
{
	char driver[32], base[80];
	const struct storage_ops *ops;
	struct volume v = { .snap = "" };

	if (!object_value(o, ENT_FIELD, "driver", driver, sizeof(driver)))
		return err_set(e, ENOENT, "%s has no root file system yet: write its origin to `source`", o->name);
	ops = driver_find(driver);
	if (!ops)
		return err_set(e, EOPNOTSUPP, "the root file system of %s is kept by the storage driver %s, which does not work here",
			       o->name, driver);
	object_path(o, v.dir, sizeof(v.dir));
	if (object_value(o, ENT_FIELD, "base", base, sizeof(base)) && base_is_fingerprint(base))
		base_path(base, v.base, sizeof(v.base));
	if (snap && strlen(snap) >= sizeof(v.snap))
		return err_set(e, ENOENT, "there is no snapshot %s", snap);
	if (snap)
		memcpy(v.snap, snap, strlen(snap) + 1);
	if (!v.snap[0] && o->id < PROJECT_FIRST)
		v.project = PROJECT_FIRST + o->id;
	*ret_ops = ops;
	*ret = v;
	return 0;
}

int storage_assign(struct object *o, const char *base, bool disk, struct err *e)
{
	const struct storage_ops *ops = disk ? driver_for(true) : drivers.def;
	const char *name = ops ? ops->name : "";
	const struct entry_change c[] = {
		{ .kind = ENT_FIELD, .name = "driver", .value = name, .len = strlen(name) },
		{ .kind = ENT_FIELD, .name = "base", .value = base, .len = strlen(base) },
	};

	if (!ops)
		return err_set(e, EOPNOTSUPP, "disks of virtual machines cannot be made here: qemu-img (Debian's package qemu-utils) was not "
			       "there when the daemon was started");
	if (base[0] && !base_is_fingerprint(base))
		return err_set(e, EINVAL, "\"%s\" is not the fingerprint of an image", base);
	return object_change(o, c, 2, CHANGED_SNAPSHOTS, e);
}

bool storage_exists(struct object *o)
{
	_cleanup_close_ int dir = -1, payload = -1;
	char driver[32];

	if (!object_value(o, ENT_FIELD, "driver", driver, sizeof(driver)))
		return false;
	dir = object_dirfd(o);
	if (dir >= 0)
		payload = tree_open(dir, driver, O_PATH | O_DIRECTORY);
	return payload >= 0;
}

int storage_each_base(const struct volume *v, void (*f)(const char *fingerprint, void *arg), void *arg)
{
	const struct storage_ops *const *ops;
	int r = 0;

	/* What a driver that does not work today has written counts: tomorrow it may. */
	for (ops = drivers.known; *ops && !r; ops++)
		r = (*ops)->each_base(v, f, arg);
	return r;
}
