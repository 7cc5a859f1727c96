// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Extended attributes below rootfs/. Two kinds contain ids, which the guest's file system shows and takes as the host's:
 * ACLs (ids of users and groups) and file capabilities (the id of the root they count for). Both are translated. No state
 * of its own.
 */
#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

#include "backends/core/cleanup.h"
#include "fs/rootfs.h"
#include "fs/rootfs_handlers.h"

#define ACL_VERSION 2
#define ACL_TAG_USER 0x02
#define ACL_TAG_GROUP 0x08

struct acl_entry {		/* as the kernel takes it, little endian */
	uint16_t tag, perm;
	uint32_t id;
};

static bool is_acl(const char *name)
{
	return !strcmp(name, "system.posix_acl_access") || !strcmp(name, "system.posix_acl_default");
}

static bool is_capability(const char *name)
{
	return !strcmp(name, "security.capability");
}

static bool is_trusted(const char *name)
{
	return !strncmp(name, "trusted.", 8);
}

static int translate_acl(const struct rootfs_volume *v, char *value, size_t size, bool to_host)
{
	struct acl_entry en;

	if (size < sizeof(uint32_t) || (size - sizeof(uint32_t)) % sizeof(en))
		return -EINVAL;
	for (size_t at = sizeof(uint32_t); at < size; at += sizeof(en)) {
		bool group;
		uint32_t id;

		memcpy(&en, value + at, sizeof(en));
		if (le16toh(en.tag) != ACL_TAG_USER && le16toh(en.tag) != ACL_TAG_GROUP)
			continue;
		group = le16toh(en.tag) == ACL_TAG_GROUP;
		if (!to_host)
			id = rootfs_to_guest(v, group, le32toh(en.id));
		else if (!rootfs_to_host(v, group, le32toh(en.id), &id))
			return -EINVAL;
		en.id = htole32(id);
		memcpy(value + at, &en, sizeof(en));
	}
	return 0;
}

/* Capabilities for the guest's root look like capabilities for root. Returns the new size. */
static ssize_t capability_to_guest(const struct rootfs_volume *v, char *value, size_t size)
{
	struct vfs_ns_cap_data c;
	uint32_t magic, root;

	if (size != sizeof(c))
		return (ssize_t)size;
	memcpy(&c, value, size);
	root = rootfs_to_guest(v, false, le32toh(c.rootid));
	magic = le32toh(c.magic_etc);
	c.rootid = htole32(root);
	if (root == 0) {
		c.magic_etc = htole32((magic & ~VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_2);
		size = XATTR_CAPS_SZ_2;
	}
	memcpy(value, &c, size);
	return (ssize_t)size;
}

/* The way back. value has room for a struct vfs_ns_cap_data. */
static ssize_t capability_to_host(const struct rootfs_volume *v, char *value, size_t size)
{
	struct vfs_ns_cap_data c = { .rootid = 0 };
	uint32_t magic, root;

	if (size != XATTR_CAPS_SZ_2 && size != XATTR_CAPS_SZ_3)
		return -EINVAL;
	memcpy(&c, value, size);
	magic = le32toh(c.magic_etc);
	if (!rootfs_to_host(v, false, size == XATTR_CAPS_SZ_3 ? le32toh(c.rootid) : 0, &root))
		return -EINVAL;
	if (root == 0)
		return (ssize_t)size;
	c.rootid = htole32(root);
	c.magic_etc = htole32((magic & ~VFS_CAP_REVISION_MASK) | VFS_CAP_REVISION_3);
	memcpy(value, &c, sizeof(c));
	return sizeof(c);
}

/* ---- reading ---- */

/*
 * What is only read is read by name in its directory, without opening the file first. Should the guest have put another
 * file there, then that is what the name means now. A file that lost its name is read through a descriptor.
 */
struct source {
	struct rootfs_dir *dir;
	struct rootfs_volume *v;
	int fd;			/* -1: by name */
	char path[sizeof(struct rootfs_fd_path) + NAME_MAX + 2];
};

static int source_by_name(uint64_t ino, struct source *ret)
{
	struct rootfs_node n;
	int r = rootfs_node_get(ino, &n) ? rootfs_dir_get(n.type == S_IFDIR ? ino : n.parent, &ret->dir) : -ESTALE;

	if (r == 0) {
		ret->v = rootfs_volume_ref(ret->dir->v);
		snprintf(ret->path, sizeof(ret->path), "%s/%s", rootfs_fd_path(ret->dir->fd).s, n.type == S_IFDIR ? "." : n.name);
	}
	return r;
}

static int source_by_descriptor(uint64_t ino, struct source *ret)
{
	ret->fd = rootfs_open_node(ino, &ret->v);
	if (ret->fd >= 0)
		snprintf(ret->path, sizeof(ret->path), "%s", rootfs_fd_path(ret->fd).s);
	return ret->fd < 0 ? ret->fd : 0;
}

static void source_close(struct source *s)
{
	rootfs_dir_put(s->dir);
	rootfs_volume_put(s->v);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct source){ .fd = -1 };
}

/* A descriptor's path is a link, which must be followed; a name must not be. */
static ssize_t read_raw(const struct source *s, const char *name, char *buf, size_t size)
{
	ssize_t n;

	if (name)
		n = (s->fd < 0 ? lgetxattr : getxattr)(s->path, name, buf, size);
	else
		n = (s->fd < 0 ? llistxattr : listxattr)(s->path, buf, size);
	return n < 0 ? -errno : n;
}

/* The value of an attribute, or with name NULL the list of names, in new memory. */
static ssize_t read_whole(const struct source *s, const char *name, char **ret)
{
	ssize_t n = read_raw(s, name, NULL, 0);

	if (n < 0)
		return n;
	*ret = malloc((size_t)n + 1);
	return *ret ? read_raw(s, name, *ret, (size_t)n) : -ENOMEM;
}

static ssize_t read_attribute(uint64_t ino, const char *name, struct source *s, char **ret)
{
	ssize_t n = source_by_name(ino, s);

	if (n == 0)
		n = read_whole(s, name, ret);
	if (n != -ENOENT && n != -ESTALE)
		return n;
	source_close(s);
	n = source_by_descriptor(ino, s);
	return n < 0 ? n : read_whole(s, name, ret);
}

static void reply_value(fuse_req_t req, ssize_t n, const char *value, size_t size)
{
	if (n < 0)
		rootfs_reply(req, (int)n);
	else if (!size)
		fuse_reply_xattr(req, (size_t)n);
	else if ((size_t)n > size)
		rootfs_reply(req, -ERANGE);
	else
		fuse_reply_buf(req, value, (size_t)n);
}

void rootfs_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	_cleanup_free_ char *value = NULL;
	struct source s = { .fd = -1 };
	ssize_t n = read_attribute(ino, name, &s, &value);

	if (n > 0 && is_capability(name))
		n = capability_to_guest(s.v, value, (size_t)n);
	else if (n > 0 && is_acl(name) && translate_acl(s.v, value, (size_t)n, false) < 0)
		n = -EIO;
	source_close(&s);
	reply_value(req, n, value, size);
}

/* trusted.* is for root only, in lists as well. */
static size_t without_trusted(char *list, size_t size)
{
	size_t out = 0;

	for (size_t at = 0, len; at < size; at += len) {
		len = strlen(list + at) + 1;
		if (is_trusted(list + at))
			continue;
		memmove(list + out, list + at, len);
		out += len;
	}
	return out;
}

void rootfs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	_cleanup_free_ char *list = NULL;
	struct source s = { .fd = -1 };
	ssize_t n = read_attribute(ino, NULL, &s, &list);
	struct caller who;

	source_close(&s);
	request_caller(req, &who);
	if (n > 0 && who.uid != 0)
		n = (ssize_t)without_trusted(list, (size_t)n);
	reply_value(req, n, list, size);
}

/* ---- changing ---- */

static int set_value(const struct rootfs_volume *v, int fd, const char *name, char *value, size_t size, int flags)
{
	struct rootfs_fd_path p = rootfs_fd_path(fd);
	ssize_t n = (ssize_t)size;

	if (is_capability(name))
		n = capability_to_host(v, value, size);
	else if (is_acl(name) && size)
		n = translate_acl(v, value, size, true) < 0 ? -EINVAL : n;
	if (n < 0)
		return (int)n;
	return setxattr(p.s, name, value, (size_t)n, flags) < 0 ? -errno : 0;
}

/* With XATTR_CREATE, or for a removal, the second time of the same request would fail where the first succeeded. */
static int change_once(const struct rootfs_volume *v, int fd, const char *name, char *value, size_t size, int flags,
		       const struct caller *who)
{
	struct rootfs_fd_path p = rootfs_fd_path(fd);
	uint64_t ino = 0;
	int result = 0, begun = request_begin(who, &result, &ino), r;

	if (begun < 0)
		return begun;
	if (begun == REQUEST_DONE)
		return result;
	if (value)
		r = set_value(v, fd, name, value, size, begun == REQUEST_AGAIN ? 0 : flags);
	else
		r = removexattr(p.s, name) < 0 ? -errno : 0;
	if (r == -ENODATA && begun == REQUEST_AGAIN)
		r = 0;
	request_result(who, r, 0);
	return r;
}

static void reply_change(fuse_req_t req, fuse_ino_t ino, const char *name, char *value, size_t size, int flags)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	_cleanup_close_ int fd = rootfs_open_node(ino, &v);
	struct caller who;
	int r = fd < 0 ? fd : v->read_only ? -EROFS : 0;

	request_caller(req, &who);
	if (r == 0)
		r = change_once(v, fd, name, value, size, flags, &who);
	rootfs_reply(req, r);
}

void rootfs_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	_cleanup_free_ char *copy = malloc(size + sizeof(struct vfs_ns_cap_data));

	if (!copy)
		return rootfs_reply(req, -ENOMEM);
	memcpy(copy, value, size);
	reply_change(req, ino, name, copy, size, flags);
}

void rootfs_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	reply_change(req, ino, name, NULL, 0, 0);
}
