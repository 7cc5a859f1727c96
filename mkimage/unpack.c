// SPDX-License-Identifier: LGPL-2.1-or-later
/* The members of a unified image: which part each belongs to, whether its name is acceptable, limits. No state outside the call. */
#include "mkimage/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/tree.h"
#include "mkimage/disk.h"
#include "mkimage/member.h"

#define PATH_LEN_MAX 4000
#define TEMPLATE_MAX (1u << 20)

enum part { PART_NONE, PART_METADATA, PART_ROOTFS, PART_TEMPLATES, PART_DISK, PART_BOOT, PART_SQUASHFS };

struct unpacking {
	struct archive *a;
	int target;
	const struct unpack_limits *limits;
	struct unpacked *ret;
	struct member_state member;
	char path[PATH_LEN_MAX + 1], link[PATH_LEN_MAX + 1];
};

struct archive *unpack_open(int fd, struct err *e)
{
	struct archive *a = archive_read_new();
	int r = a ? ARCHIVE_OK : ARCHIVE_FATAL;

	/* By name, not "all": the rest would run programs. */
	if (a) {
		r |= archive_read_support_filter_gzip(a);
		r |= archive_read_support_filter_bzip2(a);
		r |= archive_read_support_filter_xz(a);
		r |= archive_read_support_filter_lzma(a);
		r |= archive_read_support_filter_zstd(a);
		r |= archive_read_support_filter_lz4(a);
		r |= archive_read_support_format_tar(a);
	}
	if (r != ARCHIVE_OK) {
		err_set(e, ENOMEM, "the archive library lacks one of gzip, bzip2, xz, lzma, zstd, lz4 or tar");
		archive_read_free(a);
		return NULL;
	}
	if (archive_read_open_fd(a, fd, 128 * 1024) == ARCHIVE_OK)
		return a;
	if (archive_errno(a) == ENOMEM)
		err_set(e, ENOMEM, "not enough memory to unpack this");
	else
		err_set(e, EINVAL, "this is no tar archive in a compression of gzip, bzip2, xz, lzma, zstd and lz4, or a damaged one: %.200s",
			archive_error_string(a) ? archive_error_string(a) : "unknown format");
	archive_read_free(a);
	return NULL;
}

/* ---- names ---- */

/*
 * The name without "./", "//" and a final "/". Names that lead upwards or begin at the root are no mistakes that one could repair;
 * they are refused.
 */
static int clean_name(const char *raw, char *out, const char *what, struct err *e)
{
	size_t n = 0;

	if (!raw || !raw[0])
		return err_set(e, EINVAL, "a member of the archive has no %s, or one that cannot be read", what);
	if (raw[0] == '/')
		return err_set(e, EINVAL, "\"%.300s\": absolute names are not allowed in an image", raw);
	while (*raw) {
		size_t len = strcspn(raw, "/");

		if (len == 2 && raw[0] == '.' && raw[1] == '.')
			return err_set(e, EINVAL, "a name with \"..\" in it is not allowed in an image: \"%.200s\"", raw);
		if (len > 255 || n + len + 1 > PATH_LEN_MAX)
			return err_set(e, ENAMETOOLONG, "a member has a name that is too long, ending in \"%.200s\"", raw);
		if (len && !(len == 1 && raw[0] == '.')) {
			if (n)
				out[n++] = '/';
			memcpy(out + n, raw, len);
			n += len;
		}
		raw += len + (raw[len] == '/');
	}
	out[n] = '\0';
	return 0;
}

/* Which part a clean name belongs to; *rest: the name inside the part. */
static enum part part_of(const char *path, const char **rest)
{
	static const struct { const char *name; enum part part; bool inside; } parts[] = {
		{ "metadata.yaml", PART_METADATA, false }, { "rootfs", PART_ROOTFS, true }, { "templates", PART_TEMPLATES, true },
		{ "rootfs.img", PART_DISK, false }, { "kernel", PART_BOOT, false }, { "initrd", PART_BOOT, false },
		{ "cmdline", PART_BOOT, false }, { "rootfs.squashfs", PART_SQUASHFS, false },
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		size_t len = strlen(parts[i].name);

		if (strncmp(path, parts[i].name, len) != 0)
			continue;
		if (path[len] && (path[len] != '/' || !parts[i].inside))
			continue;
		*rest = path + len + (path[len] == '/');
		return parts[i].part;
	}
	return PART_NONE;
}

/* ---- limits ---- */

static int count_bytes(void *arg, uint64_t bytes, struct err *e)
{
	struct unpacking *u = arg;
	const struct unpack_limits *l = u->limits;
	uint64_t in = (uint64_t)archive_filter_bytes(u->a, -1);

	u->ret->bytes += bytes;
	if (l->bytes && u->ret->bytes > l->bytes)
		return err_set(e, ENOSPC, "the image unpacks to more than the %" PRIu64 " MiB that may be used", l->bytes >> 20);
	if (l->ratio && u->ret->bytes > UNPACK_RATIO_FROM && u->ret->bytes / l->ratio > in)
		return err_set(e, EFBIG, "the image unpacks to more than %" PRIu64 " times its size", l->ratio);
	return 0;
}

/* ---- parts ---- */

static int read_small(struct unpacking *u, struct archive_entry *entry, size_t max, struct buf *out, struct err *e)
{
	ssize_t n;

	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return err_set(e, EINVAL, "\"%.200s\" is not a regular file", u->path);
	if (archive_entry_size(entry) > (int64_t)max)
		return err_set(e, EINVAL, "\"%.200s\" is larger than %zu bytes", u->path, max);
	buf_resize(out, max + 1);
	if (buf_error(out))
		return err_set(e, ENOMEM, "not enough memory for \"%.200s\"", u->path);
	n = archive_read_data(u->a, out->data, max + 1);
	if (n < 0)
		return err_set(e, EINVAL, "\"%.200s\": the archive is damaged: %.200s", u->path,
			       archive_error_string(u->a) ? archive_error_string(u->a) : "unknown reason");
	if ((size_t)n > max)
		return err_set(e, EINVAL, "\"%.200s\" is larger than %zu bytes", u->path, max);
	buf_resize(out, (size_t)n);
	return count_bytes(u, (uint64_t)n, e);
}

/* Files beside the root file system get owner and mode of our own. */
static int write_small(int dirfd, const char *name, const struct buf *data, const char *path, struct err *e)
{
	_cleanup_close_ int fd = -1;

	unlinkat(dirfd, name, 0);
	fd = openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, buf_str(data), data->len) != (ssize_t)data->len)
		return err_sys(e, errno, "cannot write \"%.200s\"", path);
	return 0;
}

static int take_metadata(struct unpacking *u, struct archive_entry *entry, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct metadata m;
	int r = read_small(u, entry, METADATA_MAX, &text, e);

	if (!r)
		r = metadata_parse(buf_str(&text), text.len, &m, e);
	if (r < 0)
		return r;
	metadata_free(&u->ret->metadata);
	u->ret->metadata = m;
	u->ret->has_metadata = true;
	return u->target < 0 ? 0 : write_small(u->target, "metadata.yaml", &text, u->path, e);
}

static int take_template(struct unpacking *u, struct archive_entry *entry, const char *name, struct err *e)
{
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_close_ int dir = -1;
	int r;

	if (!name[0])
		return archive_entry_filetype(entry) == AE_IFDIR ? 0 : err_set(e, EINVAL, "templates in the archive is not a directory");
	if (strchr(name, '/') || archive_entry_filetype(entry) == AE_IFDIR)
		return err_set(e, EINVAL, "\"%.200s\": templates/ may have files only, no directories", u->path);
	r = read_small(u, entry, TEMPLATE_MAX, &text, e);
	if (r < 0 || u->target < 0)
		return r;
	if (mkdirat(u->target, "templates", 0700) < 0 && errno != EEXIST)
		return err_sys(e, errno, "cannot make the directory templates");
	dir = tree_open(u->target, "templates", O_RDONLY | O_DIRECTORY);
	return dir < 0 ? err_sys(e, -dir, "cannot open the directory templates") : write_small(dir, name, &text, u->path, e);
}

/* Until an entry for rootfs/ itself comes, it is as directories usually are. */
static int open_rootfs(struct unpacking *u, struct err *e)
{
	int fd;

	if (mkdirat(u->target, "rootfs", 0755) < 0)
		return err_sys(e, errno, "cannot make the directory rootfs");
	fd = tree_open(u->target, "rootfs", O_RDONLY | O_DIRECTORY);
	if (fd < 0)
		return err_sys(e, -fd, "cannot open the directory rootfs");
	fchmod(fd, 0755);
	member_begin(&u->member, fd);
	return 0;
}

static int take_rootfs(struct unpacking *u, struct archive_entry *entry, const char *path, struct err *e)
{
	const char *raw = archive_entry_hardlink(entry), *link = NULL;
	int r;

	if (raw) {
		r = clean_name(raw, u->link, "link target", e);
		if (r < 0)
			return r;
		if (part_of(u->link, &link) != PART_ROOTFS || !link[0])
			return err_set(e, EINVAL, "\"%.200s\" is a hard link to \"%.200s\", which is not in rootfs/", u->path, u->link);
	}
	if (!path[0] && (raw || archive_entry_filetype(entry) != AE_IFDIR))
		return err_set(e, EINVAL, "rootfs in the archive is not a directory");
	u->ret->has_rootfs = true;
	if (u->target < 0)
		return raw ? 0 : member_data(&u->member, u->a, -1, u->path, e);
	r = u->member.root < 0 ? open_rootfs(u, e) : 0;
	if (r < 0)
		return r;
	return member_make(&u->member, u->a, entry, path, link, e);
}

/* ---- virtual machines ---- */

/* What is read by the emulator later, which is another user: from a descriptor, so that only the file's own mode matters. */
static int make_file(struct unpacking *u, struct archive_entry *entry, struct err *e)
{
	int fd;

	if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry))
		return err_set(e, EINVAL, "\"%.200s\" is not a regular file", u->path);
	unlinkat(u->target, u->path, 0);
	fd = openat(u->target, u->path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return fd < 0 ? err_sys(e, errno, "cannot write \"%.200s\"", u->path) : fd;
}

static int take_file(struct unpacking *u, struct archive_entry *entry, bool disk, struct err *e)
{
	_cleanup_close_ int fd = -1;
	uint64_t size;
	int r;

	u->ret->has_disk |= disk;
	if (u->target < 0)
		return member_data(&u->member, u->a, -1, u->path, e);
	fd = make_file(u, entry, e);
	if (fd < 0)
		return fd;
	r = member_data(&u->member, u->a, fd, u->path, e);
	if (!r && ftruncate(fd, archive_entry_size(entry)) < 0)
		r = err_sys(e, errno, "cannot give \"%.200s\" its size", u->path);
	return r < 0 || !disk ? r : disk_check(fd, false, NULL, &size, e);
}

static int take(struct unpacking *u, struct archive_entry *entry, struct err *e)
{
	const char *rest;
	int r = clean_name(archive_entry_pathname(entry), u->path, "name", e);

	if (r < 0)
		return r;
	switch (part_of(u->path, &rest)) {
	case PART_METADATA:
		return take_metadata(u, entry, e);
	case PART_ROOTFS:
		return take_rootfs(u, entry, rest, e);
	case PART_TEMPLATES:
		return take_template(u, entry, rest, e);
	case PART_DISK:
		return take_file(u, entry, true, e);
	case PART_BOOT:
		return take_file(u, entry, false, e);
	case PART_SQUASHFS:
		return err_set(e, EOPNOTSUPP, "the image has its root file system in %s: only images with a directory rootfs/ or a disk "
			       "rootfs.img can be used yet", u->path);
	default:
		return 0;
	}
}

/* ---- the whole ---- */

static int header_failure(struct unpacking *u, struct err *e)
{
	const char *text = archive_error_string(u->a);

	if (archive_errno(u->a) == ENOMEM)
		return err_set(e, ENOMEM, "unpacking this archive needs too much memory");
	if (!u->ret->entries)
		return err_set(e, EINVAL, "this is no tar archive: %.200s", text ? text : "unknown format");
	return err_set(e, EINVAL, "the archive is damaged behind \"%.200s\": %.200s", u->path, text ? text : "unknown reason");
}

static int read_members(struct unpacking *u, struct err *e)
{
	struct archive_entry *entry;
	int r;

	for (;;) {
		r = archive_read_next_header(u->a, &entry);
		if (r == ARCHIVE_EOF)
			return 0;
		if (r == ARCHIVE_RETRY)
			continue;
		if (r < ARCHIVE_WARN)
			return header_failure(u, e);
		u->ret->entries++;
		if (u->limits->entries && u->ret->entries > u->limits->entries)
			return err_set(e, EFBIG, "the image has more than %" PRIu64 " files", u->limits->entries);
		r = take(u, entry, e);
		if (r < 0)
			return r;
	}
}

static int check_complete(const struct unpacked *ret, struct err *e)
{
	if (!ret->entries)
		return err_set(e, EINVAL, "the archive is empty");
	if (!ret->has_metadata)
		return err_set(e, EINVAL, "the archive has no metadata.yaml: it is not an image%s",
			       ret->has_rootfs || ret->has_disk ? "" : ", or one half of a split image, which cannot be used yet");
	if (!ret->has_rootfs && !ret->has_disk)
		return err_set(e, EINVAL, "the archive has a metadata.yaml but neither rootfs/ nor rootfs.img: it is one half of a split "
			       "image, which cannot be used yet");
	if (ret->has_rootfs && ret->has_disk)
		return err_set(e, EINVAL, "the archive has both a rootfs/ and a rootfs.img: it must be for a container or for a virtual machine");
	return 0;
}

int unpack_archive(struct archive *a, int target, const struct unpack_limits *l, struct unpacked *ret, struct err *e)
{
	struct unpacking u = { .a = a, .target = target, .limits = l, .ret = ret };
	int r;

	*ret = (struct unpacked){ .entries = 0 };
	u.member.count = count_bytes;
	u.member.arg = &u;
	u.member.ids = l->ids;
	member_begin(&u.member, -1);
	r = read_members(&u, e);
	if (!r)
		r = check_complete(ret, e);
	if (!r && target >= 0)
		r = member_finish(&u.member, e);
	ret->devices = u.member.devices;
	member_end(&u.member);
	cleanup_close(&u.member.root);
	if (r < 0)
		metadata_free(&ret->metadata);
	return r;
}
