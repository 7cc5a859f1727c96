// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Snapshots: taking one, going back to one and deleting one are operations, renaming is done at once. Files come first and
 * the record in object.json last when something is made, and the same when it goes: a record without files can be deleted
 * again, files without a record are overwritten by the next snapshot of that name.
 *
 * Nobody may delete files that somebody else is copying. Renaming holds a stripe of `changing` and refuses while an operation of the
 * object is accepted or another instance is copied from it; whoever begins to copy passes through the stripe, and so finds either all or
 * nothing. Deleting takes long and stands in the same list instead: copies are refused until it ends. The stripe is taken with no
 * other lock held; the object's locks are taken inside.
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

#define STRIPES 32

struct copying {
	uint32_t object;
	bool deleting;		/* its files go; nothing can be copied from it */
	struct copying *next;
};

static pthread_mutex_t changing[STRIPES] = { [0 ... STRIPES - 1] = PTHREAD_MUTEX_INITIALIZER };
static struct copying *copies[STRIPES];		/* under the stripe */

static const struct copying *copying_of(const struct object *o)
{
	const struct copying *c = copies[o->id % STRIPES];

	while (c && c->object != o->id)
		c = c->next;
	return c;
}

static int in_use(const struct object *o, const struct copying *c, struct err *e)
{
	if (c->deleting)
		return err_set(e, EBUSY, "a snapshot of %s is being deleted", o->name);
	return err_set(e, EBUSY, "%s is being copied to another instance", o->name);
}

/* Any number may copy at once, one may delete when nobody does anything else. */
static int claim(struct object *o, bool deleting, struct err *e)
{
	struct copying *c = malloc(sizeof(*c));
	HOLD_LOCK(&changing[o->id % STRIPES]);
	const struct copying *other = copying_of(o);

	if (other && (deleting || other->deleting)) {
		free(c);
		return in_use(o, other, e);
	}
	if (!c)
		return err_set(e, ENOMEM, "out of memory");
	*c = (struct copying){ .object = o->id, .deleting = deleting, .next = copies[o->id % STRIPES] };
	copies[o->id % STRIPES] = c;
	return 0;
}

int instance_copy_begin(struct object *o, struct err *e)
{
	return claim(o, false, e);
}

void instance_copy_end(struct object *o)
{
	HOLD_LOCK(&changing[o->id % STRIPES]);
	struct copying **p = &copies[o->id % STRIPES], *c;

	while ((*p)->object != o->id)
		p = &(*p)->next;
	c = *p;
	*p = c->next;
	free(c);
}

int instance_copy_check(struct object *o, struct err *e)
{
	HOLD_LOCK(&changing[o->id % STRIPES]);
	const struct copying *c = copying_of(o);

	return c ? in_use(o, c, e) : 0;
}

static bool exists(struct object *o, const char *name)
{
	HOLD_LOCK(&o->lock);

	return object_snapshot(o, name);
}

static bool on_storage(struct object *o)
{
	return backend_caps(o) & BACKEND_ROOTFS;
}

static int no_snapshot(struct object *o, const char *name, struct err *e)
{
	return err_set(e, ENOENT, "%s has no snapshot %s", o->name, name);
}

static void tell(struct object *o, const char *type, const char *name, const char *old_name)
{
	_cleanup_buf_ struct buf extra = BUF_INIT;

	event_add_member(&extra, "snapshot", name);
	if (old_name)
		event_add_member(&extra, "old_name", old_name);
	event_emit(type, o, buf_str(&extra));
}

/* ---- taking ---- */

struct request {
	char name[NAME_LEN_MAX + 1];
	unsigned mode, uid, gid;
};

static int parse_request(const char *arg, struct request *ret, struct err *e)
{
	if (sscanf(arg, "%64s %o %u %u", ret->name, &ret->mode, &ret->uid, &ret->gid) != 4)
		return err_set(e, EINVAL, "the record of the operation is not readable");
	return 0;
}

static time_t expiry(struct object *o, time_t now)
{
	_cleanup_expanded_ struct expanded x = { .n = 0 };
	const char *text;
	time_t t;

	if (config_expand(o, &x, NULL) < 0)
		return 0;
	text = expanded_get(&x, "snapshots.expiry");
	return text && text[0] && !value_expiry(text, now, &t, NULL) ? t : 0;
}

static int add_record(struct op *op, const struct request *q, struct err *e)
{
	struct snapshot *s = calloc(1, sizeof(*s));
	char *description = strdup("");

	if (!s || !description) {
		free(s);
		free(description);
		return err_set(e, ENOMEM, "out of memory");
	}
	s->description = description;
	s->slot = object_new_slot(op->obj, e);
	if (!s->slot) {
		snapshot_free(s);
		return e && e->code ? -e->code : -EIO;
	}
	memcpy(s->name, q->name, sizeof(s->name));
	clock_gettime(CLOCK_REALTIME, &s->created);
	s->meta = (struct meta){ .mode = q->mode, .uid = q->uid, .gid = q->gid, .mtime = s->created, .ctime = s->created };
	s->expires = expiry(op->obj, s->created.tv_sec);
	return object_snapshot_add(op->obj, s, e);
}

static int copy_files(struct op *op, const char *name, struct err *e)
{
	const struct storage_ops *ops;
	struct volume v;
	int r = storage_volume(op->obj, NULL, &ops, &v, e);

	return r < 0 ? r : ops->snapshot(&v, name, op, e);
}

/*
 * A running guest stands still meanwhile. Whether it was running is in the operation's record: an earlier server may have
 * frozen it and been killed before it could thaw it.
 */
static int copy_frozen(struct op *op, const char *name, struct err *e)
{
	struct err thaw_error = ERR_INIT;
	enum inst_state now = lifecycle_state(op);
	bool thaw = op->before == INST_RUNNING && now == INST_FROZEN;
	int r = 0;

	if (now == INST_RUNNING) {
		r = backend_freeze(op->obj, op, e);
		thaw = !r;
		if (r == -EOPNOTSUPP || lifecycle_state(op) == INST_STOPPED)
			r = 0;
	}
	if (!r && on_storage(op->obj))
		r = copy_files(op, name, e);
	if (thaw && lifecycle_state(op) != INST_STOPPED) {
		if (!backend_thaw(op->obj, op, &thaw_error)) {
			lifecycle_set_state(op, INST_RUNNING);
		} else {
			lifecycle_set_state(op, INST_FROZEN);
			if (!r && e)
				*e = thaw_error;
			r = r ? r : -thaw_error.code;
		}
	}
	return r;
}

static int take(struct op *op, struct err *e)
{
	struct request q;
	int r = parse_request(op->arg, &q, e);

	if (r < 0)
		return r;
	if (!lifecycle_has_root(op->obj))
		return lifecycle_no_root(op->obj, ENODATA, e);
	op_progress(op, "%s", q.name);
	if (!exists(op->obj, q.name))
		r = copy_frozen(op, q.name, e);
	if (!r && !exists(op->obj, q.name))
		r = add_record(op, &q, e);
	return r;
}

static int execute_take(struct op *op, struct err *e)
{
	return lifecycle_execute(op, take, e);
}

static void taken(struct op *op)
{
	struct request q;

	if (!op->result && !parse_request(op->arg, &q, NULL))
		tell(op->obj, "instance-snapshot-created", q.name, NULL);
	lifecycle_ended(op);
}

int instance_snapshot(struct object *o, const char *name, const struct meta *m, const struct caller *who,
		      void (*done)(void *arg, int result), void *arg, struct err *e)
{
	char text[NAME_LEN_MAX + 64];
	int r = name_check("snapshot", name, e);

	if (r < 0)
		return r;
	if (!op_known(who->unique)) {
		if (exists(o, name))
			return err_set(e, EEXIST, "%s has a snapshot %s already", o->name, name);
		if (!lifecycle_has_root(o))
			return lifecycle_no_root(o, ENODATA, e);
	}
	snprintf(text, sizeof(text), "%s %o %u %u", name, m->mode, m->uid, m->gid);
	r = op_submit(o, OP_SNAPSHOT, text, 0, 0, who, done, arg, e);
	return r < 0 ? r : done != NULL;
}

/* ---- deleting ---- */

static int delete_files(struct object *o, const char *name, struct err *e)
{
	const struct storage_ops *ops;
	struct volume v;
	int r = rootfs_unmount(o, name, e);

	if (!r)
		r = storage_volume(o, NULL, &ops, &v, e);
	return r ? r : ops->snapshot_delete(&v, name, e);
}

/* A server that was killed may have left files of a snapshot whose record went with them out of sight. */
static int delete(struct op *op, struct err *e)
{
	bool recorded = exists(op->obj, op->arg);
	int r;

	op_progress(op, "%.64s", op->arg);
	if (!recorded && !op->again)
		return no_snapshot(op->obj, op->arg, e);
	r = claim(op->obj, true, e);
	if (r < 0)
		return r;
	if (on_storage(op->obj))
		r = delete_files(op->obj, op->arg, e);
	if (!r && recorded)
		r = object_snapshot_remove(op->obj, op->arg, e);
	instance_copy_end(op->obj);
	if (!r && on_storage(op->obj))
		base_collect();
	return r;
}

static int execute_delete(struct op *op, struct err *e)
{
	return lifecycle_execute(op, delete, e);
}

static void deleted(struct op *op)
{
	if (!op->result)
		tell(op->obj, "instance-snapshot-deleted", op->arg, NULL);
	lifecycle_ended(op);
}

int instance_snapshot_delete(struct object *o, const char *name, const struct caller *who, void (*done)(void *arg, int result),
			     void *arg, struct err *e)
{
	int r = 0;

	if (!op_known(who->unique))
		r = exists(o, name) ? instance_copy_check(o, e) : no_snapshot(o, name, e);
	if (!r)
		r = op_submit(o, OP_SNAPSHOT_DELETE, name, 0, 0, who, done, arg, e);
	return r < 0 ? r : done != NULL;
}

/* ---- renaming ---- */

/* Under the stripe. */
static int check_idle(struct object *o, struct err *e)
{
	const struct copying *c = copying_of(o);
	char doing[32];

	if (c)
		return in_use(o, c, e);
	if (op_busy(o, doing, sizeof(doing)))
		return err_set(e, EBUSY, "%s is busy: the operation \"%s\" is under way, see `progress`", o->name, doing);
	return 0;
}

static int rename_files(struct object *o, const char *name, const char *new_name, struct err *e)
{
	const struct storage_ops *ops;
	struct volume v;
	int r = rootfs_unmount(o, name, e);

	if (!r)
		r = storage_volume(o, NULL, &ops, &v, e);
	return r ? r : ops->snapshot_rename(&v, name, new_name, e);
}

int instance_snapshot_rename(struct object *o, const char *name, const char *new_name, struct err *e)
{
	int r = name_check("snapshot", new_name, e);

	if (r < 0)
		return r;
	{
		HOLD_LOCK(&changing[o->id % STRIPES]);

		if (!exists(o, name))
			return no_snapshot(o, name, e);
		if (!strcmp(name, new_name))
			return 0;
		if (exists(o, new_name))
			return err_set(e, EEXIST, "%s has a snapshot %s already", o->name, new_name);
		r = check_idle(o, e);
		if (!r && on_storage(o))
			r = rename_files(o, name, new_name, e);
		if (r < 0)
			return r;
		r = object_snapshot_rename(o, name, new_name, e);
		if (r < 0 && on_storage(o))
			rename_files(o, new_name, name, NULL);
	}
	if (!r)
		tell(o, "instance-snapshot-renamed", new_name, name);
	return r;
}

/* ---- going back ---- */

static int restore_files(struct op *op, struct err *e)
{
	const struct storage_ops *ops;
	struct volume v;
	int r = storage_volume(op->obj, NULL, &ops, &v, e);

	if (!r)
		r = ops->restore(&v, op->arg, op, e);
	/* What is mounted shows the file system as it was before. */
	return r < 0 ? r : rootfs_unmount(op->obj, "", e);
}

/* Keys that only root may set do not come back through somebody else. */
static int check_entries(struct object *o, const char *name, const struct caller *who, struct err *e)
{
	struct entry **list;
	size_t n = 0;
	int r;

	{
		HOLD_LOCK(&o->lock);
		const struct snapshot *s = object_snapshot(o, name);

		if (!s)
			return no_snapshot(o, name, e);
		list = calloc(s->n_entries + 1, sizeof(*list));
		for (size_t i = 0; list && i < s->n_entries; i++) {
			const struct entry *en = s->entries[i];

			list[n] = entry_new(en->kind, en->name, en->value, en->len, en->slot, &en->meta);
			if (!list[n++]) {
				entries_free(list, n);
				list = NULL;
			}
		}
	}
	if (!list)
		return err_set(e, ENOMEM, "out of memory");
	r = config_check_all(o, list, n, who, e);
	entries_free(list, n);
	return r;
}

/* Before the operation was accepted another snapshot could get this name; from here on none can. */
static int restore(struct op *op, struct err *e)
{
	const struct caller who = op_caller(op);
	char text[NAME_LEN_MAX + 2];
	int r;

	r = instance_copy_check(op->obj, e);
	if (!r)
		r = check_entries(op->obj, op->arg, &who, e);
	if (r < 0)
		return r;
	op_progress(op, "%.64s", op->arg);
	if (on_storage(op->obj))
		r = restore_files(op, e);
	if (!r)
		r = object_snapshot_recall(op->obj, op->arg, e);
	if (r < 0)
		return r;
	snprintf(text, sizeof(text), "%.64s\n", op->arg);
	r = object_set(op->obj, ENT_FIELD, "restore", text, strlen(text), e);
	if (on_storage(op->obj))
		base_collect();
	return r;
}

static int execute_restore(struct op *op, struct err *e)
{
	return lifecycle_execute(op, restore, e);
}

static void restored(struct op *op)
{
	if (!op->result)
		tell(op->obj, "instance-restored", op->arg, NULL);
	lifecycle_ended(op);
}

static int check_restore(struct object *o, const char *name, const struct caller *who, struct err *e)
{
	if (!exists(o, name))
		return no_snapshot(o, name, e);
	if (instance_is_running(o))
		return err_set(e, EBUSY, "%s is running; stop it first", o->name);
	return check_entries(o, name, who, e);
}

int instance_restore(struct object *o, const char *text, bool nonblock, const struct caller *who,
		     void (*done)(void *arg, int result), void *arg, struct err *e)
{
	char name[NAME_LEN_MAX + 1];
	size_t len = strcspn(text, "\n");
	int r = 0;

	if (!len || len >= sizeof(name) || text[len + !!text[len]])
		return err_set(e, EINVAL, "write the name of one snapshot of %s", o->name);
	memcpy(name, text, len);
	name[len] = '\0';
	if (!op_known(who->unique))
		r = check_restore(o, name, who, e);
	if (r < 0)
		return r;
	if (nonblock)
		done = NULL;
	r = op_submit(o, OP_RESTORE, name, 0, 0, who, done, arg, e);
	return r < 0 ? r : done != NULL;
}

void instance_snapshot_register(void)
{
	static const struct op_class rows[] = {
		{ "snapshot", INST_STOPPED, execute_take, taken },
		{ "restore", INST_STOPPED, execute_restore, restored },
		{ "delete-snapshot", INST_STOPPED, execute_delete, deleted },
	};

	op_register(OP_SNAPSHOT, &rows[0]);
	op_register(OP_RESTORE, &rows[1]);
	op_register(OP_SNAPSHOT_DELETE, &rows[2]);
}
