// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Attributes in the order in which they do not undo each other: owner (clears set-id bits and capabilities), mode, ACLs (include the
 * mode), extended attributes, times.
 *
 * security.capability is written by a process that is root in a user namespace only. The kernel then stores it with the id
 * of that root as the file system sees it, 0, which every kernel treats like a capability without any: valid for guests that see the
 * root file system through an id-mapped mount, and for privileged ones.
 */
#include "mkimage/attributes.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>

#include "backends/core/cleanup.h"

#define ACL_ENTRIES_MAX 1024

/* The kernel's form of an ACL (include/uapi/linux/posix_acl_xattr.h), little-endian. */
struct acl_entry {
	uint16_t tag, perm;
	uint32_t id;
};

struct acl {
	uint32_t version;
	struct acl_entry entries[];
};

static int compare_entries(const void *a, const void *b)
{
	const struct acl_entry *x = a, *y = b;

	if (x->tag != y->tag)
		return x->tag < y->tag ? -1 : 1;
	return x->id < y->id ? -1 : x->id > y->id;
}

static uint16_t acl_tag(int tag)
{
	switch (tag) {
	case ARCHIVE_ENTRY_ACL_USER_OBJ:
		return 0x01;
	case ARCHIVE_ENTRY_ACL_USER:
		return 0x02;
	case ARCHIVE_ENTRY_ACL_GROUP_OBJ:
		return 0x04;
	case ARCHIVE_ENTRY_ACL_GROUP:
		return 0x08;
	case ARCHIVE_ENTRY_ACL_MASK:
		return 0x10;
	default:
		return 0x20;
	}
}

/* Id of a named entry. Writers that did not take owners by number stored a name only: -1, nobody here knows whose that is. */
static int64_t acl_id(int id, const char *name)
{
	char *end;
	long n;

	if (id >= 0 || !name || !*name)
		return id;
	errno = 0;
	n = strtol(name, &end, 10);
	return *end || errno || n < 0 ? -1 : n;
}

static int fill_acl(struct archive_entry *entry, int type, struct acl *acl, int max, int64_t ids)
{
	int entry_type, perm, tag, id, n = 0;
	const char *name;

	while (n < max && archive_entry_acl_next(entry, type, &entry_type, &perm, &tag, &id, &name) == ARCHIVE_OK) {
		bool named = tag == ARCHIVE_ENTRY_ACL_USER || tag == ARCHIVE_ENTRY_ACL_GROUP;
		int64_t n_id = named ? acl_id(id, name) : 0;

		if (n_id >= ids)
			return -ERANGE;
		if (n_id < 0)
			continue;
		acl->entries[n++] = (struct acl_entry){ .tag = acl_tag(tag), .perm = (uint16_t)(perm & 7),
							.id = named ? (uint32_t)n_id : UINT32_MAX };
	}
	qsort(acl->entries, (size_t)n, sizeof(acl->entries[0]), compare_entries);
	return n;
}

static int make_acl(struct archive_entry *entry, int type, int64_t ids, void **ret, size_t *ret_len)
{
	int n = archive_entry_acl_reset(entry, type);
	_cleanup_free_ struct acl *acl = NULL;

	*ret = NULL;
	/* Three entries say no more than the mode. */
	if (n <= 0 || (type == ARCHIVE_ENTRY_ACL_TYPE_ACCESS && n <= 3))
		return 0;
	if (n > ACL_ENTRIES_MAX)
		return -E2BIG;
	acl = malloc(sizeof(*acl) + (size_t)n * sizeof(acl->entries[0]));
	if (!acl)
		return -ENOMEM;
	acl->version = 2;
	n = fill_acl(entry, type, acl, n, ids);
	if (n < 0)
		return n;
	*ret_len = sizeof(*acl) + (size_t)n * sizeof(acl->entries[0]);
	*ret = steal_pointer(&acl);
	return 0;
}

int attributes_default_acl(struct archive_entry *entry, int64_t ids, void **ret, size_t *ret_len)
{
	return make_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_DEFAULT, ids, ret, ret_len);
}

static int set_acl(int fd, struct archive_entry *entry, const char *path, int64_t ids, struct err *e)
{
	_cleanup_free_ void *acl = NULL;
	size_t len = 0;
	int r = make_acl(entry, ARCHIVE_ENTRY_ACL_TYPE_ACCESS, ids, &acl, &len);

	if (!r && acl && fsetxattr(fd, "system.posix_acl_access", acl, len, 0) < 0)
		r = -errno;
	return r < 0 ? err_sys(e, -r, "\"%.300s\": cannot set its access control list", path) : 0;
}

/*
 * What a guest may have set itself. Not trusted.*: overlay believes what it finds there. Not other security.* names: labels belong to
 * the host's policy.
 */
static int set_xattrs(int fd, struct archive_entry *entry, const char *path, struct err *e)
{
	const char *name;
	const void *value;
	size_t size;

	archive_entry_xattr_reset(entry);
	while (archive_entry_xattr_next(entry, &name, &value, &size) == ARCHIVE_OK) {
		bool capability = name && !strcmp(name, "security.capability");

		if (!name || (!capability && strncmp(name, "user.", 5) != 0))
			continue;
		if (!fsetxattr(fd, name, value, size, 0))
			continue;
		/* A file system without user.* is no reason to refuse an image; programs without their capabilities do not work. */
		if (errno == EOPNOTSUPP && !capability)
			continue;
		return err_sys(e, errno, "\"%.200s\": cannot set the attribute %.100s", path, name);
	}
	return 0;
}

int attributes_check_owner(struct archive_entry *entry, const char *path, int64_t ids, struct err *e)
{
	int64_t uid = archive_entry_uid(entry), gid = archive_entry_gid(entry);

	if (uid < 0 || uid >= ids || gid < 0 || gid >= ids)
		return err_set(e, EINVAL, "\"%.300s\" belongs to user %lld and group %lld; ids in an image are 0 to %lld", path,
			       (long long)uid, (long long)gid, (long long)ids - 1);
	return 0;
}

int attributes_set(int fd, struct archive_entry *entry, const char *path, int64_t ids, struct err *e)
{
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = archive_entry_mtime(entry), .tv_nsec = archive_entry_mtime_nsec(entry) },
	};
	int r;

	if (fchown(fd, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry)) < 0)
		return err_sys(e, errno, "\"%.300s\": cannot set its owner", path);
	if (fchmod(fd, archive_entry_perm(entry) & 07777) < 0)
		return err_sys(e, errno, "\"%.300s\": cannot set its mode", path);
	r = set_acl(fd, entry, path, ids, e);
	if (!r)
		r = set_xattrs(fd, entry, path, e);
	if (r < 0)
		return r;
	if (archive_entry_mtime_is_set(entry) && futimens(fd, times) < 0)
		return err_sys(e, errno, "\"%.300s\": cannot set its time", path);
	return 0;
}
