// SPDX-License-Identifier: LGPL-2.1-or-later
/* Devices of type disk: paths and block devices of the host, memory, and the root disk. No state. */
#include <errno.h>
#include <linux/mount.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "backends/core/cleanup.h"
#include "backends/core/mount.h"
#include "backends/core/spawn.h"
#include "backends/core/value.h"
#include "backends/lxc/device.h"
#include "backends/lxc/disk_rates.h"
#include "backends/lxc/root_size.h"
#include "backends/lxc/staged.h"

#define MOUNT "/bin/mount"
#define MOUNT_MS 30000
#define PATH_SIZE (DEVICE_VALUE_MAX + 1)

static bool is_true(const struct device *d, const char *key)
{
	return device_bool(d->text, d->len, key, false);
}

static bool is_root(const struct device *d)
{
	char path[PATH_SIZE];

	device_value(d, "path", path, sizeof(path));
	return !path[strspn(path, "/")];
}

/* ---- options ---- */

static const struct {
	const char *name;
	uint64_t set;
} attributes[] = {
	{ "ro", MOUNT_ATTR_RDONLY }, { "rw", 0 }, { "nosuid", MOUNT_ATTR_NOSUID }, { "nodev", MOUNT_ATTR_NODEV },
	{ "noexec", MOUNT_ATTR_NOEXEC }, { "noatime", MOUNT_ATTR_NOATIME }, { "nodiratime", MOUNT_ATTR_NODIRATIME },
	{ "relatime", 0 }, { "strictatime", MOUNT_ATTR_STRICTATIME }, { "nosymfollow", MOUNT_ATTR_NOSYMFOLLOW }, { "defaults", 0 },
};

static bool find_attribute(const char *p, size_t n, uint64_t *set)
{
	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		if (strlen(attributes[i].name) == n && !memcmp(attributes[i].name, p, n)) {
			*set |= attributes[i].set;
			return true;
		}
	}
	return false;
}

/* raw.mount.options of what has its file system already: only what a mount of it can have. */
static int bind_attributes(const struct device *d, uint64_t *ret, struct err *e)
{
	char options[PATH_SIZE];
	uint64_t set = is_true(d, "readonly") ? MOUNT_ATTR_RDONLY : 0;
	const char *p = device_value(d, "raw.mount.options", options, sizeof(options));

	for (size_t n; *p; p += n + (p[n] == ',')) {
		n = strcspn(p, ",");
		if (!find_attribute(p, n, &set))
			return err_set(e, EINVAL, "the mount option %.*s is for file systems on block devices", n > 64 ? 64 : (int)n, p);
	}
	*ret = set;
	return 0;
}

/* ---- the mount on the host ---- */

static int userns_of(const struct device *d, int *ret, struct err *e)
{
	*ret = -1;
	if (!is_true(d, "shift") || !d->map->n_uid)
		return 0;
	*ret = idmap_userns(d->map, e);
	return *ret < 0 ? *ret : 0;
}

static int stage_path(const struct device *d, const char *source, bool dir, struct err *e)
{
	_cleanup_close_ int tree = -1, userns = -1;
	bool recursive = dir && is_true(d, "recursive");
	char word[32];
	uint64_t attr = 0;
	int r = bind_attributes(d, &attr, e);

	if (r == 0)
		r = userns_of(d, &userns, e);
	if (r < 0)
		return r;
	tree = mount_tree(source, userns, attr,
			  (recursive ? MOUNT_TREE_RECURSIVE : 0) |
			  (*device_value(d, "propagation", word, sizeof(word)) ? MOUNT_TREE_PEERS : 0), e);
	return tree < 0 ? tree : staged_attach(d, tree, dir, e);
}

/* mount(8) finds the kind of file system, and knows which options are whose. */
static int run_mount(const struct device *d, const char *type, const char *source, const char *options, struct err *e)
{
	char path[600];
	const char *argv[] = { "mount", "-t", type, "-o", options, source, path, NULL };
	struct spawn s = { .path = MOUNT, .argv = argv };
	int r = staged_place(d, true, e);

	staged_path(d, path, sizeof(path));
	return r < 0 ? r : spawn_run(&s, MOUNT_MS, NULL, e);
}

/* Nodes on a file system that the guest may have written elsewhere are no business of the host, unless root says so. */
static int stage_block(struct device *d, const char *source, dev_t dev, struct err *e)
{
	_cleanup_close_ int tree = -1, userns = -1;
	char raw[PATH_SIZE], options[PATH_SIZE + 32], path[600];
	int r;

	device_value(d, "raw.mount.options", raw, sizeof(raw));
	snprintf(options, sizeof(options), "nodev%s%s%s", is_true(d, "readonly") ? ",ro" : "", *raw ? "," : "", raw);
	device_set_fact(d, "device", "%u:%u", major(dev), minor(dev));
	r = run_mount(d, "auto", source, options, e);
	if (r == 0)
		r = userns_of(d, &userns, e);
	if (r < 0 || userns < 0)
		return r;
	staged_path(d, path, sizeof(path));
	tree = mount_clone(path, userns, is_true(d, "readonly"), e);
	if (tree < 0)
		return tree;
	r = mount_detach(path, e);
	return r < 0 ? r : mount_attach(tree, path, e);
}

static int stage_tmpfs(const struct device *d, struct err *e)
{
	char raw[PATH_SIZE], options[PATH_SIZE + 128], size[64];
	uint32_t uid = 0, gid = 0;
	uint64_t bytes = 0;
	int n;

	idmap_to_host(d->map, false, 0, &uid);
	idmap_to_host(d->map, true, 0, &gid);
	n = snprintf(options, sizeof(options), "nodev,nosuid,mode=1777,uid=%u,gid=%u", uid, gid);
	if (*device_value(d, "size", size, sizeof(size)) && value_size(size, &bytes, NULL) == 0)
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",size=%llu", (unsigned long long)bytes);
	if (is_true(d, "readonly"))
		n += snprintf(options + n, sizeof(options) - (size_t)n, ",ro");
	if (*device_value(d, "raw.mount.options", raw, sizeof(raw)))
		snprintf(options + n, sizeof(options) - (size_t)n, ",%s", raw);
	return run_mount(d, "tmpfs", "tmpfs", options, e);
}

/* 1: the source is missing, and may be. */
static int stage(struct device *d, struct err *e)
{
	char source[PATH_SIZE], path[PATH_SIZE];
	struct stat st;

	device_value(d, "source", source, sizeof(source));
	device_value(d, "path", path, sizeof(path));
	device_set_fact(d, "source", "%s", source);
	device_set_fact(d, "path", "%s", path);
	if (!strcmp(source, "tmpfs:"))
		return stage_tmpfs(d, e);
	if (stat(source, &st) < 0) {
		err_sys(e, errno, "its source %.200s", source);
		return device_is_required(d) ? -e->code : 1;
	}
	if (S_ISBLK(st.st_mode))
		return stage_block(d, source, st.st_rdev, e);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISSOCK(st.st_mode) && !S_ISFIFO(st.st_mode) && !S_ISCHR(st.st_mode))
		return err_set(e, EINVAL, "its source %.200s is nothing that can be mounted", source);
	return stage_path(d, source, S_ISDIR(st.st_mode), e);
}

/* ---- the container ---- */

/* path and propagation have PATH_SIZE bytes. */
static struct staged staged_of(const struct device *d, char *path, char *propagation)
{
	device_value(d, "path", path, PATH_SIZE);
	return (struct staged) { .d = d, .recursive = is_true(d, "recursive"),
				 .propagation = device_value(d, "propagation", propagation, PATH_SIZE) };
}

static int prepare_root(struct device *d)
{
	char pool[128];

	if (*device_value(d, "pool", pool, sizeof(pool)))
		device_set_fact(d, "pool", "%s", pool);
	device_set_fact(d, "path", "/");
	return 0;
}

static int prepare(struct device *d, struct err *e)
{
	char path[PATH_SIZE], propagation[PATH_SIZE];
	const struct staged s = staged_of(d, path, propagation);
	int r;

	if (is_root(d))
		return prepare_root(d);
	staged_look(d, path);
	r = stage(d, e);
	return r ? r : staged_conf(&s, path, d->start->conf, e);
}

static int started(struct device *d, struct err *e)
{
	char path[PATH_SIZE], propagation[PATH_SIZE];
	const struct staged s = staged_of(d, path, propagation);
	int r;

	if (is_root(d))
		return 0;
	r = staged_is_given(&s, e);
	return r ? (r < 0 ? r : 0) : staged_give(&s, path, e);
}

static int attach(struct device *d, struct err *e)
{
	char path[PATH_SIZE], propagation[PATH_SIZE];
	const struct staged s = staged_of(d, path, propagation);
	int r;

	staged_look(d, path);
	r = stage(d, e);
	return r ? r : staged_give(&s, path, e);
}

static int detach(struct device *d, struct err *e)
{
	char path[PATH_SIZE], propagation[PATH_SIZE];
	const struct staged s = staged_of(d, path, propagation);
	int r = 0;

	if (is_root(d))
		return 0;
	if (d->init)
		r = staged_withdraw(&s, path, e);
	return r < 0 ? r : staged_remove(d, e);
}

/* A tmpfs can grow and shrink. */
static int change(struct device *d, const char *before, size_t before_len, struct err *e)
{
	char size[64], options[128], path[600], source[16];
	const char *argv[] = { "mount", "-o", options, path, NULL };
	struct spawn s = { .path = MOUNT, .argv = argv };
	uint64_t bytes = 0;

	if (strcmp(device_value(d, "source", source, sizeof(source)), "tmpfs:") != 0)
		return 0;
	staged_path(d, path, sizeof(path));
	if (*device_value(d, "size", size, sizeof(size)))
		value_size(size, &bytes, NULL);
	snprintf(options, sizeof(options), bytes ? "remount,size=%llu" : "remount,size=50%%", (unsigned long long)bytes);
	return spawn_run(&s, MOUNT_MS, NULL, e);
}

static int describe(struct device *d, struct buf *out, struct err *e)
{
	root_size_describe(d->o, d->name, out);
	disk_rates_describe(d->o, d->name, d->place->cgroup, out);
	return 0;
}

const struct device_ops disk_ops = {
	.type = "disk", .prepare = prepare, .started = started, .attach = attach, .change = change, .detach = detach,
	.describe = describe,
};
