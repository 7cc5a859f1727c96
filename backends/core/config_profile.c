// SPDX-License-Identifier: LGPL-2.1-or-later
/* Who uses a profile. Found by looking through the instances: there is no second list that could be wrong. */
#include <errno.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/expand.h"

struct search {
	const struct object *profile;
	int (*f)(uint32_t id, const char *name, void *arg);
	void *arg;
};

static int is_name(const char *name, void *arg)
{
	return !strcmp(name, arg);
}

static bool uses(struct object *inst, const char *profile)
{
	struct entry *ent;
	char name[NAME_LEN_MAX + 20];

	snprintf(name, sizeof(name), "%s", profile);
	HOLD_LOCK(&inst->lock);
	ent = object_entry(inst, ENT_FIELD, "profiles");
	return ent && expand_each_profile(ent->value, ent->len, is_name, name);
}

static int look_at(uint32_t id, const char *name, void *arg)
{
	const struct search *s = arg;
	_cleanup_object_ struct object *inst = object_get(id);

	return inst && uses(inst, s->profile->name) ? s->f(id, name, s->arg) : 0;
}

int profile_each_user(struct object *profile, int (*f)(uint32_t id, const char *name, void *arg), void *arg)
{
	struct search s = { .profile = profile, .f = f, .arg = arg };

	return object_each(SPACE_INSTANCES, 0, look_at, &s);
}

/* ---- renaming ---- */

/* The field that tells, while a rename is under way, under which name users may still know it. */
#define FORMER "former"

struct rename {
	const char *from, *to;
	struct err *e;
};

/* The text of a field `profiles` with one name replaced, everything else as it was written. */
static void replace_name(const char *text, size_t len, const struct rename *n, struct buf *out)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text)), *eol = nl ? nl : end, *p = text, *q = eol;

		while (p < q && (*p == ' ' || *p == '\t'))
			p++;
		while (q > p && (q[-1] == ' ' || q[-1] == '\t'))
			q--;
		if ((size_t)(q - p) == strlen(n->from) && !memcmp(p, n->from, (size_t)(q - p))) {
			buf_add(out, text, (size_t)(p - text));
			buf_addstr(out, n->to);
			text = q;
		}
		buf_add(out, text, (size_t)((nl ? nl + 1 : end) - text));
		text = nl ? nl + 1 : end;
	}
}

static int follow(uint32_t id, const char *name, void *arg)
{
	const struct rename *n = arg;
	_cleanup_object_ struct object *inst = object_get(id);
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (!inst || !uses(inst, n->from))
		return 0;
	HOLD_LOCK(&inst->change);
	{
		HOLD_LOCK(&inst->lock);
		const struct entry *ent = object_entry(inst, ENT_FIELD, "profiles");

		if (ent)
			replace_name(ent->value, ent->len, n, &text);
	}
	if (buf_error(&text))
		return err_sys(n->e, ENOMEM, "instance %s", name);
	return object_set(inst, ENT_FIELD, "profiles", buf_str(&text), text.len, n->e);
}

static int end_rename(struct object *o, const char *from, struct err *e)
{
	struct rename n = { .from = from, .to = o->name, .e = e };
	int r = object_each(SPACE_INSTANCES, 0, follow, &n);

	if (!r)
		r = object_each(SPACE_TRASH, 0, follow, &n);
	return r ? r : object_set(o, ENT_FIELD, FORMER, NULL, 0, e);
}

int profile_rename(struct object *o, const char *new_name, struct err *e)
{
	_cleanup_object_ struct object *twin = NULL;
	char old[sizeof(o->name)], text[NAME_LEN_MAX + 2];
	int r = name_check("profile", new_name, e);

	pthread_mutex_lock(&o->lock);
	strcpy(old, o->name);
	pthread_mutex_unlock(&o->lock);
	if (r < 0 || !strcmp(old, new_name))
		return r;
	if (!strcmp(old, "default"))
		return err_set(e, EPERM, "the profile default keeps its name; copy it instead");
	twin = object_find(SPACE_PROFILES, new_name);
	if (twin)
		return err_set(e, EEXIST, "profiles/%s exists", new_name);
	snprintf(text, sizeof(text), "%.64s\n", old);
	r = object_set(o, ENT_FIELD, FORMER, text, strlen(text), e);
	if (r < 0)
		return r;
	r = object_rename(o, new_name, e);
	if (r < 0) {
		object_set(o, ENT_FIELD, FORMER, NULL, 0, NULL);
		return r;
	}
	return end_rename(o, old, e);
}

static int end_one(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = object_get(id);
	char old[NAME_LEN_MAX + 2];

	if (!o || !object_value(o, ENT_FIELD, FORMER, old, sizeof(old)))
		return 0;
	if (!strcmp(old, o->name))
		return object_set(o, ENT_FIELD, FORMER, NULL, 0, arg);
	return end_rename(o, old, arg);
}

int profile_end_renames(struct err *e)
{
	return object_each(SPACE_PROFILES, 0, end_one, e);
}
