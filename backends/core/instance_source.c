// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * `source` of an instance: where its root file system comes from. The text is checked when it is written, and again when the
 * operation runs, because images and instances come and go meanwhile. Nothing about the instance changes before the new root
 * file system is complete: then all fields change in one step.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/event.h"
#include "backends/core/lifecycle.h"
#include "backends/core/record.h"
#include "backends/core/storage.h"
#include "backends/core/value.h"

enum origin { NOTHING, IMAGE, INSTANCE, SNAPSHOT };

struct source {
	enum origin origin;
	char name[NAME_LEN_MAX + 1];
	char snap[NAME_LEN_MAX + 1];
	struct object *from;		/* NULL for NOTHING */
	char fingerprint[80];		/* of the base, "" when there is none */
};

static void source_free(struct source *s)
{
	object_put(s->from);
}
#define _cleanup_source_ __attribute__((cleanup(source_free)))

/* ---- the text ---- */

static bool take_word(const char **p, char *buf, size_t size)
{
	size_t len = strcspn(*p, "/");

	if (!len || len >= size)
		return false;
	memcpy(buf, *p, len);
	buf[len] = '\0';
	*p += len;
	return true;
}

static bool skip(const char **p, const char *what)
{
	size_t len = strlen(what);

	if (strncmp(*p, what, len) != 0)
		return false;
	*p += len;
	return true;
}

static bool parse_place(const char *p, struct source *s)
{
	/* The target of a symbolic link begins in the instance's directory. */
	while (skip(&p, "../"))
		;
	if (skip(&p, "images/")) {
		s->origin = IMAGE;
		return take_word(&p, s->name, sizeof(s->name)) && !*p;
	}
	if (!skip(&p, "instances/") || !take_word(&p, s->name, sizeof(s->name)))
		return false;
	s->origin = INSTANCE;
	if (!*p)
		return true;
	s->origin = SNAPSHOT;
	return skip(&p, "/snapshots/") && take_word(&p, s->snap, sizeof(s->snap)) && !*p;
}

/* One line, blanks and the final newline removed. */
static int parse(const char *text, struct source *s, struct err *e)
{
	char line[sizeof(((struct op *)0)->arg)];
	size_t len = strlen(text);

	while (len && strchr(" \t\n", text[len - 1]))
		len--;
	if (len >= sizeof(line))
		return err_set(e, EINVAL, "more than %zu bytes", sizeof(line) - 1);
	memcpy(line, text, len);
	line[len] = '\0';
	if (!strcmp(line, "none") || parse_place(line, s))
		return 0;
	return err_set(e, EINVAL,
		       "\"%.128s\" is not an origin; write images/NAME, instances/NAME, instances/NAME/snapshots/SNAP or none", line);
}

/* ---- what it names ---- */

static int find_image(struct object *o, struct source *s, struct err *e)
{
	_cleanup_close_ int base = -1;

	s->from = object_find(SPACE_IMAGES, s->name);
	if (!s->from)
		return err_set(e, ENOENT, "there is no image %s", s->name);
	if (!object_value(s->from, ENT_FIELD, "fingerprint", s->fingerprint, sizeof(s->fingerprint)))
		return err_set(e, ENODATA, "the image %s is empty; copy its file to images/%s/image first", s->name, s->name);
	if (!(backend_caps(o) & BACKEND_ROOTFS))
		return 0;
	base = base_dirfd(s->fingerprint);
	if (base < 0)
		return err_set(e, ENODATA, "the image %s is not unpacked yet", s->name);
	return 0;
}

static bool has_snapshot(struct object *o, const char *name)
{
	HOLD_LOCK(&o->lock);

	return object_snapshot(o, name);
}

static int find_instance(struct object *o, struct source *s, struct err *e)
{
	char doing[32];

	s->from = object_find(SPACE_INSTANCES, s->name);
	if (!s->from)
		return err_set(e, ENOENT, "there is no instance %s", s->name);
	if (s->from == o && s->origin == INSTANCE)
		return err_set(e, EINVAL, "%s cannot be made from itself", o->name);
	if (s->from == o)
		return err_set(e, EINVAL, "%s cannot be made from its own snapshot; write the snapshot's name to `restore`", o->name);
	if (s->origin == SNAPSHOT && !has_snapshot(s->from, s->snap))
		return err_set(e, ENOENT, "%s has no snapshot %s", s->from->name, s->snap);
	if (!lifecycle_has_root(s->from))
		return lifecycle_no_root(s->from, ENODATA, e);
	if (op_busy(s->from, doing, sizeof(doing)) && (!strcmp(doing, "source") || !strcmp(doing, "restore")))
		return err_set(e, EBUSY, "the root file system of %s is being replaced (%s)", s->from->name, doing);
	if (!object_value(s->from, ENT_FIELD, "base", s->fingerprint, sizeof(s->fingerprint)))
		s->fingerprint[0] = '\0';
	return 0;
}

static void type_of(const struct source *s, char *buf, size_t size)
{
	if (!s->from || !object_value(s->from, ENT_FIELD, "type", buf, size))
		snprintf(buf, size, "container");
}

static int find(struct object *o, const char *text, struct source *s, struct err *e)
{
	int r = parse(text, s, e);
	char type[32];

	if (r < 0 || s->origin == NOTHING)
		return r;
	r = s->origin == IMAGE ? find_image(o, s, e) : find_instance(o, s, e);
	type_of(s, type, sizeof(type));
	if (!r && !backend_for(type))
		return backend_missing(type, e);
	return r;
}

/* A copy gives its owner all that is inside; an image is for those who may read it. */
static int check_right(const struct source *s, const struct caller *who, struct err *e)
{
	struct meta m;
	bool ok;

	if (!s->from || !who->uid)
		return 0;
	pthread_mutex_lock(&s->from->lock);
	m = s->from->meta;
	pthread_mutex_unlock(&s->from->lock);
	ok = who->uid == m.uid;
	if (s->origin == IMAGE)
		ok = m.mode & (ok ? 0400 : who->gid == m.gid ? 0040 : 0004);
	if (ok)
		return 0;
	return err_set(e, EACCES, s->origin == IMAGE ? "you may not read the image %s" : "only root and the owner of %s may copy it",
		       s->from->name);
}

/* ---- what is copied besides the files ---- */

static bool is_copied(const struct entry *en)
{
	if (en->kind == ENT_FIELD)
		return !strcmp(en->name, "description") || !strcmp(en->name, "profiles");
	return en->kind == ENT_CONFIG || en->kind == ENT_DEVICE;
}

/* Nobody has configured it: a copy then gets the configuration of what it is a copy of. */
static bool is_blank(struct object *o)
{
	HOLD_LOCK(&o->lock);

	for (size_t i = 0; i < o->n_entries; i++) {
		const struct entry *en = o->entries[i];
		bool usual = en->kind == ENT_FIELD && !strcmp(en->name, "profiles") && (!en->len || !strcmp(en->value, "default\n"));

		if (is_copied(en) && !usual)
			return false;
	}
	return true;
}

struct entry_list {
	struct entry **list;
	size_t n;
};

static void entry_list_free(struct entry_list *l)
{
	entries_free(l->list, l->n);
}
#define _cleanup_entries_ __attribute__((cleanup(entry_list_free)))

static int copy_entries(const struct source *s, struct entry_list *ret, struct err *e)
{
	HOLD_LOCK(&s->from->lock);
	const struct snapshot *snap = s->origin == SNAPSHOT ? object_snapshot(s->from, s->snap) : NULL;
	struct entry *const *from = snap ? snap->entries : s->from->entries;
	size_t n = snap ? snap->n_entries : s->from->n_entries;

	if (s->origin == SNAPSHOT && !snap)
		return err_set(e, ENOENT, "%s has no snapshot %s any more", s->from->name, s->snap);
	ret->list = calloc(n + 1, sizeof(*ret->list));
	for (size_t i = 0; ret->list && i < n; i++) {
		struct entry *en;

		if (!is_copied(from[i]))
			continue;
		en = entry_new(from[i]->kind, from[i]->name, from[i]->value, from[i]->len, 0, &from[i]->meta);
		if (!en)
			return err_set(e, ENOMEM, "out of memory");
		ret->list[ret->n++] = en;
	}
	return ret->list ? 0 : err_set(e, ENOMEM, "out of memory");
}

/* The configuration for a copy, checked against what its owner may do. */
static int configuration(struct op *op, const struct source *s, struct entry_list *ret, struct err *e)
{
	const struct caller who = op_caller(op);
	int r;

	if (s->origin < INSTANCE || !is_blank(op->obj))
		return 0;
	r = copy_entries(s, ret, e);
	return r < 0 ? r : config_check_all(op->obj, ret->list, ret->n, &who, e);
}

/* ---- carrying it out ---- */

struct text {
	char type[32], architecture[32], base_image[96];
};

static void with_newline(struct object *o, enum entry_kind k, const char *name, const char *def, char *buf, size_t size)
{
	if (!o || !object_value(o, k, name, buf, size - 1))
		snprintf(buf, size, "%s", def);
	if (buf[0])
		strcat(buf, "\n");
}

/* What the instance says of itself afterwards. */
static void collect(const struct source *s, struct text *t)
{
	struct object *inst = s->origin == IMAGE ? NULL : s->from;

	with_newline(s->from, ENT_FIELD, "type", "container", t->type, sizeof(t->type));
	with_newline(s->from, ENT_FIELD, "architecture", "", t->architecture, sizeof(t->architecture));
	with_newline(inst, ENT_VOLATILE, "base_image", s->origin == IMAGE ? s->fingerprint : "", t->base_image, sizeof(t->base_image));
}

static struct entry_change field(enum entry_kind k, const char *name, const char *value)
{
	return (struct entry_change){ .kind = k, .name = name, .value = value[0] ? value : NULL, .len = strlen(value) };
}

static int record(struct op *op, const struct source *s, const struct entry_list *config, struct err *e)
{
	_cleanup_free_ struct entry_change *c = calloc(config->n + 8, sizeof(*c));
	struct text t;
	char type[32];
	size_t n = 0;
	int r;

	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	collect(s, &t);
	type_of(s, type, sizeof(type));
	if (config->list)	/* one without profiles is to have none, not the ones of a new instance */
		c[n++] = (struct entry_change){ .kind = ENT_FIELD, .name = "profiles" };
	for (size_t i = 0; i < config->n; i++) {
		const struct entry *en = config->list[i];
		bool profiles = en->kind == ENT_FIELD && !strcmp(en->name, "profiles");

		c[profiles ? 0 : n++] = (struct entry_change){ .kind = en->kind, .name = en->name, .value = en->value, .len = en->len };
	}
	c[n++] = field(ENT_FIELD, "source", op->arg);
	c[n++] = field(ENT_FIELD, "type", t.type);
	c[n++] = field(ENT_FIELD, "architecture", t.architecture);
	c[n++] = field(ENT_VOLATILE, "base_image", t.base_image);
	r = object_change(op->obj, c, n, CHANGED_ENTRIES, e);
	if (r < 0)
		return r;
	pthread_mutex_lock(&op->obj->lock);
	op->obj->backend = backend_for(type);
	pthread_mutex_unlock(&op->obj->lock);
	return 0;
}

/* Fields of the old volume, for when the new one cannot be made. */
struct assignment {
	char driver[32], base[80];
	bool has_driver, has_base;
};

static struct assignment present(struct object *o)
{
	struct assignment a;

	a.has_driver = object_value(o, ENT_FIELD, "driver", a.driver, sizeof(a.driver));
	a.has_base = object_value(o, ENT_FIELD, "base", a.base, sizeof(a.base));
	return a;
}

static void put_back(struct object *o, const struct assignment *a)
{
	const struct entry_change c[] = {
		{ .kind = ENT_FIELD, .name = "driver", .value = a->has_driver ? a->driver : NULL, .len = strlen(a->driver) },
		{ .kind = ENT_FIELD, .name = "base", .value = a->has_base ? a->base : NULL, .len = strlen(a->base) },
	};

	object_change(o, c, 2, CHANGED_SNAPSHOTS, NULL);
}

/* A driver puts the new volume in the place of the old one when it is complete. */
static int fill(struct op *op, const struct source *s, struct err *e)
{
	const struct storage_ops *ops, *from_ops;
	struct volume v, from;
	int r = storage_volume(op->obj, NULL, &ops, &v, e);

	if (r < 0)
		return r;
	if (s->origin < INSTANCE)
		return ops->create(&v, op, e);
	r = storage_volume(s->from, s->origin == SNAPSHOT ? s->snap : NULL, &from_ops, &from, e);
	return r < 0 ? r : ops->copy(&v, &from, op, e);
}

static int fill_from(struct op *op, const struct source *s, struct err *e)
{
	int r;

	if (s->origin < INSTANCE)
		return fill(op, s, e);
	r = instance_copy_begin(s->from, e);
	if (r < 0)
		return r;
	/* Deleted before that took hold? */
	if (s->origin == SNAPSHOT && !has_snapshot(s->from, s->snap))
		r = err_set(e, ENOENT, "the snapshot %s is gone", s->snap);
	else
		r = fill(op, s, e);
	instance_copy_end(s->from);
	return r;
}

static int make_root(struct op *op, const struct source *s, struct err *e)
{
	struct object *o = op->obj;
	struct assignment old = present(o);
	char type[32];
	int r = instance_copy_check(o, e);

	if (r < 0)
		return r;
	type_of(s, type, sizeof(type));
	r = storage_assign(o, s->fingerprint, !strcmp(type, "virtual-machine"), e);
	if (!r)
		r = fill_from(op, s, e);
	if (r < 0) {
		put_back(o, &old);
		return r;
	}
	/* What is mounted shows the old one. */
	return rootfs_unmount(o, "", e);
}

/*
 * The same text again means the same root file system, not a new one: who writes his configuration twice must not lose his
 * data.
 */
static bool is_unchanged(struct object *o, const char *text)
{
	char old[sizeof(((struct op *)0)->arg)];
	size_t len = strlen(text);

	if (!lifecycle_has_root(o) || !object_value(o, ENT_FIELD, "source", old, sizeof(old)))
		return false;
	while (len && text[len - 1] == '\n')
		len--;
	return len == strlen(old) && !memcmp(text, old, len);
}

static int make_source(struct op *op, struct err *e)
{
	_cleanup_entries_ struct entry_list config = { .n = 0 };
	_cleanup_source_ struct source s = { .origin = NOTHING };
	struct object *o = op->obj;
	int r;

	/* Killed between the last step and the end. */
	if (op->again && is_unchanged(o, op->arg))
		return 0;
	op_progress(op, "from %.128s", op->arg);
	r = find(o, op->arg, &s, e);
	if (!r)
		r = configuration(op, &s, &config, e);
	if (!r && (backend_caps(o) & BACKEND_ROOTFS))
		r = make_root(op, &s, e);
	if (!r)
		r = record(op, &s, &config, e);
	if (r < 0)
		return r;
	if (s.origin == IMAGE) {
		_cleanup_buf_ struct buf now = BUF_INIT;

		value_print_time(&now, time(NULL));
		buf_addch(&now, '\n');
		object_set(s.from, ENT_FIELD, "last_used", buf_str(&now), now.len, NULL);
	}
	base_collect();
	return 0;
}

static int execute_source(struct op *op, struct err *e)
{
	return lifecycle_execute(op, make_source, e);
}

static void source_ended(struct op *op)
{
	_cleanup_buf_ struct buf extra = BUF_INIT;
	char text[sizeof(op->arg)];

	if (!op->result) {
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(op->arg, "\n"), op->arg);
		event_add_member(&extra, "source", text);
		event_emit("instance-updated", op->obj, buf_str(&extra));
	}
	lifecycle_ended(op);
}

void instance_source_register(void)
{
	static const struct op_class row = { "source", INST_STOPPED, execute_source, source_ended };

	op_register(OP_SOURCE, &row);
}

/* ---- the request ---- */

static int check_target(struct object *o, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .n = 0 };
	int r;

	if (instance_is_running(o))
		return err_set(e, EBUSY, "%s is running; stop it first", o->name);
	if (!lifecycle_has_root(o))
		return 0;
	r = config_expand(o, &x, e);
	if (r < 0)
		return r;
	if (expanded_bool(&x, "security.protection.delete", false))
		return err_set(e, EPERM, "%s is protected: security.protection.delete is set, and its root file system would be replaced",
			       o->name);
	return 0;
}

int instance_set_source(struct object *o, const char *text, bool nonblock, const struct caller *who,
			void (*done)(void *arg, int result), void *arg, struct err *e)
{
	_cleanup_source_ struct source s = { .origin = NOTHING };
	int r = 0;

	if (!op_known(who->unique)) {
		r = parse(text, &s, e);
		if (!r && is_unchanged(o, text))
			return 0;
		if (!r)
			r = check_target(o, e);
		if (!r)
			r = find(o, text, &s, e);
		if (!r)
			r = check_right(&s, who, e);
	}
	if (r < 0)
		return r;
	if (nonblock)
		done = NULL;
	r = op_submit(o, OP_SOURCE, text, 0, 0, who, done, arg, e);
	return r < 0 ? r : done != NULL;
}
