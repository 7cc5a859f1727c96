// SPDX-License-Identifier: LGPL-2.1-or-later
/* The row of devices of type disk. Constant data and checks of values. */
#include <errno.h>
#include <string.h>

#include "backends/core/device.h"
#include "backends/core/device_check.h"

#define TMPFS "tmpfs:"

static bool is_root_path(const char *path)
{
	return !path[strspn(path, "/")];
}

static bool is_root(const char *text, size_t len)
{
	char path[DEVICE_VALUE_MAX + 1];

	return device_get(text, len, "path", path, sizeof(path)) && is_root_path(path);
}

static bool is_hot(const char *text, size_t len)
{
	return !is_root(text, len);
}

static bool is_tmpfs(const char *text, size_t len)
{
	char source[sizeof(TMPFS) + 1];

	return device_get(text, len, "source", source, sizeof(source)) && !strcmp(source, TMPFS);
}

static bool needs_root(const char *text, size_t len)
{
	return device_has(text, len, "source") && !is_tmpfs(text, len);
}

static int check_source(const char *value, struct err *e)
{
	if (!strncmp(value, "UUID=", 5))
		return err_set(e, EINVAL, "the file system \"%.60s\" is /dev/disk/by-uuid/%.50s, where udev runs", value, value + 5);
	return strcmp(value, TMPFS) ? device_check_path(value, e) : 0;
}

static int check_propagation(const char *value, struct err *e)
{
	static const char *const words[] = {
		"private", "shared", "slave", "unbindable", "rprivate", "rshared", "rslave", "runbindable", NULL,
	};

	return device_check_word(value, words, e);
}

/* Words that begin with a letter: nothing that a program could take for an option of its own. */
static int check_options(const char *value, struct err *e)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char *const refused[] = { "bind", "rbind", "move", "remount", "loop", NULL };

	for (const char *p = value;; p++) {
		size_t n = strcspn(p, ",");

		if (!n || !strchr(letters, *p) || memchr(p, ' ', n))
			return err_set(e, EINVAL, "\"%.100s\" is not a list of mount options like noatime,nosuid", value);
		for (size_t i = 0; refused[i]; i++) {
			if (strlen(refused[i]) == n && !memcmp(p, refused[i], n))
				return err_set(e, EINVAL, "the mount option %s is not for devices", refused[i]);
		}
		p += n;
		if (!*p)
			return 0;
	}
}

static int check_root(const char *text, size_t len, struct err *e)
{
	static const char *const not_root[] = {
		"source", "readonly", "recursive", "required", "optional", "shift", "propagation", "raw.mount.options", NULL,
	};

	for (size_t i = 0; not_root[i]; i++) {
		if (device_has(text, len, not_root[i]))
			return err_set(e, EINVAL, "%s= has no meaning for the root disk (path=/)", not_root[i]);
	}
	return 0;
}

static int check_tmpfs(const char *text, size_t len, struct err *e)
{
	static const char *const not_tmpfs[] = {
		"recursive", "shift", "propagation", "limits.read", "limits.write", "limits.max", NULL,
	};

	for (size_t i = 0; not_tmpfs[i]; i++) {
		if (device_has(text, len, not_tmpfs[i]))
			return err_set(e, EINVAL, "%s= has no meaning for source=" TMPFS, not_tmpfs[i]);
	}
	return 0;
}

/* Directories in which the instance's own file systems are mounted. */
static int check_place(const char *text, size_t len, struct err *e)
{
	static const char *const own[] = { "dev", "proc", "sys", NULL };
	char path[DEVICE_VALUE_MAX + 1], *p;

	device_get(text, len, "path", path, sizeof(path));
	p = path + strspn(path, "/");
	for (size_t i = 0; own[i]; i++) {
		size_t n = strlen(own[i]);

		if (!strncmp(p, own[i], n) && !p[n + strspn(p + n, "/")])
			return err_set(e, EINVAL, "path=%.32s would hide the instance's own /%s", path, own[i]);
	}
	return 0;
}

static int check_disk(const char *text, size_t len, struct err *e)
{
	if (!device_has(text, len, "path"))
		return err_set(e, EINVAL, "a disk needs path=, where it appears in the instance");
	if (is_root(text, len))
		return check_root(text, len, e);
	if (device_has(text, len, "pool"))
		return err_set(e, EOPNOTSUPP, "volumes of pools are not supported yet; pool= is for the root disk (path=/)");
	if (!device_has(text, len, "source"))
		return err_set(e, EINVAL, "a disk other than the root disk (path=/) needs source=, a path of the host, or " TMPFS);
	if (device_has(text, len, "required") && device_has(text, len, "optional"))
		return err_set(e, EINVAL, "required= and optional= say the same; only one of them can stand");
	if (is_tmpfs(text, len)) {
		int r = check_tmpfs(text, len, e);

		if (r < 0)
			return r;
	} else if (device_has(text, len, "size")) {
		return err_set(e, EINVAL, "size= is for the root disk (path=/) and for source=" TMPFS);
	}
	return check_place(text, len, e);
}

#define RATE .type = "rate like 20MB, 500iops or both with a comma", .def = "no limit", .effect = DEVICE_LIVE, .check = device_check_rate

static const struct device_property properties[] = {
	{ .name = "path", .type = "path", .def = "required", .effect = DEVICE_AGAIN, .check = device_check_path,
	  .doc = "where it appears in the instance; / is the root disk" },
	{ .name = "source", .type = "path or " TMPFS, .def = "required but for /", .effect = DEVICE_AGAIN, .check = check_source,
	  .doc = "directory, file or block device with a file system of the host (root only), or memory" },
	{ .name = "pool", .type = "name", .def = "the only one", .effect = DEVICE_NEXT_START, .check = device_check_any,
	  .doc = "of the root disk; kept, so that configurations of LXD fit" },
	{ .name = "readonly", .type = "true or false", .def = "false", .effect = DEVICE_AGAIN, .check = device_check_bool,
	  .doc = "nothing can be written, and the instance cannot change that" },
	{ .name = "recursive", .type = "true or false", .def = "false", .effect = DEVICE_AGAIN, .check = device_check_bool,
	  .doc = "with what is mounted below the source, readonly and shift included" },
	{ .name = "required", .type = "true or false", .def = "true", .effect = DEVICE_LIVE, .check = device_check_bool,
	  .doc = "false: without its source the instance starts too, runtime/devices/ says missing" },
	{ .name = "optional", .type = "true or false", .def = "false", .effect = DEVICE_LIVE, .check = device_check_bool,
	  .doc = "the older way to say required=false" },
	{ .name = "shift", .type = "true or false", .def = "false", .effect = DEVICE_AGAIN, .check = device_check_bool,
	  .doc = "owners on the host and inside are the same numbers (idmapped mount)" },
	{ .name = "propagation", .type = "private, shared, slave, unbindable, or r and one of these", .def = "private",
	  .effect = DEVICE_AGAIN, .check = check_propagation, .doc = "whether mounts made later below the source appear" },
	{ .name = "raw.mount.options", .type = "options of mount(8)", .def = "none", .effect = DEVICE_AGAIN, .flags = DEVICE_ROOT,
	  .check = check_options, .doc = "of the file system of a block device; otherwise noatime, nodev, noexec, nosuid and the like" },
	{ .name = "size", .type = "size", .def = "no limit", .effect = DEVICE_LIVE, .check = device_check_size,
	  .doc = "of the root disk, see below; of " TMPFS },
	{ .name = "limits.read", RATE, .doc = "what all reads of the instance from the block device behind it may take" },
	{ .name = "limits.write", RATE, .doc = "the same for writes" },
	{ .name = "limits.max", RATE, .doc = "both, instead of the two" },
	{ .name = "boot.priority", .type = "number", .def = "0", .effect = DEVICE_LIVE, .check = device_check_number,
	  .doc = "the order in which virtual machines try disks; kept, without meaning for containers" },
	{ .name = NULL },
};

static const char *const later[] = { "ceph.*", "io.*", "size.state", NULL };

static const char notes[] =
	"`size` of the root disk is a project quota of the file system that holds the store: ext4 with the features `quota` and `project`, or\n"
	"xfs, mounted with the option `prjquota`. It counts what the instance has written itself: not the image below it (storage overlay),\n"
	"or every file (storage dir). Snapshots do not count, and a copy counts for itself. A size below what is there is taken: nothing more\n"
	"can be written then. Elsewhere a size is kept without effect, and runtime/warnings says why. Root of a privileged instance is not\n"
	"held to it with the storage dir on ext4. df(1) inside shows the size; usage/disk/ has what is used and the limit that holds.";

const struct device_type device_disk = {
	.name = "disk", .doc = "a directory, file, block device or memory at a path", .properties = properties, .later = later,
	.notes = notes, .check = check_disk, .hot = is_hot, .needs_root = needs_root,
};
