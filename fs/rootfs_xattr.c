// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Extended attributes below rootfs/. Two kinds contain ids, which the guest's file system shows and takes as the host's: ACLs
 * (ids of users and groups) and file capabilities (the id of the root they count for). Both are translated. No state of its own.
 */
#include <endian.h>
#include <errno.h>
#include <linux/capability.h>
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

static ssize_t get_value(const struct rootfs_volume *v, int fd, const char *name, char **ret)
{
	struct rootfs_fd_path p = rootfs_fd_path(fd);
	ssize_t n = getxattr(p.s, name, NULL, 0);
	int r;

	if (n < 0)
		return -errno;
	*ret = malloc((size_t)n + 1);
	if (!*ret)
		return -ENOMEM;
	n = getxattr(p.s, name, *ret, (size_t)n);
	if (n < 0)
		return -errno;
	if (is_capability(name))
		return capability_to_guest(v, *ret, (size_t)n);
	if (is_acl(name)) {
		r = translate_acl(v, *ret, (size_t)n, false);
		return r < 0 ? r : n;
	}
	return n;
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
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	_cleanup_close_ int fd = rootfs_open_node(ino, &v);
	_cleanup_free_ char *value = NULL;
	ssize_t n = fd < 0 ? fd : get_value(v, fd, name, &value);

	reply_value(req, n, value, size);
}

/* trusted.* is for root only, in lists as well. */
static ssize_t get_list(int fd, const struct caller *who, char **ret)
{
	struct rootfs_fd_path p = rootfs_fd_path(fd);
	ssize_t n = listxattr(p.s, NULL, 0), out = 0;

	if (n < 0)
		return -errno;
	*ret = malloc((size_t)n + 1);
	if (!*ret)
		return -ENOMEM;
	n = listxattr(p.s, *ret, (size_t)n);
	if (n < 0)
		return -errno;
	for (ssize_t at = 0, len; at < n; at += len) {
		len = (ssize_t)strlen(*ret + at) + 1;
		if (who->uid != 0 && is_trusted(*ret + at))
			continue;
		memmove(*ret + out, *ret + at, (size_t)len);
		out += len;
	}
	return out;
}

void rootfs_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	_cleanup_volume_ struct rootfs_volume *v = NULL;
	_cleanup_close_ int fd = rootfs_open_node(ino, &v);
	_cleanup_free_ char *list = NULL;
	struct caller who;
	ssize_t n;

	request_caller(req, &who);
	n = fd < 0 ? fd : get_list(fd, &who, &list);
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
