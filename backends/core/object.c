// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Objects: loading, finding, listing, and moving of their directories. The registry owns one reference to each loaded object; an
 * object that is not loaded cannot change, so that it is read from disk without any lock and the first reader wins.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <linux/fs.h>

#include <jansson.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/keep.h"
#include "backends/core/model.h"
#include "backends/core/tree.h"

/* How many names object_each() copies at a time. */
#define EACH_BATCH 64
/* Slots that a new object may use before its record is written again. */
#define FIRST_SLOTS 33

const char *space_name(enum space s)
{
	static const char *const names[SPACE_MAX] = { "daemon", "instances", "profiles", "images", "trash", "networks" };

	return s < SPACE_MAX ? names[s] : "";
}

const char *inst_state_name(enum inst_state s)
{
	static const char *const names[] = {
		"stopped", "starting", "running", "freezing", "frozen", "thawing", "stopping", "restarting", "error",
	};

	return (size_t)s < sizeof(names) / sizeof(names[0]) ? names[s] : "error";
}

/* ---- life of the structure ---- */

struct model_object *object_new(uint32_t id, enum space s, const char *name)
{
	struct model_object *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->refs = 1;
	m->o.id = id;
	m->o.space = s;
	snprintf(m->o.name, sizeof(m->o.name), "%s", name);
	m->o.loaded = true;
	m->o.next_slot = m->o.slots_reserved = 1;
	pthread_mutex_init(&m->save, NULL);
	pthread_mutex_init(&m->o.change, NULL);
	pthread_mutex_init(&m->o.lock, NULL);
	return m;
}

static void object_free(struct model_object *m)
{
	for (size_t i = 0; i < m->o.n_snaps; i++)
		snapshot_free(m->o.snaps[i]);
	free(m->o.snaps);
	entries_free(m->o.entries, m->o.n_entries);
	json_decref((json_t *)m->extra);
	free(m->broken);
	pthread_mutex_destroy(&m->save);
	pthread_mutex_destroy(&m->o.change);
	pthread_mutex_destroy(&m->o.lock);
	free(m);
}

struct object *object_ref(struct object *o)
{
	__atomic_add_fetch(&model_of(o)->refs, 1, __ATOMIC_RELAXED);
	return o;
}

struct object *object_put(struct object *o)
{
	if (o && !__atomic_sub_fetch(&model_of(o)->refs, 1, __ATOMIC_ACQ_REL))
		object_free(model_of(o));
	return NULL;
}

/* ---- loading ---- */

void object_set_backend(struct object *o)
{
	const struct entry *type = object_entry(o, ENT_FIELD, "type");
	char buf[32] = "container";

	if (o->space != SPACE_INSTANCES && o->space != SPACE_TRASH)
		return;
	if (type && type->len)
		snprintf(buf, sizeof(buf), "%.*s", (int)strcspn(type->value, "\n"), type->value);
	o->backend = backend_for(buf);
}

/* Whether trying again later may work: the record itself is not to blame. */
static bool is_passing(int r)
{
	return r == -ENOMEM || r == -EMFILE || r == -ENFILE || r == -EINTR;
}

static void object_break(struct model_object *m, int dirfd, struct err *e)
{
	struct stat st;

	m->broken = malloc(sizeof(*e));
	if (!m->broken)
		return;
	err_wrap(e, "%s/%s/object.json", space_name(m->o.space), m->o.name);
	*m->broken = *e;
	m->broken->code = EIO;
	m->o.run.state = INST_ERROR;
	m->o.meta.mode = 0700;
	if (dirfd >= 0 && !fstat(dirfd, &st))
		m->o.created = m->o.meta.mtime = m->o.meta.ctime = st.st_mtim;
}

static int read_record(struct model_object *m, int dirfd, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct record rec;
	int r = buf_read_file(&b, dirfd, "object.json", STORE_FILE_MAX);

	if (r == -ENOENT && m->o.space == SPACE_DAEMON) {
		m->o.meta = (struct meta){ .mode = 0755, .mtime = model_now() };
		m->o.meta.ctime = m->o.created = m->o.meta.mtime;
		return 0;
	}
	if (r < 0)
		return err_sys(e, -r, "cannot read it");
	r = record_parse(buf_str(&b), b.len, &rec, e);
	if (r < 0)
		return r;
	if (rec.id != m->o.id) {
		r = err_set(e, EINVAL, "it has the id %u, not %u; a restart of the daemon sorts that out", rec.id, m->o.id);
		record_free(&rec);
		HOLD_LOCK(&registry_lock);
		index_forget();
		return r;
	}
	m->o.meta = rec.meta;
	m->o.created = rec.created;
	m->o.next_slot = m->o.slots_reserved = rec.next_slot;
	m->o.generation = rec.generation;
	m->o.configured = rec.configured;
	m->o.entries = rec.entries;
	m->o.n_entries = rec.n_entries;
	m->extra = rec.extra;
	return 0;
}

static void dir_name(const struct object *o, bool purging, char buf[OBJECT_DIR_MAX])
{
	if (purging)
		snprintf(buf, OBJECT_DIR_MAX, "trash/.purge-%u", o->id);
	else if (o->space == SPACE_DAEMON)
		snprintf(buf, OBJECT_DIR_MAX, "daemon");
	else
		snprintf(buf, OBJECT_DIR_MAX, "%s/%s", space_name(o->space), o->name);
}

struct object *object_load(uint32_t id, enum space s, const char *name, bool purging)
{
	struct model_object *m = object_new(id, s, name);
	_cleanup_close_ int fd = -1;
	struct err e = ERR_INIT;
	char path[OBJECT_DIR_MAX];
	int r;

	if (!m)
		return NULL;
	m->purging = purging;
	dir_name(&m->o, purging, path);
	fd = openat(store_fd(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? err_sys(&e, errno, "cannot open its directory") : read_record(m, fd, &e);
	if (r < 0 && !is_passing(r))
		object_break(m, fd, &e);
	if (r < 0 && !m->broken) {
		object_free(m);
		return NULL;
	}
	if (fd >= 0) {
		unlinkat(fd, "object.json.tmp", 0);
		snapshots_load(&m->o, fd);
	}
	if (s == SPACE_TRASH)
		m->o.removed.tv_sec = trash_time(name);
	object_set_backend(&m->o);
	return &m->o;
}

/* ---- finding ---- */

/* Takes over *o, unless somebody was faster. */
static struct object *publish(struct object *o)
{
	struct object *found;
	struct slot *s;

	pthread_mutex_lock(&registry_lock);
	s = registry_get(o->id);
	if (s && !s->obj)
		s->obj = object_ref(o);
	found = s ? s->obj : NULL;
	if (found && found != o)
		object_ref(found);
	pthread_mutex_unlock(&registry_lock);
	if (found != o)
		object_put(o);
	else if (model_of(o)->broken)
		object_error_keep(o, model_of(o)->broken);
	return found;
}

/* registry_lock held on entry, not on return. */
static struct object *take(struct slot *s)
{
	char name[sizeof(((struct object *)0)->name)];
	struct object *o = s ? s->obj : NULL;
	enum space space;
	uint32_t id;

	if (!s || o) {
		if (o)
			object_ref(o);
		pthread_mutex_unlock(&registry_lock);
		return o;
	}
	id = s->id;
	space = (enum space)s->space;
	snprintf(name, sizeof(name), "%s", s->name);
	pthread_mutex_unlock(&registry_lock);
	o = object_load(id, space, name, false);
	return o ? publish(o) : NULL;
}

struct object *object_get(uint32_t id)
{
	pthread_mutex_lock(&registry_lock);
	return take(registry_get(id));
}

struct object *object_find(enum space s, const char *name)
{
	pthread_mutex_lock(&registry_lock);
	return take(registry_find(s, name, false));
}

struct each_name {
	uint32_t id;
	char name[sizeof(((struct object *)0)->name)];
};

static size_t copy_names(enum space s, uint32_t after, struct each_name *ret)
{
	struct slot **list;
	size_t n;

	HOLD_LOCK(&registry_lock);
	list = registry_list(s, after, &n);
	if (n > EACH_BATCH)
		n = EACH_BATCH;
	for (size_t i = 0; i < n; i++) {
		ret[i].id = list[i]->id;
		strcpy(ret[i].name, list[i]->name);
	}
	return n;
}

int object_each(enum space s, uint32_t after, int (*f)(uint32_t id, const char *name, void *arg), void *arg)
{
	struct each_name part[EACH_BATCH];
	size_t n;

	do {
		n = copy_names(s, after, part);
		for (size_t i = 0; i < n; i++) {
			int r = f(part[i].id, part[i].name, arg);

			if (r)
				return r;
			after = part[i].id;
		}
	} while (n == EACH_BATCH);
	return 0;
}

size_t object_count(enum space s)
{
	HOLD_LOCK(&registry_lock);

	return registry_count(s);
}

uint64_t object_generation(struct object *o)
{
	HOLD_LOCK(&o->lock);
	return o->generation;
}

struct timespec space_mtime(enum space s)
{
	struct stat st;

	if (fstat(store_space_fd(s), &st) < 0)
		return (struct timespec){ 0 };
	return st.st_mtim;
}

void object_dir(struct object *o, char buf[OBJECT_DIR_MAX])
{
	HOLD_LOCK(&o->lock);

	dir_name(o, model_of(o)->purging, buf);
}

enum space object_label(struct object *o, char name[sizeof(o->name)])
{
	HOLD_LOCK(&o->lock);

	strcpy(name, o->name);
	return o->space;
}

int object_dirfd(struct object *o)
{
	char path[OBJECT_DIR_MAX];
	int fd;

	object_dir(o, path);
	fd = openat(store_fd(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

void object_path(struct object *o, char *buf, size_t size)
{
	char path[OBJECT_DIR_MAX];

	object_dir(o, path);
	snprintf(buf, size, "%s/%s", store_dir(), path);
}

bool object_made_room(int error, struct err *e)
{
	if ((error != -ENOSPC && error != -EDQUOT) || trash_expire(true) <= 0)
		return false;
	if (e)
		err_clear(e);
	return true;
}

/* ---- making ---- */

static int check_name(enum space s, const char *name, struct err *e)
{
	switch (s) {
	case SPACE_INSTANCES:
		return name_check_instance(name, e);
	case SPACE_PROFILES:
		return name_check("profile", name, e);
	case SPACE_IMAGES:
		return name_check("image", name, e);
	case SPACE_NETWORKS:
		return name_check_network(name, e);
	default:
		return err_set(e, EPERM, "nothing can be made by name in %s", space_name(s));
	}
}

static int twin_error(const struct slot *twin, struct err *e)
{
	return err_set(e, EEXIST, "%s/%s exists", space_name((enum space)twin->space), twin->name);
}

static int check_free(enum space s, const char *name, struct err *e)
{
	const struct slot *twin;

	HOLD_LOCK(&registry_lock);
	twin = registry_find(s, name, true);
	return twin ? twin_error(twin, e) : 0;
}

/* Takes the name, so that the disk can be written without a lock. */
static int reserve(uint32_t id, enum space s, const char *name, struct err *e)
{
	const struct slot *twin;

	HOLD_LOCK(&registry_lock);
	twin = registry_find(s, name, true);
	if (twin)
		return twin_error(twin, e);
	return registry_add(id, s, name, 0, true) ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int rename_new(int fd, const char *from, int to_fd, const char *to)
{
	return syscall(SYS_renameat2, fd, from, to_fd, to, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

static int fill_dir(int fd, struct model_object *m, uint64_t *ino, struct err *e)
{
	const struct record rec = { .id = m->o.id, .next_slot = FIRST_SLOTS, .meta = m->o.meta, .created = m->o.created };
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct stat st;
	int r = record_print(&rec, &b, e);

	if (!r)
		r = store_write_new(fd, "object.json", b.data, b.len, e);
	if (!r && fstat(fd, &st) < 0)
		r = err_sys(e, errno, "cannot look at a new directory");
	if (!r)
		*ino = st.st_ino;
	return r;
}

/* All or nothing: the directory is filled under another name, the rename makes the object. */
static int make_dir(struct model_object *m, uint64_t *ino, struct err *e)
{
	int space = store_space_fd(m->o.space), r;
	_cleanup_close_ int fd = -1;
	char tmp[32];

	snprintf(tmp, sizeof(tmp), ".new-%u", m->o.id);
	if (mkdirat(space, tmp, 0700) < 0)
		return err_sys(e, errno, "cannot make a directory in the store");
	fd = openat(space, tmp, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	r = fd < 0 ? err_sys(e, errno, "cannot open a new directory") : fill_dir(fd, m, ino, e);
	if (!r) {
		r = rename_new(space, tmp, space, m->o.name);
		if (r == -EEXIST)
			err_set(e, EEXIST, "the store has something named %s/%s that is no object", space_name(m->o.space), m->o.name);
		else if (r < 0)
			err_sys(e, -r, "cannot rename a new directory");
		else if ((r = store_sync(space, e)) < 0)
			rename_new(space, m->o.name, space, tmp);
	}
	if (r < 0)
		tree_remove(space, tmp, NULL);
	return r;
}

static int show(struct object *o, uint64_t ino, bool made, struct err *e)
{
	struct slot *s;

	HOLD_LOCK(&registry_lock);
	s = registry_find(o->space, o->name, true);
	if (!made || registry_show(s, ino) < 0) {
		registry_del(s);
		return made ? err_set(e, ENOMEM, "out of memory") : 0;
	}
	s->obj = object_ref(o);
	index_put(s);
	return 0;
}

static int create_once(enum space s, const char *name, const struct meta *meta, struct object **ret, struct err *e)
{
	_cleanup_object_ struct object *o = NULL;
	struct model_object *m;
	uint64_t ino = 0;
	uint32_t id;
	int r = check_free(s, name, e);

	if (!r)
		r = store_new_id(&id, e);
	if (r)
		return r;
	m = object_new(id, s, name);
	if (!m)
		return err_set(e, ENOMEM, "out of memory");
	o = &m->o;
	o->created = model_now();
	o->meta = *meta;
	if (!o->meta.mtime.tv_sec)
		o->meta.mtime = o->created;
	if (!o->meta.ctime.tv_sec)
		o->meta.ctime = o->created;
	o->slots_reserved = FIRST_SLOTS;
	object_set_backend(o);
	r = reserve(id, s, name, e);
	if (r < 0)
		return r;
	r = make_dir(m, &ino, e);
	if (r < 0) {
		show(o, 0, false, NULL);
		return r;
	}
	r = show(o, ino, true, e);
	if (!r)
		*ret = steal_pointer(&o);
	return r;
}

int object_create(enum space s, const char *name, const struct meta *m, struct object **ret, struct err *e)
{
	int r = check_name(s, name, e);

	if (r < 0)
		return r;
	r = create_once(s, name, m, ret, e);
	if (object_made_room(r, e))
		r = create_once(s, name, m, ret, e);
	if (!r)
		object_changed(*ret, CHANGED_NAME);
	return r;
}
