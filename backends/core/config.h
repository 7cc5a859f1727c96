/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Configuration: checked changes of entries, profiles applied in order, the expanded result.
 *
 * A change is validated (key, value, permission), applied live where the key is live and the instance runs, and saved; when
 * any step fails nothing has changed. A change of a profile is checked against all its users first, then applied to all or none.
 */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/caller.h"
#include "backends/core/device.h"
#include "backends/core/object.h"

/* ---- expanded configuration: profiles in order, later over earlier, the instance over all; devices override as a whole ---- */
struct expanded_item {
	enum entry_kind kind;	/* ENT_CONFIG or ENT_DEVICE */
	char *name;
	char *value;		/* as written where it comes from */
	size_t len;
	char *source;		/* "instance" or "profile:NAME" */
	struct timespec mtime;
};

struct expanded {
	struct expanded_item *items;	/* sorted by kind, name */
	size_t n;
	uint32_t id;			/* of the instance; 0: of none that is known */
};

/* The caller holds no lock of an object. EINVAL: a profile that it names does not exist any more. */
int config_expand(struct object *inst, struct expanded *ret, struct err *e);
void expanded_free(struct expanded *x);
#define _cleanup_expanded_ __attribute__((cleanup(expanded_free)))
const struct expanded_item *expanded_find(const struct expanded *x, enum entry_kind k, const char *name);
/* The value without final newline or NULL when unset; points into x (which it may edit to cut the newline). */
const char *expanded_get(const struct expanded *x, const char *key);
bool expanded_bool(const struct expanded *x, const char *key, bool def);

/*
 * Sets, or with value NULL unsets, one entry (ENT_CONFIG, ENT_DEVICE, ENT_PROPERTY, ENT_FIELD description, profiles, ephemeral;
 * ENT_CONFIG of SPACE_DAEMON are settings). slot and meta as in object_change(). An empty value unsets a key.
 * -EINVAL bad name or value, -EPERM root only, -EBUSY refused while running, -EROFS not an editable one, and what the kernel said.
 */
int config_set(struct object *o, const struct entry_change *c, const struct caller *who, struct err *e);

/* As config_set() but changes nothing. */
int config_check(struct object *o, const struct entry_change *c, const struct caller *who, struct err *e);
/* The same for the first lines of a text that goes on: only what is wrong whatever lines may follow. */
int config_check_begun(struct object *o, const struct entry_change *c, const struct caller *who, struct err *e);

/*
 * Whether who may make fields (profiles), config and devices of an instance or profile equal to these entries, and whether they are
 * valid: for a snapshot that is restored and for what is copied or imported, before object_snapshot_recall() or object_change().
 */
int config_check_all(struct object *o, struct entry *const *entries, size_t n, const struct caller *who, struct err *e);

/* Whether a name can exist in the directory of that kind (known key, valid device name). For typos: EINVAL and a sentence. */
int config_name_check(struct object *o, enum entry_kind k, const char *name, struct err *e);

/* ---- renaming ---- */
/* As object_rename(), of an instance or a profile: users of the profile, and boot.after, follow. EPERM: profile default. */
int config_rename(struct object *o, const char *new_name, struct err *e);
/* At start: ends renames that a server was killed in. */
int config_end_renames(struct err *e);

/* ---- profiles ---- */
/* Instances that use it: f(id, name), as object_each(). */
int profile_each_user(struct object *profile, int (*f)(uint32_t id, const char *name, void *arg), void *arg);

/* ---- documents ---- */
/*
 * The ENT_FIELD that keeps the text of a config.yaml that was written as a whole. config_set() of it sets description, config,
 * devices, profiles and ephemeral to what the text says, in one change or not at all; -EAGAIN: see entry_change.since.
 */
#define CONFIG_DOCUMENT "config.yaml"

/*
 * The whole configured document, or the expanded one: the text that was written, as long as it can be made to say what is
 * configured; else the form that `lxc config show` / `lxc profile show` print. With snap the caller holds o->change, and expanded
 * is false.
 */
int config_print_yaml(struct object *o, const struct snapshot *snap, bool expanded, struct buf *out, struct err *e);

/* Keys whose configured value differs from the one at the last start, one per line (runtime/pending). */
int config_print_pending(struct object *inst, struct buf *out, struct err *e);
/* "KEY: why" for each key that cannot be enforced here or that nothing heeds yet (runtime/warnings). */
int config_print_warnings(struct object *inst, struct buf *out, struct err *e);
/*
 * Called by the lifecycle when an instance was started with x: remembered over restarts. Live keys that were changed since x was
 * made are applied; one that the kernel refuses does not fail the start, it is told in the file `error`.
 */
int config_started(struct object *inst, const struct expanded *x, struct err *e);
