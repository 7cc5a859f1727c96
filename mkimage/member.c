// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Making files. Every name is resolved anew by the kernel beneath the root, without following any symbolic link, so links made by
 * earlier members lead nowhere. Directories are never replaced by something else, which is why the descriptor of
 * the directory that was used last stays good.
 */
#include "mkimage/member.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/tree.h"
#include "mkimage/attributes.h"

void member_begin(struct member_state *s, int root)
{
	s->root = root;
	s->parent_fd = -1;
	s->parent[0] = '\0';
}

void member_end(struct member_state *s)
{
	cleanup_close(&s->parent_fd);
	s->parent_fd = -1;
	for (size_t i = 0; i < s->n_directories; i++) {
		free(s->directories[i].path);
		free(s->directories[i].acl);
	}
	free(s->directories);
	s->directories = NULL;
	s->n_directories = s->cap_directories = 0;
}

/* ---- parents ---- */

/* Opens a directory, making what is missing of the way: archives need not list parents before what is in them. */
static int open_directory(int root, const char *path)
{
	char part[4096];
	int fd = tree_open(root, path, O_RDONLY | O_DIRECTORY);

	if (fd != -ENOENT)
		return fd;
	for (const char *end = strchr(path, '/');; end = strchr(end + 1, '/')) {
		size_t len = end ? (size_t)(end - path) : strlen(path);
		_cleanup_close_ int parent = -1;
		char *slash;

		memcpy(part, path, len);
		part[len] = '\0';
		slash = strrchr(part, '/');
		if (slash)
			*slash = '\0';
		parent = slash ? tree_open(root, part, O_PATH | O_DIRECTORY) : fcntl(root, F_DUPFD_CLOEXEC, 0);
		if (parent < 0)
			return parent;
		if (mkdirat(parent, slash ? slash + 1 : part, 0755) < 0 && errno != EEXIST)
			return -errno;
		if (!end)
			return tree_open(root, path, O_RDONLY | O_DIRECTORY);
	}
}

static int parent_error(int code, const char *path, struct err *e)
{
	if (code == ELOOP)
		return err_set(e, EINVAL, "\"%.300s\" goes through a symbolic link", path);
	if (code == ENOTDIR)
		return err_set(e, EINVAL, "\"%.300s\" goes through something that is no directory", path);
	return err_sys(e, code, "cannot make the directory of \"%.300s\"", path);
}

/* Directory of path as a descriptor that stays ours; *leaf is its last part. */
static int open_parent(struct member_state *s, const char *path, const char **leaf, struct err *e)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	int fd;

	*leaf = slash ? slash + 1 : path;
	if (!slash)
		return s->root;
	if (s->parent_fd >= 0 && !strncmp(s->parent, path, len) && !s->parent[len])
		return s->parent_fd;
	cleanup_close(&s->parent_fd);
	s->parent_fd = -1;
	memcpy(s->parent, path, len);
	s->parent[len] = '\0';
	fd = open_directory(s->root, s->parent);
	if (fd < 0)
		return parent_error(-fd, path, e);
	s->parent_fd = fd;
	return fd;
}

/* A later member of the same name wins, as with tar; but a directory is never replaced. */
static int make_room(int parent, const char *leaf, const char *path, struct err *e)
{
	if (!unlinkat(parent, leaf, 0) || errno == ENOENT)
		return 0;
	if (errno == EISDIR)
		return err_set(e, EINVAL, "\"%.300s\" is in the archive as a directory and as something else", path);
	return err_sys(e, errno, "cannot replace \"%.300s\"", path);
}

/* ---- contents ---- */

static int write_at(int fd, const char *data, size_t len, int64_t at)
{
	while (len) {
		ssize_t n = pwrite(fd, data, len, at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		data += n;
		len -= (size_t)n;
		at += n;
	}
	return 0;
}

static int archive_failure(struct archive *a, const char *path, struct err *e)
{
	const char *text = archive_error_string(a);
	int code = archive_errno(a);

	if (code == ENOMEM)
		return err_set(e, ENOMEM, "\"%.200s\": the archive needs too much memory", path);
	return err_set(e, EINVAL, "\"%.200s\": the archive is damaged: %.200s", path, text ? text : "unknown reason");
}

int member_data(struct member_state *s, struct archive *a, int fd, const char *path, struct err *e)
{
	const void *data;
	int64_t at;
	size_t len;
	int r;

	for (;;) {
		r = archive_read_data_block(a, &data, &len, &at);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r == ARCHIVE_RETRY)
			continue;
		if (r < ARCHIVE_WARN)
			return archive_failure(a, path, e);
		if (at < 0)
			return err_set(e, EINVAL, "\"%.300s\": the archive is damaged: data before the beginning of the file", path);
		r = s->count(s->arg, len, e);
		if (r < 0)
			return r;
		if (fd < 0)
			continue;
		r = write_at(fd, data, len, at);
		if (r < 0)
			return err_sys(e, -r, "cannot write \"%.300s\"", path);
	}
}

/* ---- kinds of members ---- */

static int make_file(struct member_state *s, struct archive *a, struct archive_entry *entry, int parent, const char *leaf,
		     const char *path, struct err *e)
{
	_cleanup_close_ int fd = openat(parent, leaf, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	int64_t size = archive_entry_size(entry);
	int r;

	if (fd < 0)
		return err_sys(e, errno, "cannot make \"%.300s\"", path);
	r = member_data(s, a, fd, path, e);
	if (r < 0)
		return r;
	if (size > 0 && ftruncate(fd, size) < 0)
		return err_sys(e, errno, "cannot give \"%.300s\" its %lld bytes", path, (long long)size);
	return attributes_set(fd, entry, path, s->ids, e);
}

static int remember_directory(struct member_state *s, struct archive_entry *entry, const char *path, struct err *e)
{
	struct member_directory *d;
	int r;

	if (s->n_directories == s->cap_directories) {
		size_t cap = s->cap_directories ? s->cap_directories * 2 : 256;
		void *p = realloc(s->directories, cap * sizeof(*s->directories));

		if (!p)
			return err_set(e, ENOMEM, "not enough memory for the archive's directories");
		s->directories = p;
		s->cap_directories = cap;
	}
	d = &s->directories[s->n_directories++];
	*d = (struct member_directory){
		.path = strdup(path),
		.mtime = { .tv_sec = archive_entry_mtime(entry), .tv_nsec = archive_entry_mtime_nsec(entry) },
	};
	if (!archive_entry_mtime_is_set(entry))
		d->mtime.tv_nsec = UTIME_OMIT;
	r = d->path ? attributes_default_acl(entry, s->ids, &d->acl, &d->acl_len) : -ENOMEM;
	return r < 0 ? err_sys(e, -r, "\"%.300s\": cannot set its access control list", path) : 0;
}

static int make_directory(struct member_state *s, struct archive_entry *entry, int parent, const char *leaf, const char *path,
			  struct err *e)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (leaf[0] && mkdirat(parent, leaf, 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the directory \"%.300s\"", path);
	fd = leaf[0] ? tree_open(parent, leaf, O_RDONLY | O_DIRECTORY) : fcntl(s->root, F_DUPFD_CLOEXEC, 0);
	if (fd == -ENOTDIR || fd == -ELOOP)
		return err_set(e, EINVAL, "\"%.300s\" is in the archive as a directory and as something else", path);
	if (fd < 0)
		return err_sys(e, -fd, "cannot open the directory \"%.300s\"", path);
	r = attributes_set(fd, entry, path, s->ids, e);
	return r < 0 ? r : remember_directory(s, entry, path, e);
}

/* Owner and times of what cannot be opened. */
static int set_node_attributes(struct archive_entry *entry, int parent, const char *leaf, const char *path, struct err *e)
{
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT },
		{ .tv_sec = archive_entry_mtime(entry), .tv_nsec = archive_entry_mtime_nsec(entry) },
	};

	if (fchownat(parent, leaf, (uid_t)archive_entry_uid(entry), (gid_t)archive_entry_gid(entry), AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, errno, "\"%.300s\": cannot set its owner", path);
	if (archive_entry_mtime_is_set(entry) && utimensat(parent, leaf, times, AT_SYMLINK_NOFOLLOW) < 0)
		return err_sys(e, errno, "\"%.300s\": cannot set its time", path);
	return 0;
}

static int make_symlink(struct archive_entry *entry, int parent, const char *leaf, const char *path, struct err *e)
{
	const char *to = archive_entry_symlink(entry);

	if (!to || !to[0])
		return err_set(e, EINVAL, "\"%.300s\" is a symbolic link without a target", path);
	if (symlinkat(to, parent, leaf) < 0)
		return err_sys(e, errno, "cannot make the symbolic link \"%.300s\"", path);
	return set_node_attributes(entry, parent, leaf, path, e);
}

static int make_fifo(struct archive_entry *entry, int parent, const char *leaf, const char *path, struct err *e)
{
	if (mknodat(parent, leaf, S_IFIFO | 0600, 0) < 0)
		return err_sys(e, errno, "cannot make the pipe \"%.300s\"", path);
	/* Nobody else is here who could put something else in its place meanwhile. */
	if (fchmodat(parent, leaf, archive_entry_perm(entry) & 07777, 0) < 0)
		return err_sys(e, errno, "\"%.300s\": cannot set its mode", path);
	return set_node_attributes(entry, parent, leaf, path, e);
}

static int make_hard_link(struct member_state *s, struct archive *a, struct archive_entry *entry, int parent, const char *leaf,
			  const char *path, const char *link, struct err *e)
{
	const char *slash = strrchr(link, '/'), *name = slash ? slash + 1 : link;
	_cleanup_close_ int from = -1, fd = -1;
	char dir[4096];

	snprintf(dir, sizeof(dir), "%.*s", slash ? (int)(slash - link) : 1, slash ? link : ".");
	from = tree_open(s->root, dir, O_PATH | O_DIRECTORY);
	if (from < 0)
		return err_set(e, EINVAL, "\"%.200s\" is a hard link to \"%.200s\", which is not in the archive before it", path, link);
	if (linkat(from, name, parent, leaf, 0) < 0) {
		if (errno == ENOENT)
			return err_set(e, EINVAL, "\"%.200s\" is a hard link to \"%.200s\", which is not in the archive before it", path,
				       link);
		return err_sys(e, errno, "cannot link \"%.200s\" to \"%.200s\"", path, link);
	}
	if (archive_entry_size(entry) <= 0)
		return 0;
	/* Some writers store the contents with the link. */
	fd = tree_open(parent, leaf, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
	return fd < 0 ? err_sys(e, -fd, "cannot open \"%.300s\"", path) : member_data(s, a, fd, path, e);
}

static int make_other(struct member_state *s, struct archive *a, struct archive_entry *entry, int parent, const char *leaf,
		      const char *path, struct err *e)
{
	switch (archive_entry_filetype(entry)) {
	case AE_IFREG:
		return make_file(s, a, entry, parent, leaf, path, e);
	case AE_IFLNK:
		return make_symlink(entry, parent, leaf, path, e);
	case AE_IFIFO:
		return make_fifo(entry, parent, leaf, path, e);
	default:
		return err_set(e, EINVAL, "\"%.300s\" is of a kind that no file system has", path);
	}
}

static bool is_device(struct archive_entry *entry)
{
	mode_t kind = archive_entry_filetype(entry);

	return kind == AE_IFCHR || kind == AE_IFBLK || kind == AE_IFSOCK;
}

int member_make(struct member_state *s, struct archive *a, struct archive_entry *entry, const char *path, const char *link,
		struct err *e)
{
	const char *leaf;
	int parent, r;

	/* The container gets a /dev of its own; nodes on disk would be a way to the host's devices. */
	if (!link && is_device(entry)) {
		s->devices++;
		return 0;
	}
	r = link ? 0 : attributes_check_owner(entry, path, s->ids, e);
	if (r < 0)
		return r;
	parent = open_parent(s, path, &leaf, e);
	if (parent < 0)
		return parent;
	if (!link && archive_entry_filetype(entry) == AE_IFDIR)
		return make_directory(s, entry, parent, leaf, path, e);
	if (!leaf[0])
		return err_set(e, EINVAL, "rootfs in the archive is not a directory");
	if (link && !strcmp(link, path))
		return 0;
	r = make_room(parent, leaf, path, e);
	if (r < 0)
		return r;
	if (link)
		return make_hard_link(s, a, entry, parent, leaf, path, link, e);
	return make_other(s, a, entry, parent, leaf, path, e);
}

int member_finish(struct member_state *s, struct err *e)
{
	for (size_t i = 0; i < s->n_directories; i++) {
		const struct member_directory *d = &s->directories[i];
		const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, d->mtime };
		_cleanup_close_ int fd = d->path[0] ? tree_open(s->root, d->path, O_RDONLY | O_DIRECTORY) :
						      fcntl(s->root, F_DUPFD_CLOEXEC, 0);

		if (fd >= 0 && d->acl && fsetxattr(fd, ATTRIBUTES_DEFAULT_ACL, d->acl, d->acl_len, 0) < 0)
			return err_sys(e, errno, "\"%.300s\": cannot set its access control list", d->path);
		if (fd < 0 || futimens(fd, times) < 0)
			return err_sys(e, fd < 0 ? -fd : errno, "\"%.300s\": cannot set its time", d->path);
	}
	return 0;
}
