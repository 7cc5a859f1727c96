// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Renaming what others name: the profiles of instances and boot.after follow, also of what is in the trash. Under the exclusive lock
 * of config.c. The old name stands in a field until all have followed, so that the next start of a killed server goes on with it.
 */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "backends/core/cleanup.h"
#include "backends/core/expand.h"
#include "backends/core/model.h"

/* The field that tells, while a rename is under way, under which name others may still know it. */
#define FORMER "former"
#define BLANKS ", \t\n"

/* An entry whose words name objects of a space. */
static const struct reference {
	enum space of;
	enum entry_kind kind;
	const char *entry;
	int (*cmp)(const char *a, const char *b, size_t n);
	enum space in[3];
	size_t n_in;
} references[] = {
	{ SPACE_PROFILES, ENT_FIELD, "profiles", strncmp, { SPACE_INSTANCES, SPACE_TRASH }, 2 },
	{ SPACE_INSTANCES, ENT_CONFIG, "boot.after", strncasecmp, { SPACE_INSTANCES, SPACE_TRASH, SPACE_PROFILES }, 3 },
};

struct rename {
	const struct reference *ref;
	const char *from, *to;
	struct err *e;
	bool any;			/* somebody names something */
};

/* The text with one name replaced, everything else as it was written. Returns whether the name was there. */
static bool replace_name(const char *text, const struct rename *n, struct buf *out)
{
	bool found = false;

	while (*text) {
		size_t blank = strspn(text, BLANKS), len = strcspn(text + blank, BLANKS);
		const char *word = text + blank;

		buf_add(out, text, blank);
		if (len == strlen(n->from) && !n->ref->cmp(word, n->from, len)) {
			buf_addstr(out, n->to);
			found = true;
		} else {
			buf_add(out, word, len);
		}
		text = word + len;
	}
	return found;
}

static bool replace_in(struct object *o, const struct rename *n, struct buf *out)
{
	const struct entry *ent;

	HOLD_LOCK(&o->lock);
	ent = object_entry(o, n->ref->kind, n->ref->entry);
	return ent && replace_name(ent->value, n, out);
}

static int names_it(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = object_get(id);
	_cleanup_buf_ struct buf text = BUF_INIT;
	struct rename *n = arg;

	if (!o)
		return 0;
	n->any |= object_value(o, n->ref->kind, n->ref->entry, NULL, 0);
	return replace_in(o, n, &text);
}

static int follow(uint32_t id, const char *name, void *arg)
{
	const struct rename *n = arg;
	_cleanup_object_ struct object *o = object_get(id);
	_cleanup_buf_ struct buf text = BUF_INIT;

	if (!o)
		return 0;
	HOLD_LOCK(&o->change);
	if (!replace_in(o, n, &text))
		return 0;
	if (buf_error(&text))
		return err_set(n->e, ENOMEM, "%s", name);
	return object_set(o, n->ref->kind, n->ref->entry, buf_str(&text), text.len, n->e);
}

static int each(struct rename *n, int (*f)(uint32_t id, const char *name, void *arg))
{
	int r = 0;

	for (size_t i = 0; !r && i < n->ref->n_in; i++)
		r = object_each(n->ref->in[i], 0, f, n);
	return r;
}

static int end_rename(struct object *o, struct rename *n)
{
	int r;

	n->to = o->name;
	r = each(n, follow);
	return r ? r : object_set(o, ENT_FIELD, FORMER, NULL, 0, n->e);
}

static int rename_named(struct object *o, const char *new_name, struct rename *n)
{
	char text[NAME_LEN_MAX + 2];
	int r;

	snprintf(text, sizeof(text), "%.64s\n", n->from);
	r = object_set(o, ENT_FIELD, FORMER, text, strlen(text), n->e);
	if (r < 0)
		return r;
	r = object_rename(o, new_name, n->e);
	if (r < 0) {
		object_set(o, ENT_FIELD, FORMER, NULL, 0, NULL);
		return r;
	}
	return end_rename(o, n);
}

/*
 * Whether anybody names it. Few instances wait for others: that none does is remembered until an entry comes that could, so that
 * thousands of objects are not looked through (and read from disk) for each rename.
 */
static bool is_named(struct rename *n)
{
	static unsigned none_of;	/* model_orders + 1 when nobody waited for anybody; 0: not known */
	const unsigned now = atomic_load(&model_orders) + 1;
	const bool orders = n->ref->of == SPACE_INSTANCES;

	if (orders && none_of == now)
		return false;
	if (each(n, names_it))
		return true;
	if (orders && !n->any)
		none_of = now;
	return false;
}

static const struct reference *reference_of(enum space s)
{
	for (size_t i = 0; i < sizeof(references) / sizeof(*references); i++)
		if (references[i].of == s)
			return &references[i];
	return NULL;
}

int rename_followed(struct object *o, const char *new_name, struct err *e)
{
	char old[sizeof(o->name)];
	enum space s = object_label(o, old);
	struct rename n = { .ref = reference_of(s), .from = old, .to = "", .e = e };

	if (s == SPACE_PROFILES && !strcmp(old, "default") && strcmp(new_name, old) != 0)
		return err_set(e, EPERM, "the profile default keeps its name; copy it instead");
	return n.ref && strcmp(old, new_name) != 0 && is_named(&n) ? rename_named(o, new_name, &n) : object_rename(o, new_name, e);
}

static int end_one(uint32_t id, const char *name, void *arg)
{
	_cleanup_object_ struct object *o = object_get(id);
	char old[NAME_LEN_MAX + 2];
	struct rename n = { .from = old, .e = arg };

	if (!o || !object_value(o, ENT_FIELD, FORMER, old, sizeof(old)))
		return 0;
	n.ref = reference_of(o->space);
	return strcmp(old, o->name) ? end_rename(o, &n) : object_set(o, ENT_FIELD, FORMER, NULL, 0, arg);
}

int config_end_renames(struct err *e)
{
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(references) / sizeof(*references); i++)
		r = object_each(references[i].of, 0, end_one, e);
	return r;
}
