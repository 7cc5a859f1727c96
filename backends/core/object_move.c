// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Renaming and removing. The rename of the directory is the moment in which it happens; it is made under the model's and the
 * object's lock together with the change in memory, so that nothing can start in between. fsync() follows without them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/fs.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/expand.h"
#include "backends/core/journal.h"
#include "backends/core/keep.h"
#include "backends/core/model.h"
#include "backends/core/op.h"
#include "backends/core/tree.h"

static int (*on_purge)(struct object *o, struct err *e);

void object_on_purge(int (*f)(struct object *o, struct err *e))
{
	on_purge = f;
}

/* Why an object is not idle; composed without a lock. */
enum busy { IDLE, RUNNING, OPERATION };

static enum busy how_busy(const struct object *o)
{
	if (o->run.op)
		return OPERATION;
	return o->run.state == INST_STOPPED || o->run.state == INST_ERROR ? IDLE : RUNNING;
}

static int busy_error(struct object *o, enum busy busy, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char label[sizeof(o->name)];
	enum inst_state state;

	object_label(o, label);
	if (busy == OPERATION) {
		op_print_progress(o, &b);
		return err_set(e, EBUSY, "%s is busy: %.*s", label, (int)strcspn(buf_str(&b), "\n"), buf_str(&b));
	}
	pthread_mutex_lock(&o->lock);
	state = o->run.state;
	pthread_mutex_unlock(&o->lock);
	return err_set(e, EBUSY, "%s is %s; it must be stopped for that", label, inst_state_name(state));
}

static int gone_error(const struct object *o, struct err *e)
{
	return err_set(e, ENOENT, "%s was removed", o->name);
}

static int rename_dir(enum space from, const char *name, enum space to, const char *new_name)
{
	return syscall(SYS_renameat2, store_space_fd(from), name, store_space_fd(to), new_name, RENAME_NOREPLACE) < 0 ? -errno : 0;
}

/* The journal of the store tells directories by their names. */
static int settle(struct object *o, struct err *e)
{
	char dir[OBJECT_DIR_MAX];

	object_dir(o, dir);
	return journal_settle(dir, e);
}

/* ---- moving ---- */

static int move_locked(struct object *o, enum space from, enum space to, const char *name, bool idle, enum busy *busy,
		       struct err *e)
{
	const struct slot *twin;
	struct slot *s;
	int r;

	HOLD_LOCK(&registry_lock);
	HOLD_LOCK(&o->lock);
	s = o->gone || o->space != from ? NULL : registry_get(o->id);
	if (!s)
		return gone_error(o, e);
	*busy = idle ? how_busy(o) : IDLE;
	if (*busy)
		return -EBUSY;
	twin = registry_find(to, name, true);
	if (twin && twin != s)
		return err_set(e, EEXIST, "%s/%s exists", space_name(to), twin->name);
	r = rename_dir(from, o->name, to, name);
	if (r < 0)
		return err_sys(e, -r, "cannot rename %s/%s to %s/%s in the store", space_name(o->space), o->name, space_name(to), name);
	if (registry_move(s, to, name) < 0) {
		rename_dir(to, name, o->space, o->name);
		return err_set(e, ENOMEM, "out of memory");
	}
	index_put(s);
	o->space = to;
	snprintf(o->name, sizeof(o->name), "%s", name);
	return 0;
}

int object_move(struct object *o, enum space from, enum space to, const char *name, bool idle, struct err *e)
{
	enum busy busy = IDLE;
	int r;

	{
		HOLD_LOCK(&model_of(o)->save);
		r = settle(o, e);
		if (!r)
			r = move_locked(o, from, to, name, idle, &busy, e);
	}
	if (from != to)
		atomic_fetch_add(&model_orders, 1);
	if (busy)
		return busy_error(o, busy, e);
	return r < 0 ? r : store_sync_spaces(from, to, e);
}

static int vanish_locked(struct object *o, enum space from, bool idle, enum busy *busy, struct err *e)
{
	char name[32];
	struct slot *s;
	int r;

	HOLD_LOCK(&registry_lock);
	HOLD_LOCK(&o->lock);
	s = o->gone || o->space != from ? NULL : registry_get(o->id);
	if (!s)
		return gone_error(o, e);
	*busy = idle ? how_busy(o) : IDLE;
	if (*busy)
		return -EBUSY;
	snprintf(name, sizeof(name), ".purge-%u", o->id);
	r = rename_dir(o->space, o->name, SPACE_TRASH, name);
	if (r < 0)
		return err_sys(e, -r, "cannot remove %s/%s from the store", space_name(o->space), o->name);
	o->gone = true;
	model_of(o)->purging = true;
	registry_del(s);
	index_del(o->id);
	object_put(o);
	return 0;
}

int object_vanish(struct object *o, enum space from, bool idle, struct err *e)
{
	enum busy busy = IDLE;
	int r;

	{
		HOLD_LOCK(&model_of(o)->save);
		r = settle(o, e);
		if (!r)
			r = vanish_locked(o, from, idle, &busy, e);
	}
	if (busy)
		return busy_error(o, busy, e);
	if (r < 0)
		return r;
	keep_del(KEEP_ERROR, o->id);
	return store_sync_spaces(from, SPACE_TRASH, e);
}

int object_erase(struct object *o, struct err *e)
{
	char name[32];
	int r = 0;

	snprintf(name, sizeof(name), ".purge-%u", o->id);
	if (on_purge && o->space == SPACE_TRASH)
		r = on_purge(o, e);
	if (!r)
		r = tree_remove(store_space_fd(SPACE_TRASH), name, e);
	if (r < 0)
		trash_leftover(o->id);
	return r;
}

/* ---- renaming, removing ---- */

struct user_search {
	char *profile;
	char user[NAME_LEN_MAX + 20];
};

static int is_name(const char *name, void *arg)
{
	return !strcmp(name, arg);
}

static int is_user(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = object_get(id);
	struct user_search *search = arg;
	const struct entry *en;

	if (!o)
		return 0;
	HOLD_LOCK(&o->lock);
	en = object_entry(o, ENT_FIELD, "profiles");
	if (!en || !expand_each_profile(en->value, en->len, is_name, search->profile))
		return 0;
	snprintf(search->user, sizeof(search->user), "%s", name);
	return 1;
}

static int check_unused(struct object *o, struct err *e)
{
	char label[sizeof(o->name)];
	struct user_search search = { .profile = label };

	if (object_label(o, label) != SPACE_PROFILES || object_each(SPACE_INSTANCES, 0, is_user, &search) != 1)
		return 0;
	return err_set(e, EBUSY, "profile %s is used by instance %s", label, search.user);
}

int object_rename(struct object *o, const char *new_name, struct err *e)
{
	char old[sizeof(o->name)];
	enum space s = object_label(o, old);
	int r;

	if (s == SPACE_INSTANCES)
		r = name_check_instance(new_name, e);
	else if (s == SPACE_NETWORKS)
		r = name_check_network(new_name, e);
	else if (s == SPACE_PROFILES || s == SPACE_IMAGES)
		r = name_check(s == SPACE_IMAGES ? "image" : "profile", new_name, e);
	else
		r = err_set(e, EPERM, "what is in %s cannot be renamed", space_name(s));
	if (r < 0 || !strcmp(old, new_name))
		return r;
	r = object_move(o, s, s, new_name, true, e);
	if (!r)
		object_changed(o, CHANGED_NAME);
	return r;
}

static int check_protection(struct object *o, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	char label[sizeof(o->name)];
	int r;

	if (object_label(o, label) != SPACE_INSTANCES || model_of(o)->broken)
		return 0;
	/* Lenient: an instance whose profile is missing can be removed as well. */
	r = expand_with(o, NULL, true, &x, e);
	if (r < 0)
		return r;
	if (!expanded_bool(&x, "security.protection.delete", false))
		return 0;
	return err_set(e, EPERM, "%s is protected by security.protection.delete; unset that first", label);
}

int object_remove(struct object *o, struct err *e)
{
	char label[sizeof(o->name)];
	enum space s = object_label(o, label);
	int r = check_protection(o, e);

	if (!r)
		r = check_unused(o, e);
	if (r < 0)
		return r;
	if (s == SPACE_DAEMON)
		return err_set(e, EPERM, "the settings cannot be removed");
	if (s == SPACE_TRASH)
		return object_purge(o, e);
	r = s == SPACE_INSTANCES ? trash_add(o, e) : object_vanish(o, s, true, e);
	/* It is removed already; what cannot be deleted now is deleted by trash_expire(). */
	if (!r && s != SPACE_INSTANCES)
		object_erase(o, NULL);
	if (!r)
		object_changed(o, CHANGED_NAME);
	return r;
}
