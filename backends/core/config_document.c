// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * From the tree of a document to values, and from values to changes. What is missing in a document is empty, as in LXD: it says the
 * whole configuration. Values themselves are checked by config.c, as those of single files are.
 */
#include "backends/core/config_document.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/expand.h"
#include "backends/core/keys.h"
#include "backends/core/record.h"
#include "backends/core/value.h"

bool document_is_fact(const char *key)
{
	return !strncmp(key, "volatile.", 9) || (!strncmp(key, "image.", 6) && !key_find(key));
}

/* ---- from the tree ---- */

static int no_text(const struct tree_node *n, const char *what, struct err *e)
{
	return err_set(e, EINVAL, "line %u: %.80s must be one text, not a %s", n->line, what, n->kind == TREE_MAP ? "map" : "list");
}

static int no_map(const struct tree_node *n, const char *of, struct err *e)
{
	return err_set(e, EINVAL, "line %u: %.80s must be a map of %s", n->line, n->key, of);
}

/* What an instance has of its own cannot be given to it; what it has not is not looked at. */
static int check_fact(const struct tree_node *n, const char *name, const struct pairs *facts, bool blank, struct err *e)
{
	const struct pair *p = pairs_find(facts, name);

	if (n->kind != TREE_TEXT)
		return no_text(n, name, e);
	if (blank || !p || !strcmp(p->value, n->text))
		return 0;
	return err_set(e, EINVAL, "line %u: %.80s is %.80s and cannot be written, \"%.80s\" was; leave the line out or as it is", n->line,
		       name, p->value, n->text);
}

static int read_config(const struct tree_node *map, const struct config_values *is, struct config_values *v, struct err *e)
{
	int r;

	if (map->kind != TREE_MAP)
		return yaml_tree_is_null(map) ? 0 : no_map(map, "keys", e);
	for (const struct tree_node *n = map->child; n; n = n->next) {
		if (n->kind != TREE_TEXT)
			return no_text(n, n->key, e);
		r = document_is_fact(n->key) ? check_fact(n, n->key, &is->volatiles, is->blank, e) : 0;
		if (r < 0)
			return r;
		/* An empty value is an unset one, as in the files. */
		if (!document_is_fact(n->key) && *n->text && !yaml_tree_is_null(n))
			pairs_add(&v->config, n->key, n->text, strlen(n->text), n->line);
	}
	return 0;
}

static int add_property(const struct tree_node *n, const char *device, struct buf *text, struct err *e)
{
	size_t len;

	if (n->kind != TREE_TEXT)
		return no_text(n, n->key, e);
	len = strlen(n->text);
	if (!*n->key || strpbrk(n->key, "=# \t\r\n"))
		return err_set(e, EINVAL, "line %u: \"%.60s\" is not a name for a property of the device %.64s", n->line, n->key, device);
	if (strpbrk(n->text, "\r\n"))
		return err_set(e, EINVAL, "line %u: %.60s of the device %.64s has more than one line", n->line, n->key, device);
	if (len && (strchr(" \t", n->text[0]) || strchr(" \t", n->text[len - 1])))
		return err_set(e, EINVAL, "line %u: %.60s of the device %.64s begins or ends with a blank", n->line, n->key, device);
	if (len && !yaml_tree_is_null(n))
		buf_addf(text, "%s=%s\n", n->key, n->text);
	return 0;
}

/* As a file in devices/ says it: the type first. */
static int device_text(const struct tree_node *map, struct buf *text, struct err *e)
{
	const struct tree_node *type = yaml_tree_find(map, "type");
	int r = type ? add_property(type, map->key, text, e) : 0;

	for (const struct tree_node *n = map->child; n && !r; n = n->next)
		if (n != type)
			r = add_property(n, map->key, text, e);
	return r;
}

static int read_devices(const struct tree_node *map, struct config_values *v, struct err *e)
{
	if (map->kind != TREE_MAP)
		return yaml_tree_is_null(map) ? 0 : no_map(map, "devices", e);
	for (const struct tree_node *n = map->child; n; n = n->next) {
		_cleanup_buf_ struct buf text = BUF_INIT;
		int r = n->kind == TREE_MAP ? device_text(n, &text, e) : no_map(n, "properties", e);

		if (r < 0)
			return r;
		pairs_add(&v->devices, n->key, buf_str(&text), text.len, n->line);
		v->devices.failed |= text.failed;
	}
	return 0;
}

static int read_names(const struct tree_node *list, struct config_values *v, struct err *e)
{
	if (list->kind != TREE_LIST)
		return yaml_tree_is_null(list) ? 0 : err_set(e, EINVAL, "line %u: %s must be a list of names", list->line, list->key);
	for (const struct tree_node *n = list->child; n; n = n->next) {
		if (n->kind != TREE_TEXT || !*n->text || strpbrk(n->text, " \t\r\n"))
			return err_set(e, EINVAL, "line %u: an item of %s is not a name", n->line, list->key);
		pairs_add(&v->profiles, n->text, "", 0, n->line);
	}
	return 0;
}

static int read_bool(const struct tree_node *n, bool *ret, struct err *e)
{
	if (n->kind != TREE_TEXT)
		return no_text(n, n->key, e);
	if (!yaml_tree_is_null(n) && value_bool(n->text, ret, e) < 0)
		return err_wrap(e, "line %u: %s", n->line, n->key);
	return 0;
}

static int read_false(const struct tree_node *n, struct err *e)
{
	bool yes = false;
	int r = read_bool(n, &yes, e);

	return r < 0 || !yes ? r : err_set(e, EOPNOTSUPP, "line %u: %s: only false is possible here", n->line, n->key);
}

static int read_text(const struct tree_node *n, struct config_values *v, struct err *e)
{
	size_t len;

	if (n->kind != TREE_TEXT)
		return no_text(n, n->key, e);
	free(v->description);
	len = yaml_tree_is_null(n) ? 0 : strlen(n->text);
	len -= len && n->text[len - 1] == '\n';
	v->description = strndup(n->text, len);
	return v->description ? 0 : err_set(e, ENOMEM, "out of memory");
}

static int read_member(const struct document_member *m, const struct tree_node *n, const struct config_values *is,
		       struct config_values *v, struct err *e)
{
	switch (m->kind) {
	case MEMBER_CONFIG:
		return read_config(n, is, v, e);
	case MEMBER_DEVICES:
		return read_devices(n, v, e);
	case MEMBER_NAMES:
		return read_names(n, v, e);
	case MEMBER_TEXT:
		return read_text(n, v, e);
	case MEMBER_BOOL:
		return read_bool(n, &v->ephemeral, e);
	case MEMBER_FALSE:
		return read_false(n, e);
	case MEMBER_FACT:
		return check_fact(n, m->name, &is->facts, is->blank, e);
	default:
		return 0;
	}
}

static int read_members(enum space s, const struct tree_node *root, const struct config_values *is, struct config_values *v,
			struct err *e)
{
	if (root->kind != TREE_MAP || !root->child)
		return err_set(e, EINVAL, "line %u: the document says nothing; it must be a map with members like config:, devices:, "
			       "description:", root->line);
	for (const struct tree_node *n = root->child; n; n = n->next) {
		const struct document_member *m = document_member(s, n->key);
		int r;

		if (!m)
			return err_set(e, EINVAL, "line %u: %.80s is not known in a config.yaml of %s", n->line, n->key, space_name(s));
		r = read_member(m, n, is, v, e);
		if (r < 0)
			return r;
	}
	return 0;
}

int document_parse(struct object *o, const char *text, size_t len, struct document *ret, struct err *e)
{
	_cleanup_values_ struct config_values is = { .blank = false };
	_cleanup_document_ struct document d = { .n = 0 };
	int r;

	if (!document_members(o->space))
		return err_set(e, EROFS, "config.yaml cannot be written in %s", space_name(o->space));
	r = yaml_tree_parse(text, len, &d.root, e);
	if (!r)
		r = config_values_get(o, NULL, false, &is, e);
	if (!r)
		r = read_members(o->space, d.root, &is, &d.wanted, e);
	if (r < 0)
		return r;
	if (!d.wanted.description)
		d.wanted.description = strdup("");
	if (!d.wanted.description || d.wanted.config.failed || d.wanted.devices.failed || d.wanted.profiles.failed)
		return err_set(e, ENOMEM, "out of memory");
	pairs_sort(&d.wanted.config);
	pairs_sort(&d.wanted.devices);
	*ret = d;
	d = (struct document){ .n = 0 };
	return 0;
}

static void forget_changes(struct document *d)
{
	for (size_t i = 0; i < d->n_owned; i++)
		free(d->owned[i]);
	free(d->owned);
	free(d->changes);
	d->owned = NULL;
	d->changes = NULL;
	d->n = d->cap = d->n_owned = 0;
}

void document_free(struct document *d)
{
	forget_changes(d);
	yaml_tree_free(d->root);
	config_values_free(&d->wanted);
}

/* ---- to changes ---- */

/* value NULL: removal; else a newline is put behind it. */
static int add_change(struct document *d, enum entry_kind kind, const char *name, const char *value, unsigned line)
{
	struct entry_change *c;
	char *text = NULL;

	if (d->n == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 16;
		struct entry_change *more = reallocarray(d->changes, cap, sizeof(*more));
		char **owned = more ? reallocarray(d->owned, 2 * cap, sizeof(*owned)) : NULL;

		d->changes = more ? more : d->changes;
		if (!owned)
			return -ENOMEM;
		d->owned = owned;
		d->cap = cap;
	}
	if (value && asprintf(&text, "%s\n", value) < 0)
		return -ENOMEM;
	d->owned[d->n_owned++] = text;
	d->owned[d->n_owned++] = strdup(name);
	if (!d->owned[d->n_owned - 1])
		return -ENOMEM;
	c = &d->changes[d->n++];
	*c = (struct entry_change){ .kind = kind, .name = d->owned[d->n_owned - 1], .value = text, .line = line };
	c->len = text ? strlen(text) : 0;
	return 0;
}

bool document_same_device(const struct tree_node *n, const struct pairs *want)
{
	_cleanup_pairs_ struct pairs is = { .n = 0 };

	for (const struct tree_node *c = n->child; c; c = c->next)
		if (c->kind != TREE_TEXT)
			return false;
		else if (*c->text && !yaml_tree_is_null(c))
			pairs_add(&is, c->key, c->text, strlen(c->text), 0);
	pairs_sort(&is);
	return !is.failed && pairs_equal(&is, want);
}

static bool same_device(const char *a, const char *b)
{
	_cleanup_pairs_ struct pairs x = { .n = 0 }, y = { .n = 0 };

	return !pairs_of_device(a, &x) && !pairs_of_device(b, &y) && pairs_equal(&x, &y);
}

static bool same_value(enum entry_kind kind, const struct entry *ent, const char *value)
{
	size_t len = ent->len - (ent->len && ent->value[ent->len - 1] == '\n');

	return (strlen(value) == len && !memcmp(ent->value, value, len)) || (kind == ENT_DEVICE && same_device(ent->value, value));
}

/* Entries of one kind against what is wanted, both sorted by name. */
static int change_entries(struct document *d, struct object *o, enum entry_kind kind, const struct pairs *want)
{
	size_t i, end, j = 0;
	int r = 0;

	object_entries(o, kind, &i, &end);
	while (!r && (i < end || j < want->n)) {
		const struct entry *ent = i < end ? o->entries[i] : NULL;
		const struct pair *p = j < want->n ? &want->v[j] : NULL;
		int order = !ent ? 1 : !p ? -1 : strcmp(ent->name, p->key);

		if (order < 0)
			r = add_change(d, kind, ent->name, NULL, 0);
		else if (order > 0 || !same_value(kind, ent, p->value))
			r = add_change(d, kind, p->key, p->value, p->line);
		i += order <= 0;
		j += order >= 0;
	}
	return r;
}

static unsigned member_line(const struct document *d, const char *name)
{
	const struct tree_node *n = yaml_tree_find(d->root, name);

	return n ? n->line : 0;
}

static int change_text(struct document *d, struct object *o, const char *name, const char *want, const char *def)
{
	const struct entry *ent = object_entry(o, ENT_FIELD, name);

	if (ent ? same_value(ENT_FIELD, ent, want) : !strcmp(want, def))
		return 0;
	return add_change(d, ENT_FIELD, name, *want ? want : NULL, member_line(d, name));
}

static int change_ephemeral(struct document *d, struct object *o)
{
	const struct entry *ent = object_entry(o, ENT_FIELD, "ephemeral");
	char text[16] = "";
	bool is = false;

	if (ent)
		snprintf(text, sizeof(text), "%.*s", (int)strcspn(ent->value, "\n"), ent->value);
	if ((!ent || !value_bool(text, &is, NULL)) && is == d->wanted.ephemeral)
		return 0;
	return change_text(d, o, "ephemeral", d->wanted.ephemeral ? "true" : "false", "");
}

static int add_name(const char *name, void *arg)
{
	pairs_add(arg, name, "", 0, 0);
	return 0;
}

static int change_profiles(struct document *d, struct object *o)
{
	const struct entry *ent = object_entry(o, ENT_FIELD, "profiles");
	_cleanup_pairs_ struct pairs is = { .n = 0 };
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (ent)
		expand_each_profile(ent->value, ent->len, add_name, &is);
	if (is.failed)
		return -ENOMEM;
	if (pairs_equal(&is, &d->wanted.profiles))
		return 0;
	for (size_t i = 0; i < d->wanted.profiles.n; i++)
		buf_addf(&b, "%s%s", i ? "\n" : "", d->wanted.profiles.v[i].key);
	return buf_error(&b) ? -ENOMEM : add_change(d, ENT_FIELD, "profiles", b.len ? buf_str(&b) : NULL, member_line(d, "profiles"));
}

static int by_kind_and_name(const void *a, const void *b)
{
	const struct entry_change *x = a, *y = b;

	return x->kind != y->kind ? (x->kind < y->kind ? -1 : 1) : strcmp(x->name, y->name);
}

static int change_member(struct document *d, struct object *o, const struct document_member *m)
{
	switch (m->kind) {
	case MEMBER_CONFIG:
		return change_entries(d, o, ENT_CONFIG, &d->wanted.config);
	case MEMBER_DEVICES:
		return change_entries(d, o, ENT_DEVICE, &d->wanted.devices);
	case MEMBER_NAMES:
		return change_profiles(d, o);
	case MEMBER_TEXT:
		return change_text(d, o, "description", d->wanted.description, "");
	case MEMBER_BOOL:
		return change_ephemeral(d, o);
	default:
		return 0;
	}
}

int document_changes(struct document *d, struct object *o, uint64_t *generation, struct err *e)
{
	int r = 0;

	forget_changes(d);
	HOLD_LOCK(&o->lock);
	for (const struct document_member *m = document_members(o->space); m && m->name && !r; m++)
		r = change_member(d, o, m);
	/* room for the text itself, which config.c adds */
	if (!r)
		r = add_change(d, ENT_FIELD, CONFIG_DOCUMENT, NULL, 0);
	if (r < 0)
		return err_set(e, ENOMEM, "out of memory");
	qsort(d->changes, d->n, sizeof(*d->changes), by_kind_and_name);
	*generation = o->generation;
	return 0;
}
