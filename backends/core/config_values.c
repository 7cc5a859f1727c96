// SPDX-License-Identifier: LGPL-2.1-or-later
/* Entries are copied under the object's lock and printed without it. */
#include "backends/core/config_values.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>

#include "backends/core/cleanup.h"
#include "backends/core/expand.h"
#include "backends/core/network.h"
#include "backends/core/value.h"
#include "backends/core/yaml_emit.h"

/* ---- the tables ---- */

static const struct document_member instance_members[] = {
	{ "architecture", MEMBER_FACT }, { "config", MEMBER_CONFIG }, { "devices", MEMBER_DEVICES }, { "ephemeral", MEMBER_BOOL },
	{ "profiles", MEMBER_NAMES }, { "stateful", MEMBER_FALSE }, { "description", MEMBER_TEXT },
	{ "type", MEMBER_FACT, .hidden = true }, { "name", MEMBER_LABEL, .hidden = true },
	{ "backups", MEMBER_IGNORED, .hidden = true }, { "created_at", MEMBER_IGNORED, .hidden = true },
	{ "expanded_config", MEMBER_IGNORED, .hidden = true }, { "expanded_devices", MEMBER_IGNORED, .hidden = true },
	{ "last_used_at", MEMBER_IGNORED, .hidden = true }, { "location", MEMBER_IGNORED, .hidden = true },
	{ "project", MEMBER_IGNORED, .hidden = true }, { "snapshots", MEMBER_IGNORED, .hidden = true },
	{ "state", MEMBER_IGNORED, .hidden = true }, { "status", MEMBER_IGNORED, .hidden = true },
	{ "status_code", MEMBER_IGNORED, .hidden = true },
	{ NULL },
};

static const struct document_member profile_members[] = {
	{ "config", MEMBER_CONFIG }, { "description", MEMBER_TEXT }, { "devices", MEMBER_DEVICES }, { "name", MEMBER_LABEL },
	{ "used_by", MEMBER_USERS }, { "project", MEMBER_IGNORED, .hidden = true },
	{ NULL },
};

static const struct document_member network_members[] = {
	{ "config", MEMBER_CONFIG }, { "description", MEMBER_TEXT }, { "name", MEMBER_LABEL }, { "type", MEMBER_FACT },
	{ "used_by", MEMBER_USERS }, { "managed", MEMBER_FACT, .word = true }, { "status", MEMBER_LABEL }, { "locations", MEMBER_PLACES },
	{ "project", MEMBER_IGNORED, .hidden = true },
	{ NULL },
};

const struct document_member *document_members(enum space s)
{
	static const struct document_member *const classes[SPACE_MAX] = {
		[SPACE_INSTANCES] = instance_members, [SPACE_TRASH] = instance_members, [SPACE_PROFILES] = profile_members,
		[SPACE_NETWORKS] = network_members,
	};

	return s < SPACE_MAX ? classes[s] : NULL;
}

const struct document_member *document_member(enum space s, const char *name)
{
	for (const struct document_member *m = document_members(s); m && m->name; m++)
		if (!strcmp(m->name, name))
			return m;
	return NULL;
}

/* ---- what an object says ---- */

void config_values_free(struct config_values *v)
{
	pairs_free(&v->config);
	pairs_free(&v->devices);
	pairs_free(&v->facts);
	pairs_free(&v->volatiles);
	pairs_free(&v->profiles);
	pairs_free(&v->users);
	free(v->description);
	v->description = NULL;
}

static int add_profile(const char *name, void *arg)
{
	pairs_add(arg, name, "", 0, 0);
	return 0;
}

static char *line_of(const struct entry *ent)
{
	return strndup(ent->value, ent->len && ent->value[ent->len - 1] == '\n' ? ent->len - 1 : ent->len);
}

static void add_field(struct config_values *v, const struct entry *ent)
{
	_cleanup_free_ char *text = NULL;

	if (!strcmp(ent->name, "profiles")) {
		expand_each_profile(ent->value, ent->len, add_profile, &v->profiles);
		return;
	}
	text = line_of(ent);
	if (!text)
		return;
	if (!strcmp(ent->name, "ephemeral")) {
		value_bool(text, &v->ephemeral, NULL);
	} else if (!strcmp(ent->name, "description")) {
		free(v->description);
		v->description = steal_pointer(&text);
	} else if (!strcmp(ent->name, "architecture") || !strcmp(ent->name, "type")) {
		pairs_add(&v->facts, ent->name, ent->value, ent->len, 0);
	} else if (!strcmp(ent->name, "source")) {
		v->blank = false;
	}
}

static void add_volatile(struct config_values *v, const struct entry *ent)
{
	char name[300];

	snprintf(name, sizeof(name), "volatile.%s", ent->name);
	pairs_add(&v->volatiles, name, ent->value, ent->len, 0);
}

static void add_entries(struct config_values *v, struct entry *const *entries, size_t n, bool expanded)
{
	for (size_t i = 0; i < n; i++) {
		const struct entry *ent = entries[i];

		if (ent->kind == ENT_FIELD)
			add_field(v, ent);
		else if (ent->kind == ENT_VOLATILE)
			add_volatile(v, ent);
		else if (ent->kind == ENT_CONFIG && !expanded)
			pairs_add(&v->config, ent->name, ent->value, ent->len, 0);
		else if (ent->kind == ENT_DEVICE && !expanded)
			pairs_add(&v->devices, ent->name, ent->value, ent->len, 0);
	}
}

static void add_expanded(struct config_values *v, struct expanded *x)
{
	for (size_t i = 0; i < x->n; i++)
		pairs_add(x->items[i].kind == ENT_CONFIG ? &v->config : &v->devices, x->items[i].name, x->items[i].value, x->items[i].len,
			  0);
}

static int add_user(uint32_t id, const char *name, void *arg)
{
	char path[NAME_LEN_MAX + 40];

	snprintf(path, sizeof(path), "/1.0/instances/%s", name);
	pairs_add(arg, path, "", 0, 0);
	return 0;
}

static bool failed(const struct config_values *v)
{
	return !v->description || v->config.failed || v->devices.failed || v->facts.failed || v->volatiles.failed ||
	       v->profiles.failed || v->users.failed;
}

static void complete(struct config_values *v, struct object *o)
{
	char label[sizeof(o->name)];
	struct utsname un;

	if (!v->description)
		v->description = strdup("");
	pairs_sort(&v->facts);
	if (!pairs_find(&v->facts, "architecture") && uname(&un) == 0)
		pairs_add(&v->facts, "architecture", un.machine, strlen(un.machine), 0);
	pthread_mutex_lock(&o->lock);
	strcpy(label, o->name);
	pthread_mutex_unlock(&o->lock);
	pairs_add(&v->facts, "name", label, strlen(label), 0);
	if (o->space == SPACE_NETWORKS) {
		pairs_add(&v->facts, "type", "bridge", 6, 0);
		pairs_add(&v->facts, "managed", "true", 4, 0);
		pairs_add(&v->facts, "status", "Created", 7, 0);
	}
	pairs_sort(&v->facts);
	pairs_sort(&v->config);
	pairs_sort(&v->devices);
	pairs_sort(&v->volatiles);
}

int config_values_get(struct object *o, const struct snapshot *snap, bool expanded, struct config_values *ret, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	struct config_values v = { .blank = o->space == SPACE_INSTANCES };
	int r = 0;

	if (expanded) {
		r = config_expand(o, &x, e);
		if (r < 0)
			return r;
		add_expanded(&v, &x);
	}
	if (o->space == SPACE_PROFILES)
		profile_each_user(o, add_user, &v.users);
	else if (o->space == SPACE_NETWORKS)
		network_each_user(o, add_user, &v.users);
	if (snap) {
		add_entries(&v, snap->entries, snap->n_entries, expanded);
	} else {
		HOLD_LOCK(&o->lock);
		add_entries(&v, o->entries, o->n_entries, expanded);
	}
	complete(&v, o);
	if (failed(&v)) {
		config_values_free(&v);
		return err_sys(e, ENOMEM, "config.yaml");
	}
	*ret = v;
	return 0;
}

/* ---- printing ---- */

static void put_device(struct yaml_out *y, const struct pair *device)
{
	_cleanup_pairs_ struct pairs p = { 0 };

	if (pairs_of_device(device->value, &p) < 0)
		y->failed = true;
	yaml_string(y, device->key);
	yaml_map(y, !p.n);
	for (size_t i = 0; i < p.n; i++) {
		yaml_string(y, p.v[i].key);
		yaml_string(y, p.v[i].value);
	}
	yaml_map_end(y);
}

static void put_key(struct yaml_out *y, const struct pair *p)
{
	yaml_string(y, p->key);
	yaml_string(y, p->value);
}

/* Both lists in one order. */
static void put_config(struct yaml_out *y, const struct config_values *v)
{
	size_t i = 0, j = 0;

	yaml_map(y, !v->config.n && !v->volatiles.n);
	while (i < v->config.n || j < v->volatiles.n) {
		bool first = j == v->volatiles.n || (i < v->config.n && strcmp(v->config.v[i].key, v->volatiles.v[j].key) < 0);

		put_key(y, first ? &v->config.v[i++] : &v->volatiles.v[j++]);
	}
	yaml_map_end(y);
}

static void put_names(struct yaml_out *y, const struct pairs *p)
{
	yaml_list(y, !p->n);
	for (size_t i = 0; i < p->n; i++)
		yaml_string(y, p->v[i].key);
	yaml_list_end(y);
}

static void put_member(struct yaml_out *y, const struct document_member *m, const struct config_values *v)
{
	const struct pair *fact;

	yaml_word(y, m->name);
	switch (m->kind) {
	case MEMBER_CONFIG:
		put_config(y, v);
		break;
	case MEMBER_DEVICES:
		yaml_map(y, !v->devices.n);
		for (size_t i = 0; i < v->devices.n; i++)
			put_device(y, &v->devices.v[i]);
		yaml_map_end(y);
		break;
	case MEMBER_NAMES:
	case MEMBER_USERS:
		put_names(y, m->kind == MEMBER_NAMES ? &v->profiles : &v->users);
		break;
	case MEMBER_TEXT:
		yaml_string(y, v->description);
		break;
	case MEMBER_BOOL:
	case MEMBER_FALSE:
		yaml_word(y, m->kind == MEMBER_BOOL && v->ephemeral ? "true" : "false");
		break;
	case MEMBER_PLACES:
		yaml_list(y, false);
		yaml_word(y, "none");
		yaml_list_end(y);
		break;
	default:
		fact = pairs_find(&v->facts, m->name);
		if (m->word && fact)
			yaml_word(y, fact->value);
		else
			yaml_string(y, fact ? fact->value : "");
		break;
	}
}

int config_values_print(enum space s, const struct config_values *v, struct buf *out, struct err *e)
{
	struct yaml_out y;

	yaml_begin(&y, out);
	yaml_map(&y, false);
	for (const struct document_member *m = document_members(s); m && m->name; m++)
		if (!m->hidden)
			put_member(&y, m, v);
	yaml_map_end(&y);
	return yaml_end(&y) < 0 || out->failed ? err_sys(e, ENOMEM, "config.yaml") : 0;
}

int config_values_print_member(const struct document_member *m, const struct config_values *v, struct buf *out)
{
	struct yaml_out y;

	yaml_begin(&y, out);
	yaml_map(&y, false);
	put_member(&y, m, v);
	yaml_map_end(&y);
	return yaml_end(&y) < 0 ? -ENOMEM : buf_error(out);
}

int config_values_print_pair(enum member_kind k, const struct pair *p, struct buf *out)
{
	struct yaml_out y;

	yaml_begin(&y, out);
	yaml_map(&y, false);
	if (k == MEMBER_DEVICES)
		put_device(&y, p);
	else
		put_key(&y, p);
	yaml_map_end(&y);
	return yaml_end(&y) < 0 ? -ENOMEM : buf_error(out);
}
