// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Images. In the object's directory: `upload` while somebody writes it, `unpacking` while OP_IMAGE works on it, `image`
 * when it is good.
 *
 * The end of OP_IMAGE changes three things: the base (BASES/FINGERPRINT), the file `image` and the object's fields. Before the
 * second a record of all fields is written, BASES/.commit-ID; from then on the image is the new one, and whoever finds
 * the record (image_init() after a crash) completes the rest. Before it, everything is as it was, and the operation is
 * done over.
 *
 * No state in memory; one operation per object at a time (op.h) is all the locking that these files need.
 */
#include "backends/core/image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "backends/core/buf.h"
#include "backends/core/cleanup.h"
#include "backends/core/event.h"
#include "backends/core/image_unpack.h"
#include "backends/core/storage.h"
#include "backends/core/value.h"

#define FIELDS 7

static inline void cleanup_json(json_t **j)
{
	json_decref(*j);
}
#define _cleanup_json_ __attribute__((cleanup(cleanup_json)))

/* ---- the upload ---- */

static bool operating(struct object *o)
{
	HOLD_LOCK(&o->lock);

	return o->run.op != NULL;
}

static bool has_file(struct object *o, const char *name)
{
	_cleanup_close_ int dir = object_dirfd(o);

	return dir >= 0 && !faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

int image_create(const char *name, const struct meta *m, const struct caller *who, struct object **ret, struct err *e)
{
	return object_create(SPACE_IMAGES, name, m, ret, e);
}

int image_upload(struct object *o, bool fresh, struct err *e)
{
	_cleanup_close_ int dir = object_dirfd(o);
	bool busy = operating(o);
	int fd;

	if (dir < 0)
		return err_sys(e, -dir, "cannot open the directory of the image %s", o->name);
	if (busy && fresh)
		return err_set(e, EBUSY, "the image %s is being unpacked; see `progress`", o->name);
	if (busy) {
		fd = openat(dir, "unpacking", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		if (fd >= 0)
			return fd;
	}
	fd = openat(dir, "upload", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | (fresh ? O_TRUNC : 0), 0600);
	return fd < 0 ? err_sys(e, errno, "cannot store the upload of the image %s", o->name) : fd;
}

bool image_uploading(struct object *o)
{
	return has_file(o, "upload") || (operating(o) && has_file(o, "unpacking"));
}

void image_abandon(struct object *o)
{
	_cleanup_close_ int dir = object_dirfd(o);

	if (dir >= 0 && !operating(o))
		unlinkat(dir, "upload", 0);
}

int image_commit(struct object *o, const struct caller *who, void (*done)(void *arg, int result), void *arg, struct err *e)
{
	int r = op_submit(o, OP_IMAGE, NULL, 0, 0, who, done, arg, e);

	return r < 0 ? r : done != NULL;
}

int image_open(struct object *o)
{
	_cleanup_close_ int dir = object_dirfd(o);
	int fd;

	if (dir < 0)
		return dir;
	fd = openat(dir, "image", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? (errno == ENOENT ? -ENODATA : -errno) : fd;
}

/* ---- the fields ---- */

struct changes {
	struct entry_change *list;
	char (*values)[80];		/* of the fields */
	size_t n;
};

static void add_field(struct changes *c, const char *name, const char *value)
{
	char *copy = c->values[c->n];

	snprintf(copy, sizeof(c->values[0]), "%s", value ? value : "");
	c->list[c->n++] = (struct entry_change){ .kind = ENT_FIELD, .name = name, .value = value ? copy : NULL, .len = strlen(copy) };
}

static void add_time(struct changes *c, const char *name, json_int_t t)
{
	_cleanup_buf_ struct buf text = BUF_INIT;

	value_print_time(&text, (time_t)t);
	add_field(c, name, t ? buf_str(&text) : NULL);
}

static void add_fields(struct changes *c, const json_t *facts)
{
	char size[32];

	snprintf(size, sizeof(size), "%lld", (long long)json_integer_value(json_object_get(facts, "size")));
	add_field(c, "type", json_string_value(json_object_get(facts, "type")));
	add_field(c, "architecture", json_string_value(json_object_get(facts, "architecture")));
	add_field(c, "fingerprint", json_string_value(json_object_get(facts, "fingerprint")));
	add_field(c, "size", size);
	add_time(c, "created", json_integer_value(json_object_get(facts, "created")));
	add_time(c, "expires", json_integer_value(json_object_get(facts, "expires")));
	add_time(c, "uploaded", json_integer_value(json_object_get(facts, "uploaded")));
}

/* Names of the properties that the object has now and the new data do not; copies, up to max. */
static size_t outdated(struct object *o, const json_t *properties, char (*names)[NAME_LEN_MAX + 1], size_t max)
{
	size_t first, end, n = 0;
	HOLD_LOCK(&o->lock);

	object_entries(o, ENT_PROPERTY, &first, &end);
	for (; first < end && n < max; first++) {
		if (!json_object_get(properties, o->entries[first]->name))
			snprintf(names[n++], sizeof(names[0]), "%s", o->entries[first]->name);
	}
	return n;
}

static size_t property_count(struct object *o)
{
	size_t first, end;
	HOLD_LOCK(&o->lock);

	object_entries(o, ENT_PROPERTY, &first, &end);
	return end - first;
}

/* Properties read like files: with a newline at their end. */
static char *with_newline(const json_t *value)
{
	char *text = NULL;

	return asprintf(&text, "%s\n", json_string_value(value)) < 0 ? NULL : text;
}

static int apply_facts(struct object *o, const json_t *facts, struct err *e)
{
	json_t *properties = json_object_get(facts, "properties"), *value;
	size_t n_old = property_count(o), n_new = json_object_size(properties), texts = 0;
	_cleanup_free_ struct entry_change *list = calloc(FIELDS + n_old + n_new, sizeof(*list));
	_cleanup_free_ char (*values)[80] = calloc(FIELDS, sizeof(*values));
	_cleanup_free_ char (*old)[NAME_LEN_MAX + 1] = calloc(n_old + 1, sizeof(*old));
	_cleanup_free_ char **text = calloc(n_new + 1, sizeof(*text));
	struct changes c = { .list = list, .values = values };
	const char *name;
	int r = list && values && old && text ? 0 : -ENOMEM;

	if (!r) {
		add_fields(&c, facts);
		n_old = outdated(o, properties, old, n_old);
		for (size_t i = 0; i < n_old; i++)
			list[c.n++] = (struct entry_change){ .kind = ENT_PROPERTY, .name = old[i] };
		json_object_foreach(properties, name, value) {
			char *t = text[texts++] = with_newline(value);

			list[c.n++] = (struct entry_change){ .kind = ENT_PROPERTY, .name = name, .value = t, .len = t ? strlen(t) : 0 };
			r = t ? r : -ENOMEM;
		}
	}
	r = r < 0 ? err_set(e, ENOMEM, "not enough memory for the image's properties") : object_change(o, list, c.n, CHANGED_ENTRIES, e);
	while (texts)
		free(text[--texts]);
	return r;
}

/* ---- the commit ---- */

static void record_name(uint32_t id, char *buf, size_t size)
{
	snprintf(buf, size, ".commit-%u", id);
}

static int record_write(int bases, uint32_t id, const json_t *facts, struct err *e)
{
	_cleanup_free_ char *text = json_dumps(facts, JSON_COMPACT);
	_cleanup_close_ int fd = openat(bases, ".commit.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	char name[32];

	if (!text)
		return err_set(e, ENOMEM, "not enough memory for the image's record");
	record_name(id, name, sizeof(name));
	if (fd < 0 || write(fd, text, strlen(text)) != (ssize_t)strlen(text) || fsync(fd) < 0 ||
	    renameat(bases, ".commit.new", bases, name) < 0 || fsync(bases) < 0)
		return err_sys(e, errno ? errno : ENOSPC, "cannot write the record of the image");
	return 0;
}

/* What follows the record; done over after a crash. */
static int complete(struct object *o, int bases, const json_t *facts, struct err *e)
{
	_cleanup_close_ int dir = object_dirfd(o);
	char name[32];
	int r;

	if (dir < 0)
		return err_sys(e, -dir, "cannot open the directory of the image %s", o->name);
	if ((renameat(dir, "unpacking", dir, "image") < 0 && errno != ENOENT) || fsync(dir) < 0)
		return err_sys(e, errno, "cannot put the image in its place");
	r = apply_facts(o, facts, e);
	if (r < 0)
		return r;
	record_name(o->id, name, sizeof(name));
	unlinkat(bases, name, 0);
	return 0;
}

/* Under base_hold(): nobody deletes the base before the object's record refers to it. */
static int commit(struct object *o, int upload, json_t *facts, struct err *e)
{
	/* Two images may end at the same time; their records share a temporary name. */
	static pthread_mutex_t one = PTHREAD_MUTEX_INITIALIZER;
	const char *fingerprint = json_string_value(json_object_get(facts, "fingerprint"));
	_cleanup_close_ int bases = base_dir();
	int r;

	if (bases < 0)
		return err_sys(e, -bases, "cannot open the directory of unpacked images");
	if (fsync(upload) < 0)
		return err_sys(e, errno, "cannot write the image to disk");
	r = base_install(o->id, fingerprint, e);
	if (r < 0)
		return r;
	{
		HOLD_LOCK(&one);
		r = record_write(bases, o->id, facts, e);
	}
	return r < 0 ? r : complete(o, bases, facts, e);
}

/* Completes what a record tells of; one for an image that is gone is dropped. */
static int recover_one(int bases, const char *name, uint32_t id, struct err *e)
{
	_cleanup_object_ struct object *o = object_get(id);
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_json_ json_t *facts = NULL;

	if (!o || o->space != SPACE_IMAGES) {
		unlinkat(bases, name, 0);
		return 0;
	}
	if (buf_read_file(&text, bases, name, 8 << 20) == 0)
		facts = json_loadb(buf_str(&text), text.len, 0, NULL);
	/* Never half written, see record_write(); one that cannot be read was spoilt by something else. */
	if (image_facts_check(facts, e) < 0)
		return err_wrap(e, "the record bases/%s", name);
	return complete(o, bases, facts, e);
}

/* ---- the operation ---- */

/* The demand that was written before the first data. */
static int check_fingerprint(struct object *o, const json_t *facts, struct err *e)
{
	const char *got = json_string_value(json_object_get(facts, "fingerprint"));
	char wanted[80];

	if (has_file(o, "image") || !object_value(o, ENT_FIELD, "fingerprint", wanted, sizeof(wanted)) || !wanted[0])
		return 0;
	return strcmp(got, wanted) ? err_set(e, EINVAL, "fingerprints don't match, got %s expected %s", got, wanted) : 0;
}

static int unpack_and_commit(struct op *op, int upload, struct err *e)
{
	_cleanup_json_ json_t *facts = NULL;
	struct object *o = op->obj;
	char path[512];
	int r;

	r = base_stage(o->id, path, sizeof(path), e);
	if (r < 0)
		return r;
	r = image_unpack(upload, path, op, &facts, e);
	if (!r)
		r = check_fingerprint(o, facts, e);
	if (!r) {
		json_object_set_new(facts, "uploaded", json_integer((json_int_t)time(NULL)));
		op_progress(op, "writing to disk");
		base_hold();
		r = commit(o, upload, facts, e);
		base_release();
	}
	if (r < 0)
		base_unstage(o->id);
	return r;
}

static int open_unpacking(struct op *op, int dir, struct err *e)
{
	int fd;

	/* An operation that goes on after a restart has its data already; an `upload` is then somebody's next one. */
	if (!op->again || faccessat(dir, "unpacking", F_OK, AT_SYMLINK_NOFOLLOW) < 0) {
		if (renameat(dir, "upload", dir, "unpacking") < 0)
			return errno == ENOENT ? -ENOENT : err_sys(e, errno, "cannot take the upload");
	}
	fd = openat(dir, "unpacking", O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? err_sys(e, errno, "cannot read the upload") : fd;
}

/* No upload: image_init() completed it, or could not, or it is the second commit of one upload. */
static int complete_again(struct object *o, struct err *e)
{
	_cleanup_close_ int bases = base_dir();
	char name[32];

	record_name(o->id, name, sizeof(name));
	if (bases < 0 || faccessat(bases, name, F_OK, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	return recover_one(bases, name, o->id, e);
}

static int execute_image(struct op *op, struct err *e)
{
	_cleanup_close_ int dir = object_dirfd(op->obj), upload = -1;
	int r;

	if (dir < 0)
		return err_sys(e, -dir, "cannot open the directory of the image %s", op->obj->name);
	upload = open_unpacking(op, dir, e);
	if (upload == -ENOENT)
		return complete_again(op->obj, e);
	if (upload < 0)
		return upload;
	op_progress(op, "unpack 0%%");
	r = unpack_and_commit(op, upload, e);
	if (r < 0) {
		unlinkat(dir, "unpacking", 0);
		return r;
	}
	event_emit("image-unpacked", op->obj, NULL);
	base_collect();
	return 0;
}

int image_set_source(struct object *o, const char *text, bool nonblock, const struct caller *who,
		     void (*done)(void *arg, int result), void *arg, struct err *e)
{
	if (!strncmp(text, "https://", 8) || !strncmp(text, "http://", 7) || !strncmp(text, "simplestreams ", 14))
		return err_set(e, EOPNOTSUPP, "images cannot be fetched from the network yet: copy the file to `image`");
	if (!strncmp(text, "instances/", 10))
		return err_set(e, EOPNOTSUPP, "images cannot be made from instances yet: copy a unified image to `image`");
	return err_set(e, EINVAL, "\"%.100s\" is not a source of images (https://..., simplestreams ..., instances/NAME/snapshots/SNAP)",
		       text);
}

/* ---- users ---- */

struct users {
	const char *fingerprint;
	int (*f)(uint32_t id, const char *name, void *arg);
	void *arg;
};

static int consider_user(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = object_get(id);
	struct users *u = arg;
	char base[80];

	if (!o || !object_value(o, ENT_VOLATILE, "base_image", base, sizeof(base)) || strcmp(base, u->fingerprint))
		return 0;
	return u->f(id, name, u->arg);
}

int image_each_user(struct object *image, int (*f)(uint32_t id, const char *name, void *arg), void *arg)
{
	char fingerprint[80];
	struct users u = { .fingerprint = fingerprint, .f = f, .arg = arg };

	if (!object_value(image, ENT_FIELD, "fingerprint", fingerprint, sizeof(fingerprint)))
		return 0;
	return object_each(SPACE_INSTANCES, 0, consider_user, &u);
}

/* ---- at start ---- */

int image_init(struct err *e)
{
	static const struct op_class image_class = { .name = "unpack", .during = INST_STOPPED, .execute = execute_image };
	_cleanup_dir_ DIR *d = NULL;
	struct dirent *de;
	int fd = base_dir();
	uint32_t id;

	op_register(OP_IMAGE, &image_class);
	if (fd < 0)
		return err_sys(e, -fd, "cannot open the directory of unpacked images");
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return err_set(e, ENOMEM, "cannot read the directory of unpacked images");
	}
	while ((de = readdir(d))) {
		struct err why = ERR_INIT;

		/* One image is no reason not to serve the others. */
		if (sscanf(de->d_name, ".commit-%u", &id) == 1 && recover_one(fd, de->d_name, id, &why) < 0)
			fprintf(stderr, "instfs: cannot complete an image: %s\n", why.text);
	}
	base_collect();
	return 0;
}
