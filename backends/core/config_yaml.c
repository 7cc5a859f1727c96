// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The configured document in the form that `lxc config show` and `lxc profile show` print: maps in block style, sorted, strings
 * quoted where they would be read as something else. Entries are copied under the object's lock and printed without it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/utsname.h>
#include <yaml.h>

#include "backends/core/cleanup.h"
#include "backends/core/expand.h"
#include "backends/core/network.h"
#include "backends/core/value.h"

/* ---- the emitter ---- */

struct out {
	yaml_emitter_t em;
	bool failed;
};

static int append(void *data, unsigned char *bytes, size_t len)
{
	struct buf *b = data;

	buf_add(b, bytes, len);
	return !b->failed;
}

static void emit(struct out *o, yaml_event_t *ev, int made)
{
	if (!made || o->failed || !yaml_emitter_emit(&o->em, ev))
		o->failed = true;
}

static void put_map(struct out *o, bool empty)
{
	yaml_event_t ev;

	emit(o, &ev, yaml_mapping_start_event_initialize(&ev, NULL, NULL, 1, empty ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE));
}

static void end_map(struct out *o)
{
	yaml_event_t ev;

	emit(o, &ev, yaml_mapping_end_event_initialize(&ev));
}

static void put_list(struct out *o, bool empty)
{
	yaml_event_t ev;

	emit(o, &ev, yaml_sequence_start_event_initialize(&ev, NULL, NULL, 1, empty ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE));
}

static void end_list(struct out *o)
{
	yaml_event_t ev;

	emit(o, &ev, yaml_sequence_end_event_initialize(&ev));
}

/* Words that YAML 1.1 reads as null or bool, dates, and every beginning of a number: quoted rather once too often. */
static bool reads_as_other(const char *s)
{
	static const char *const words[] = { "null", "true", "false", "yes", "no", "on", "off", "y", "n" };
	size_t n;

	if (!*s || !strcmp(s, "~") || !strcmp(s, "<<") || !strcmp(s, "="))
		return true;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (!strcasecmp(s, words[i]))
			return true;
	}
	if (*s == '+' || *s == '-')
		s++;
	if (!strncasecmp(s, ".inf", 4) || !strncasecmp(s, ".nan", 4))
		return true;
	if (!strncasecmp(s, "0x", 2))
		return !s[2 + strspn(s + 2, "0123456789abcdefABCDEF_")];
	if (!strncasecmp(s, "0o", 2) || !strncasecmp(s, "0b", 2))
		return !s[2 + strspn(s + 2, "01234567_")];
	if (!(*s >= '0' && *s <= '9') && *s != '.')
		return false;
	/* integers, fractions, exponents, 1:30 (base 60), 2026-01-31 and what follows it */
	n = strspn(s, "0123456789_.:");
	if (n > 0 && (s[n] == 'e' || s[n] == 'E')) {
		n++;
		n += s[n] == '+' || s[n] == '-';
		n += strspn(s + n, "0123456789");
	}
	return !s[n] || (n == 4 && s[4] == '-' && s[5] >= '0' && s[5] <= '9');
}

static void put_styled(struct out *o, const char *s, size_t len, yaml_scalar_style_t style)
{
	yaml_event_t ev;

	emit(o, &ev, yaml_scalar_event_initialize(&ev, NULL, NULL, (const yaml_char_t *)s, (int)len, 1, 1, style));
}

static void put_string(struct out *o, const char *s)
{
	yaml_scalar_style_t style = YAML_PLAIN_SCALAR_STYLE;

	if (strchr(s, '\n'))
		style = YAML_LITERAL_SCALAR_STYLE;
	else if (reads_as_other(s))
		style = YAML_DOUBLE_QUOTED_SCALAR_STYLE;
	put_styled(o, s, strlen(s), style);
}

static void put_word(struct out *o, const char *s)
{
	put_styled(o, s, strlen(s), YAML_PLAIN_SCALAR_STYLE);
}

/* ---- copies of what is to be printed ---- */

struct pair {
	char *key, *value;
};

struct pairs {
	struct pair *v;
	size_t n, cap;
	bool failed;
};

static void pairs_free(struct pairs *p)
{
	for (size_t i = 0; i < p->n; i++) {
		free(p->v[i].key);
		free(p->v[i].value);
	}
	free(p->v);
}

#define _cleanup_pairs_ __attribute__((cleanup(pairs_free)))

/* Without one final newline, as everywhere. */
static void pairs_add(struct pairs *p, const char *prefix, const char *key, const char *value, size_t len)
{
	struct pair x = { NULL, NULL };

	if (p->n == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 16;
		struct pair *more = reallocarray(p->v, cap, sizeof(*more));

		if (!more) {
			p->failed = true;
			return;
		}
		p->v = more;
		p->cap = cap;
	}
	if (len && value[len - 1] == '\n')
		len--;
	if (asprintf(&x.key, "%s%s", prefix, key) < 0)
		x.key = NULL;
	x.value = strndup(value, len);
	p->failed |= !x.key || !x.value;
	p->v[p->n++] = x;
}

static int by_key(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	return strcmp(x->key, y->key);
}

static void pairs_sort(struct pairs *p)
{
	if (p->n && !p->failed)
		qsort(p->v, p->n, sizeof(*p->v), by_key);
}

struct document {
	struct pairs config, devices, profiles, users;
	char *description, *architecture;
	bool ephemeral;
};

static void document_free(struct document *d)
{
	pairs_free(&d->config);
	pairs_free(&d->devices);
	pairs_free(&d->profiles);
	pairs_free(&d->users);
	free(d->description);
	free(d->architecture);
}

static int add_profile(const char *name, void *arg)
{
	pairs_add(arg, "", name, "", 0);
	return 0;
}

static char *line_of(const struct entry *ent)
{
	return strndup(ent->value, ent->len && ent->value[ent->len - 1] == '\n' ? ent->len - 1 : ent->len);
}

static void add_field(struct document *d, const struct entry *ent)
{
	_cleanup_free_ char *text = NULL;

	if (!strcmp(ent->name, "profiles")) {
		expand_each_profile(ent->value, ent->len, add_profile, &d->profiles);
		return;
	}
	text = line_of(ent);
	if (!text)
		return;
	if (!strcmp(ent->name, "ephemeral")) {
		value_bool(text, &d->ephemeral, NULL);
	} else if (!strcmp(ent->name, "description")) {
		free(d->description);
		d->description = steal_pointer(&text);
	} else if (!strcmp(ent->name, "architecture")) {
		free(d->architecture);
		d->architecture = steal_pointer(&text);
	}
}

static void add_entries(struct document *d, struct entry *const *entries, size_t n, bool expanded)
{
	for (size_t i = 0; i < n; i++) {
		const struct entry *ent = entries[i];

		if (ent->kind == ENT_FIELD)
			add_field(d, ent);
		else if (ent->kind == ENT_VOLATILE)
			pairs_add(&d->config, "volatile.", ent->name, ent->value, ent->len);
		else if (ent->kind == ENT_CONFIG && !expanded)
			pairs_add(&d->config, "", ent->name, ent->value, ent->len);
		else if (ent->kind == ENT_DEVICE && !expanded)
			pairs_add(&d->devices, "", ent->name, ent->value, ent->len);
	}
}

static void add_expanded(struct document *d, struct expanded *x)
{
	for (size_t i = 0; i < x->n; i++)
		pairs_add(x->items[i].kind == ENT_CONFIG ? &d->config : &d->devices, "", x->items[i].name, x->items[i].value,
			  x->items[i].len);
}

static int add_user(uint32_t id, const char *name, void *arg)
{
	pairs_add(arg, "/1.0/instances/", name, "", 0);
	return 0;
}

static int collect(struct object *o, const struct snapshot *snap, bool expanded, struct document *d, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	struct utsname un;
	int r = 0;

	if (expanded) {
		r = config_expand(o, &x, e);
		if (r < 0)
			return r;
		add_expanded(d, &x);
	}
	if (o->space == SPACE_PROFILES)
		profile_each_user(o, add_user, &d->users);
	else if (o->space == SPACE_NETWORKS)
		network_each_user(o, add_user, &d->users);
	if (snap) {
		add_entries(d, snap->entries, snap->n_entries, expanded);
	} else {
		HOLD_LOCK(&o->lock);
		add_entries(d, o->entries, o->n_entries, expanded);
	}
	if (!d->description)
		d->description = strdup("");
	if (!d->architecture)
		d->architecture = strdup(uname(&un) == 0 ? un.machine : "");
	if (!d->description || !d->architecture || d->config.failed || d->devices.failed || d->profiles.failed || d->users.failed)
		return err_sys(e, ENOMEM, "config.yaml");
	pairs_sort(&d->config);
	pairs_sort(&d->devices);
	return 0;
}

/* ---- printing ---- */

static void put_config(struct out *o, const struct pairs *p)
{
	put_word(o, "config");
	put_map(o, !p->n);
	for (size_t i = 0; i < p->n; i++) {
		put_string(o, p->v[i].key);
		put_string(o, p->v[i].value);
	}
	end_map(o);
}

/* The lines of a device; comments have no place in this form. */
static int device_pairs(const char *text, struct pairs *ret)
{
	while (*text) {
		size_t len = strcspn(text, "\n");
		const char *eq = memchr(text, '=', len), *end = text + len, *v;
		_cleanup_free_ char *key = NULL;

		if (eq && text[strspn(text, " \t")] != '#') {
			const char *k = text + strspn(text, " \t"), *k_end = eq;

			while (k_end > k && (k_end[-1] == ' ' || k_end[-1] == '\t'))
				k_end--;
			while (end > eq + 1 && (end[-1] == ' ' || end[-1] == '\t'))
				end--;
			v = eq + 1 + strspn(eq + 1, " \t");
			key = strndup(k, (size_t)(k_end - k));
			if (!key)
				return -ENOMEM;
			pairs_add(ret, "", key, v, v < end ? (size_t)(end - v) : 0);
		}
		text += len + (text[len] == '\n');
	}
	pairs_sort(ret);
	return ret->failed ? -ENOMEM : 0;
}

static void put_devices(struct out *o, const struct pairs *devices)
{
	put_word(o, "devices");
	put_map(o, !devices->n);
	for (size_t i = 0; i < devices->n; i++) {
		_cleanup_pairs_ struct pairs p = { 0 };

		if (device_pairs(devices->v[i].value, &p) < 0)
			o->failed = true;
		put_string(o, devices->v[i].key);
		put_map(o, !p.n);
		for (size_t j = 0; j < p.n; j++) {
			put_string(o, p.v[j].key);
			put_string(o, p.v[j].value);
		}
		end_map(o);
	}
	end_map(o);
}

static void put_names(struct out *o, const char *key, const struct pairs *p)
{
	put_word(o, key);
	put_list(o, !p->n);
	for (size_t i = 0; i < p->n; i++)
		put_string(o, p->v[i].key);
	end_list(o);
}

static void put_instance(struct out *o, const struct document *d)
{
	put_word(o, "architecture");
	put_string(o, d->architecture);
	put_config(o, &d->config);
	put_devices(o, &d->devices);
	put_word(o, "ephemeral");
	put_word(o, d->ephemeral ? "true" : "false");
	put_names(o, "profiles", &d->profiles);
	put_word(o, "stateful");
	put_word(o, "false");
	put_word(o, "description");
	put_string(o, d->description);
}

static void put_profile(struct out *o, const struct document *d, const char *name)
{
	put_config(o, &d->config);
	put_word(o, "description");
	put_string(o, d->description);
	put_devices(o, &d->devices);
	put_word(o, "name");
	put_string(o, name);
	put_names(o, "used_by", &d->users);
}

static void put_network(struct out *o, const struct document *d, const char *name)
{
	put_config(o, &d->config);
	put_word(o, "description");
	put_string(o, d->description);
	put_word(o, "name");
	put_string(o, name);
	put_word(o, "type");
	put_word(o, "bridge");
	put_names(o, "used_by", &d->users);
	put_word(o, "managed");
	put_word(o, "true");
	put_word(o, "status");
	put_word(o, "Created");
	put_word(o, "locations");
	put_list(o, false);
	put_word(o, "none");
	end_list(o);
}

int config_print_yaml(struct object *o, const struct snapshot *snap, bool expanded, struct buf *out, struct err *e)
{
	__attribute__((cleanup(document_free))) struct document d = { .ephemeral = false };
	struct out y = { .failed = false };
	yaml_event_t ev;
	int r;

	if (o->space != SPACE_INSTANCES && o->space != SPACE_TRASH && o->space != SPACE_PROFILES && o->space != SPACE_NETWORKS)
		return err_set(e, EINVAL, "there is no config.yaml in %s", space_name(o->space));
	if (snap && expanded)
		return err_set(e, EINVAL, "there is no expanded config.yaml of a snapshot");
	r = collect(o, snap, expanded, &d, e);
	if (r < 0)
		return r;
	if (!yaml_emitter_initialize(&y.em))
		return err_sys(e, ENOMEM, "config.yaml");
	yaml_emitter_set_output(&y.em, append, out);
	yaml_emitter_set_unicode(&y.em, 1);
	yaml_emitter_set_width(&y.em, -1);
	emit(&y, &ev, yaml_stream_start_event_initialize(&ev, YAML_UTF8_ENCODING));
	emit(&y, &ev, yaml_document_start_event_initialize(&ev, NULL, NULL, NULL, 1));
	put_map(&y, false);
	if (o->space == SPACE_PROFILES)
		put_profile(&y, &d, o->name);
	else if (o->space == SPACE_NETWORKS)
		put_network(&y, &d, o->name);
	else
		put_instance(&y, &d);
	end_map(&y);
	emit(&y, &ev, yaml_document_end_event_initialize(&ev, 1));
	emit(&y, &ev, yaml_stream_end_event_initialize(&ev));
	yaml_emitter_delete(&y.em);
	return y.failed || out->failed ? err_sys(e, ENOMEM, "config.yaml") : 0;
}
