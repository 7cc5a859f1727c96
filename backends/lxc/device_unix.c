// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Devices of type unix-char and unix-block: a node with the guest's owner, made on a small file system of its own that allows nodes
 * (/run does not), bound into the container, and leave to use it from the device controller. No state.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/mount.h"
#include "backends/lxc/device.h"
#include "backends/lxc/device_record.h"
#include "backends/lxc/lxcconf.h"
#include "backends/lxc/staged.h"

#define PATH_SIZE (DEVICE_VALUE_MAX + 1)

/* ---- which device ---- */

static mode_t kind_of(const char *text, size_t len)
{
	char type[32];

	return device_get(text, len, "type", type, sizeof(type)) && !strcmp(type, "unix-block") ? S_IFBLK : S_IFCHR;
}

/* Its numbers; a source that is missing: -ENOENT and the like. */
static int find_device(const char *text, size_t len, dev_t *ret, struct err *e)
{
	char source[PATH_SIZE], major_text[32], minor_text[32];
	struct stat st;

	if (device_get(text, len, "major", major_text, sizeof(major_text)) && device_get(text, len, "minor", minor_text, sizeof(minor_text))) {
		*ret = makedev((unsigned)strtoul(major_text, NULL, 10), (unsigned)strtoul(minor_text, NULL, 10));
		return 0;
	}
	if (!device_get(text, len, "source", source, sizeof(source)))
		device_get(text, len, "path", source, sizeof(source));
	if (stat(source, &st) < 0)
		return err_sys(e, errno, "its source %.200s", source);
	if ((st.st_mode & S_IFMT) != kind_of(text, len))
		return err_set(e, EINVAL, "its source %.200s is not a %s device", source, kind_of(text, len) == S_IFBLK ? "block" : "character");
	*ret = st.st_rdev;
	return 0;
}

static const char *target_of(const struct device *d, char *path)
{
	if (*device_value(d, "path", path, PATH_SIZE))
		return path;
	return device_value(d, "source", path, PATH_SIZE);
}

static uint32_t id_of(const struct device *d, const char *key, bool group)
{
	char text[32];
	uint32_t inside = (uint32_t)strtoul(device_value(d, key, text, sizeof(text)), NULL, 10), outside = inside;

	if (d->map->n_uid)
		idmap_to_host(d->map, group, inside, &outside);
	return outside;
}

static mode_t mode_of(const struct device *d)
{
	char text[32];

	return *device_value(d, "mode", text, sizeof(text)) ? (mode_t)strtoul(text, NULL, 8) : 0660;
}

/* ---- the node ---- */

static int make_node(const struct device *d, const char *path, dev_t dev, struct err *e)
{
	if (mknod(path, kind_of(d->text, d->len) | 0600, dev) < 0 || lchown(path, id_of(d, "uid", false), id_of(d, "gid", true)) < 0 ||
	    chmod(path, mode_of(d)) < 0)
		return err_sys(e, errno, "%s", path);
	return 0;
}

/* The node's mount stays when the file system that it was made on is taken away again. */
static int stage_node(const struct device *d, dev_t dev, struct err *e)
{
	_cleanup_close_ int tree = -1;
	char staged[600], dir[616], path[624];
	int r;

	staged_path(d, staged, sizeof(staged));
	snprintf(dir, sizeof(dir), "%s.nodes", staged);
	snprintf(path, sizeof(path), "%s/node", dir);
	r = mount_detach(dir, e);	/* of one that was killed here */
	if (r < 0)
		return r;
	if (mkdir(dir, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "%s", dir);
	if (mount("nodes", dir, "tmpfs", MS_NOSUID | MS_NOEXEC, "size=64k,mode=0700") < 0) {
		r = err_sys(e, errno, "%s", dir);
	} else {
		r = make_node(d, path, dev, e);
		if (r == 0)
			tree = mount_tree(path, -1, 0, MOUNT_TREE_NOFOLLOW, e);
		umount2(dir, MNT_DETACH);
	}
	rmdir(dir);
	if (r == 0 && tree < 0)
		r = tree;
	return r < 0 ? r : staged_attach(d, tree, false, e);
}

/* 1: the source is missing, and may be. */
static int stage(struct device *d, dev_t *dev, struct err *e)
{
	char path[PATH_SIZE];
	int r = find_device(d->text, d->len, dev, e);

	staged_look(d, target_of(d, path));
	device_set_fact(d, "path", "%s", path);
	if (r == -ENOENT || r == -ENXIO || r == -ENODEV)
		return device_is_required(d) ? r : 1;
	if (r < 0)
		return r;
	device_set_fact(d, "device", "%u:%u", major(*dev), minor(*dev));
	return stage_node(d, *dev, e);
}

/* ---- the device controller ---- */

static void print_rule(const struct device *d, dev_t dev, char *buf, size_t size)
{
	snprintf(buf, size, "%c %u:%u rwm", kind_of(d->text, d->len) == S_IFBLK ? 'b' : 'c', major(dev), minor(dev));
}

/* Whether a unix-hotplug device, other than the one that this node is of, has it. */
static bool is_plugged(const struct device *d, const struct expanded_item *it, dev_t dev)
{
	_cleanup_device_record_ struct device_record rec = DEVICE_RECORD_INIT;
	const size_t n = strlen(it->name);
	char key[32], path[2];

	if (!strncmp(d->name, it->name, n) && d->name[n] == ':')
		return false;
	snprintf(key, sizeof(key), "%c%u:%u", kind_of(d->text, d->len) == S_IFBLK ? 'b' : 'c', major(dev), minor(dev));
	return device_record_read(d->place, it->name, &rec, NULL) == 0 &&
	       device_get(buf_str(&rec.facts), rec.facts.len, key, path, sizeof(path));
}

/* Whether another device of the instance is the same one of the host. */
static bool is_shared(const struct device *d, dev_t dev)
{
	const mode_t kind = kind_of(d->text, d->len);

	for (size_t i = 0; d->x && i < d->x->n; i++) {
		const struct expanded_item *it = &d->x->items[i];
		char type[32];
		dev_t other;

		if (it->kind != ENT_DEVICE || !strcmp(it->name, d->name) || !device_get(it->value, it->len, "type", type, sizeof(type)))
			continue;
		if (!strcmp(type, "unix-hotplug") && is_plugged(d, it, dev))
			return true;
		if (!strcmp(type, kind == S_IFBLK ? "unix-block" : "unix-char") && find_device(it->value, it->len, &other, NULL) == 0 &&
		    other == dev)
			return true;
	}
	return false;
}

/* In version 2 the rules are a program of the kernel's, which the container's monitor makes anew. */
static int tell_monitor(const struct device *d, const char *rule, bool allow, struct err *e)
{
	const char *argv[] = { "instfs-lxc", "device", d->place->lxcpath, strrchr(d->place->dir, '/') + 1, allow ? "devices.allow" : "devices.deny",
			       rule, NULL };

	return staged_helper(d, argv, e);
}

static int tell_controller(const struct device *d, dev_t dev, bool allow, struct err *e)
{
	char rule[64];
	int r;

	if (!cgroup_version(CGROUP_DEVICES) || lxcconf_allows_device(kind_of(d->text, d->len) == S_IFBLK, major(dev), minor(dev)) ||
	    (!allow && is_shared(d, dev)))
		return 0;
	print_rule(d, dev, rule, sizeof(rule));
	if (cgroup_version(CGROUP_DEVICES) == 2)
		return tell_monitor(d, rule, allow, e);
	r = cgroup_write(CGROUP_DEVICES, d->place->cgroup, allow ? "devices.allow" : "devices.deny", rule);
	return r < 0 && (allow || r != -ENOENT) ? err_sys(e, -r, "the device controller and %s", rule) : 0;
}

/* ---- the container ---- */

static int prepare(struct device *d, struct err *e)
{
	const struct staged s = { .d = d, .propagation = "" };
	char path[PATH_SIZE], rule[64];
	dev_t dev = 0;
	int r = stage(d, &dev, e);

	if (r)
		return r;
	if (cgroup_version(CGROUP_DEVICES)) {
		print_rule(d, dev, rule, sizeof(rule));
		buf_addf(d->start->conf, "lxc.cgroup%s.devices.allow = %s\n", cgroup_version(CGROUP_DEVICES) == 2 ? "2" : "", rule);
	}
	return staged_conf(&s, target_of(d, path), d->start->conf, e);
}

static int give(struct device *d, dev_t dev, struct err *e)
{
	const struct staged s = { .d = d, .propagation = "" };
	char path[PATH_SIZE];
	int r = staged_give(&s, target_of(d, path), e);

	if (r < 0)
		tell_controller(d, dev, false, NULL);
	return r;
}

static int started(struct device *d, struct err *e)
{
	const struct staged s = { .d = d, .propagation = "" };
	dev_t dev = 0;
	int r = staged_is_given(&s, e);

	if (r)
		return r < 0 ? r : 0;
	r = find_device(d->text, d->len, &dev, e);
	if (r == 0)
		r = tell_controller(d, dev, true, e);
	return r < 0 ? r : give(d, dev, e);
}

static int attach(struct device *d, struct err *e)
{
	dev_t dev = 0;
	int r = stage(d, &dev, e);

	if (r)
		return r;
	r = tell_controller(d, dev, true, e);
	if (r == 0)
		r = give(d, dev, e);
	if (r < 0)
		staged_remove(d, NULL);
	return r;
}

/* Of what it became, not of what its source is now. */
static bool attached_device(const struct device *d, dev_t *ret)
{
	char text[64];
	unsigned ma, mi;

	if (sscanf(device_fact(d, "device", text, sizeof(text)), "%u:%u", &ma, &mi) != 2)
		return false;
	*ret = makedev(ma, mi);
	return true;
}

static int detach(struct device *d, struct err *e)
{
	const struct staged s = { .d = d, .propagation = "" };
	char path[PATH_SIZE];
	dev_t dev;
	int r = d->init ? staged_withdraw(&s, target_of(d, path), e) : 0;

	if (r == 0 && d->init && attached_device(d, &dev))
		r = tell_controller(d, dev, false, e);
	return r < 0 ? r : staged_remove(d, e);
}

const struct device_ops unix_char_ops = {
	.type = "unix-char", .prepare = prepare, .started = started, .attach = attach, .detach = detach,
};

const struct device_ops unix_block_ops = {
	.type = "unix-block", .prepare = prepare, .started = started, .attach = attach, .detach = detach,
};
