// SPDX-License-Identifier: LGPL-2.1-or-later
/* The files of an image, and of a profile, which share used_by/. */
#include "backends/core/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/storage.h"
#include "fs/dirs.h"
#include "fs/edit.h"
#include "fs/stream.h"
#include "fs/top.h"

/* ---- used_by/ ---- */

struct user_find {
	struct view *dir;
	const char *want;
	list_fn emit;
	void *arg;
	uint64_t after;
	uint32_t slot, found;
	char name[NAME_LEN_MAX + 20];
};

/* A link's number is the id of the instance that it leads to; ids that do not fit in a slot are folded. */
static uint32_t user_slot(uint32_t id)
{
	return id & NODE_SLOT_MAX ? id & NODE_SLOT_MAX : 1;
}

static uint16_t link_row(const struct view *dir)
{
	return dir->o->space == SPACE_IMAGES ? ROW_IMG_USER_LINK : ROW_PRO_USER_LINK;
}

static int consider_user(uint32_t id, const char *name, void *arg)
{
	struct user_find *f = arg;

	if (f->emit)
		return id > f->after ? f->emit(f->arg, id, name, view_row_ino(f->dir->o, user_slot(id), link_row(f->dir)), S_IFLNK) : 0;
	if (f->want ? strcmp(f->want, name) : user_slot(id) != f->slot)
		return 0;
	f->found = id;
	snprintf(f->name, sizeof(f->name), "%s", name);
	return 1;
}

static int each_user(struct user_find *f)
{
	struct object *o = f->dir->o;
	int r = o->space == SPACE_IMAGES ? image_each_user(o, consider_user, f) : profile_each_user(o, consider_user, f);

	return f->emit || r < 0 ? r : f->found ? 0 : -ENOENT;
}

static int user_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	struct user_find f = { .dir = dir, .want = name };
	int r = each_user(&f);

	if (!r)
		*ino = view_row_ino(dir->o, user_slot(f.found), link_row(dir));
	return r;
}

static int user_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	struct user_find f = { .dir = dir, .emit = emit, .arg = arg, .after = after };

	return each_user(&f);
}

static int show_user(struct view *v, struct buf *out, struct err *e)
{
	struct user_find f = { .dir = v, .slot = v->node.slot };
	int r = each_user(&f);

	if (r)
		return -ESTALE;
	buf_addf(out, "../../../instances/%s", f.name);
	return 0;
}

static const struct children user_children = { .dynamic = true, .guests = true, .lookup = user_lookup, .list = user_list };
static const struct row image_user_rows[] = {
	{ .id = ROW_IMG_USER_LINK, .mode = S_IFLNK | 0777, .flags = ROW_VOLATILE_ALWAYS, .show = show_user,
	  .doc = "link to an instance made from it" },
	{ 0 },
};
static const struct row profile_user_rows[] = {
	{ .id = ROW_PRO_USER_LINK, .mode = S_IFLNK | 0777, .flags = ROW_VOLATILE_ALWAYS, .show = show_user,
	  .doc = "link to an instance that uses it" },
	{ 0 },
};
static const struct dir image_users_dir = { image_user_rows, &user_children };
static const struct dir profile_users_dir = { profile_user_rows, &user_children };

/* ---- the data of an image ---- */

static int data_open(struct view *v, bool trunc, struct err *e)
{
	_cleanup_close_ int fd = -1;

	if (!trunc)
		return 0;
	fd = image_upload(v->o, true, e);
	return fd < 0 ? fd : 0;
}

static int data_write(struct view *v, const char *data, size_t len, off_t off, struct err *e)
{
	_cleanup_close_ int fd = image_upload(v->o, false, e);

	if (fd < 0)
		return fd;
	while (len) {
		ssize_t n = pwrite(fd, data, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, errno, "cannot store the image");
		data += n;
		len -= (size_t)n;
		off += n;
	}
	return 0;
}

static int data_finish(struct view *v, bool last, struct err *e)
{
	/* The opener's close already asked for it; the last close is for those who never flush. */
	if (!image_uploading(v->o))
		return 0;
	return image_commit(v->o, v->who, v->done_arg ? v->done : NULL, v->done_arg, e);
}

static int data_fd(struct view *v)
{
	return image_uploading(v->o) ? image_upload(v->o, false, NULL) : image_open(v->o);
}

static int data_read(struct view *v, size_t size, off_t off, struct buf *out, struct err *e)
{
	return stream_read_fd(data_fd(v), size, off, out);
}

static int data_size(struct view *v, uint64_t *ret, struct err *e)
{
	return stream_size_fd(data_fd(v), ret);
}

static bool data_exists(struct view *v)
{
	_cleanup_close_ int fd = data_fd(v);

	return fd >= 0 || edit_has_writers(view_row_ino(v->o, 0, ROW_IMG_DATA));
}

static const struct stream data_stream = {
	.open = data_open, .write = data_write, .finish = data_finish, .read = data_read, .size = data_size,
};

/* ---- facts ---- */

static int show_metadata(struct view *v, struct buf *out, struct err *e)
{
	_cleanup_close_ int fd = -1;
	char fp[80];
	int r;

	if (!object_value(v->o, ENT_FIELD, "fingerprint", fp, sizeof(fp)))
		return -ENODATA;
	fd = base_dirfd(fp);
	if (fd < 0)
		return -ENODATA;
	r = buf_read_file(out, fd, "metadata.yaml", 1 << 20);
	return r == -ENOENT ? -ENODATA : r;
}

static int store_image_source(struct view *v, const char *value, size_t len, struct err *e)
{
	char text[512];

	while (len && value[len - 1] == '\n')
		len--;
	if (len >= sizeof(text) || memchr(value, '\0', len))
		return err_set(e, EINVAL, "too long, or with a NUL byte");
	memcpy(text, value, len);
	text[len] = '\0';
	return image_set_source(v->o, text, v->nonblock || !v->done_arg, v->who, v->done_arg ? v->done : NULL, v->done_arg, e);
}

static int store_fingerprint(struct view *v, const char *value, size_t len, struct err *e)
{
	char old[80];

	while (len && value[len - 1] == '\n')
		len--;
	if (len != 64 || strspn(value, "0123456789abcdef") < 64)
		return err_set(e, EINVAL, "a fingerprint is a sha256 in 64 lower case hexadecimal digits");
	if (object_value(v->o, ENT_FIELD, "size", old, sizeof(old)))
		return err_set(e, EBUSY, "the image has its data; a fingerprint is demanded before");
	return object_set(v->o, ENT_FIELD, "fingerprint", value, len, e);
}

#define FACT(ID, NAME, DOC) \
	{ .id = ID, .name = NAME, .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES, .show = show_field, .doc = DOC }

static const struct children property_children = { .kind = ENT_PROPERTY, .editable = true };
static const struct dir properties_dir = { NULL, &property_children };

static const struct row image_rows[] = {
	FACT(ROW_IMG_TYPE, "type", "container or virtual-machine"),
	FACT(ROW_IMG_ARCHITECTURE, "architecture", "kernel name, as x86_64"),
	{ .id = ROW_IMG_FINGERPRINT, .name = "fingerprint", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .show = show_field,
	  .store = store_fingerprint, .doc = "sha256 of the original bytes; written before the data, it must match" },
	FACT(ROW_IMG_SIZE, "size", "bytes of the original data"),
	FACT(ROW_IMG_CREATED, "created", "when it was built, from its metadata.yaml, RFC 3339, UTC"),
	FACT(ROW_IMG_EXPIRES, "expires", "from its metadata.yaml, RFC 3339, UTC; empty: never"),
	FACT(ROW_IMG_UPLOADED, "uploaded", "when it came here, RFC 3339, UTC"),
	FACT(ROW_IMG_LAST_USED, "last_used", "when an instance was last made from it, RFC 3339, UTC; empty: never"),
	{ .id = ROW_IMG_SOURCE, .name = "source", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .flags = ROW_COMMAND, .show = show_field,
	  .store = store_image_source, .doc = "where it comes from, when it was not copied in" },
	{ .id = ROW_IMG_METADATA, .name = "metadata.yaml", .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES, .show = show_metadata,
	  .doc = "the image's own description" },
	{ .id = ROW_IMG_DATA, .name = "image", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .flags = ROW_VOLATILE_ALWAYS,
	  .stream = &data_stream, .exists = data_exists,
	  .doc = "the original bytes: a unified image, any compression; cp one here to make the image" },
	{ .id = ROW_IMG_PROPERTIES, .name = "properties", .mode = S_IFDIR | 0755, .deps = CHANGED_ENTRIES, .dir = &properties_dir,
	  .doc = "one property per file" },
	{ .id = ROW_IMG_USED_BY, .name = "used_by", .mode = S_IFDIR | 0555, .dir = &image_users_dir,
	  .doc = "links to the instances made from it" },
	{ .id = ROW_IMG_PROGRESS, .name = "progress", .mode = S_IFREG | 0444, .flags = ROW_VOLATILE_ALWAYS, .show = show_progress,
	  .doc = "the operation under way; empty when idle" },
	{ .id = ROW_IMG_ERROR, .name = "error", .mode = S_IFREG | 0444, .deps = CHANGED_ERROR, .show = show_error,
	  .doc = "the last failure, until the next success" },
	{ 0 },
};
const struct dir image_dir = { image_rows, &instance_children };
const struct row image_row = { .id = ROW_IMAGE, .mode = S_IFDIR | 0755, .dir = &image_dir, .doc = "an image" };

/* ---- profiles ---- */

static int store_nothing(struct view *v, const char *value, size_t len, struct err *e)
{
	return 0;
}

static const struct row profile_rows[] = {
	{ .id = ROW_PRO_DESCRIPTION, .name = "description", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .flags = ROW_FIELD,
	  .doc = "free text" },
	{ .id = ROW_PRO_CONFIG_YAML, .name = "config.yaml", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES | CHANGED_NAME, .show = show_yaml,
	  .flags = ROW_VOLATILE_ALWAYS | ROW_FIELD | ROW_DOCUMENT | ROW_TEXT,
	  .doc = "the whole profile, as lxc profile show prints it; written as a whole it sets description, config and devices at once" },
	{ .id = ROW_PRO_CONFIG, .name = "config", .mode = S_IFDIR | 0755, .deps = CHANGED_ENTRIES, .dir = &config_dir,
	  .doc = "one configured key per file" },
	{ .id = ROW_PRO_DEVICES, .name = "devices", .mode = S_IFDIR | 0755, .deps = CHANGED_ENTRIES, .dir = &devices_dir,
	  .doc = "one device per file, key=value lines" },
	{ .id = ROW_PRO_USED_BY, .name = "used_by", .mode = S_IFDIR | 0555, .dir = &profile_users_dir,
	  .doc = "links to the instances that use it" },
	{ .id = ROW_PRO_ERROR, .name = "error", .mode = S_IFREG | 0444, .deps = CHANGED_ERROR, .flags = ROW_COMMAND | ROW_FACT,
	  .show = show_error, .store = store_nothing, .doc = "the last failure, until the next success; what a copy brings is not kept" },
	{ 0 },
};
const struct dir profile_dir = { profile_rows, &instance_children };
const struct row profile_row = { .id = ROW_PROFILE, .mode = S_IFDIR | 0755, .dir = &profile_dir, .doc = "a profile" };
