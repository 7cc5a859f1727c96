// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * metadata.yaml through libyaml's document interface. Aliases are references to nodes, nothing is expanded, and the walk below
 * goes two levels deep and never up: neither "billion laughs" nor cycles do anything.
 */
#include "mkimage/metadata.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "backends/core/cleanup.h"
#include "backends/core/name.h"
#include "backends/core/value.h"

#define VALUE_MAX 4096
#define DEPTH_MAX 32

static const char *const architectures[][2] = {
	{ "x86_64", "amd64" }, { "i686", "i386" }, { "aarch64", "arm64" }, { "armv7l", "armhf" }, { "armv6l", "armel" },
	{ "ppc64le", "ppc64el" }, { "ppc64", "powerpc64" }, { "ppc", "powerpc" }, { "s390x", "s390x" }, { "riscv64", "riscv64" },
	{ "riscv32", "riscv32" }, { "loongarch64", "loong64" }, { "mips", "mips" }, { "mips64", "mips64el" },
};

const char *metadata_architecture(const char *name)
{
	for (size_t i = 0; i < sizeof(architectures) / sizeof(architectures[0]); i++) {
		if (!strcmp(name, architectures[i][0]) || !strcmp(name, architectures[i][1]))
			return architectures[i][0];
	}
	return NULL;
}

void metadata_free(struct metadata *m)
{
	for (size_t i = 0; i < m->n_properties; i++) {
		free(m->properties[i].name);
		free(m->properties[i].value);
	}
	free(m->properties);
	*m = (struct metadata){ .n_properties = 0 };
}

/* ---- nodes ---- */

static const char *scalar(yaml_document_t *d, int index)
{
	const yaml_node_t *n = yaml_document_get_node(d, index);

	/* A NUL inside would hide what follows. */
	if (!n || n->type != YAML_SCALAR_NODE || memchr(n->data.scalar.value, 0, n->data.scalar.length))
		return NULL;
	return (const char *)n->data.scalar.value;
}

static int integer(const char *name, const char *text, int64_t *ret, struct err *e)
{
	if (!text)
		return err_set(e, EINVAL, "metadata.yaml: %s must be a number of seconds since 1970", name);
	if (value_int(text, 0, INT64_C(1) << 40, ret, e) < 0)
		return err_set(e, EINVAL, "metadata.yaml: %s is \"%.40s\", not a number of seconds since 1970", name, text);
	return 0;
}

/* The text of a property: a scalar, or the scalars of a list. */
static int flatten(yaml_document_t *d, int index, const char *name, struct buf *out, struct err *e)
{
	const yaml_node_t *n = yaml_document_get_node(d, index);
	const char *text = scalar(d, index);

	if (text)
		buf_addstr(out, text);
	if (!text && (!n || n->type != YAML_SEQUENCE_NODE))
		return err_set(e, EINVAL, "metadata.yaml: the property \"%.64s\" is neither text nor a list of texts", name);
	for (yaml_node_item_t *i = text ? NULL : n->data.sequence.items.start; i && i < n->data.sequence.items.top; i++) {
		text = scalar(d, *i);
		if (!text)
			return err_set(e, EINVAL, "metadata.yaml: the list of the property \"%.64s\" has something else than texts",
				       name);
		if (out->len > VALUE_MAX)
			break;
		if (out->len)
			buf_addstr(out, ", ");
		buf_addstr(out, text);
	}
	if (out->len > VALUE_MAX || value_text(buf_str(out), out->len, NULL) < 0)
		return err_set(e, EINVAL, "metadata.yaml: the property \"%.64s\" is longer than %d bytes or not UTF-8", name, VALUE_MAX);
	return buf_error(out);
}

static int add_property(struct metadata *m, const char *name, const char *value)
{
	struct metadata_property *p;
	size_t at = 0;

	while (at < m->n_properties && strcmp(m->properties[at].name, name) < 0)
		at++;
	if (at < m->n_properties && !strcmp(m->properties[at].name, name))
		return 0;
	p = realloc(m->properties, (m->n_properties + 1) * sizeof(*p));
	if (!p)
		return -ENOMEM;
	m->properties = p;
	memmove(p + at + 1, p + at, (m->n_properties - at) * sizeof(*p));
	p[at] = (struct metadata_property){ .name = strdup(name), .value = strdup(value) };
	m->n_properties++;
	return p[at].name && p[at].value ? 0 : -ENOMEM;
}

static const yaml_node_t *mapping(yaml_document_t *d, int index, size_t max, const char *name, struct err *e)
{
	const yaml_node_t *n = yaml_document_get_node(d, index);

	if (!n || n->type != YAML_MAPPING_NODE)
		err_set(e, EINVAL, "metadata.yaml: %s is not a mapping", name);
	else if ((size_t)(n->data.mapping.pairs.top - n->data.mapping.pairs.start) > max)
		err_set(e, EINVAL, "metadata.yaml: %s has more than %zu members", name, max);
	else
		return n;
	return NULL;
}

/* "properties:" and "templates:" with nothing behind them are empty. */
static bool is_null(yaml_document_t *d, int index)
{
	const char *s = scalar(d, index);

	return s && (!*s || !strcmp(s, "null") || !strcmp(s, "~"));
}

static int parse_properties(yaml_document_t *d, int index, struct metadata *m, struct err *e)
{
	const yaml_node_t *n;

	if (is_null(d, index))
		return 0;
	n = mapping(d, index, METADATA_PROPERTIES_MAX, "properties", e);
	if (!n)
		return -EINVAL;
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
		_cleanup_buf_ struct buf value = BUF_INIT;
		const char *name = scalar(d, p->key);
		int r;

		if (!name || name_check("property", name, NULL) < 0)
			return err_set(e, EINVAL, "metadata.yaml: a property has the name \"%.64s\"; names are 1 to %d letters, digits "
				       "and ._-+@%%", name ? name : "(not a text)", NAME_LEN_MAX);
		r = flatten(d, p->value, name, &value, e);
		if (!r)
			r = add_property(m, name, buf_str(&value));
		if (r < 0)
			return r == -ENOMEM ? err_set(e, ENOMEM, "not enough memory for metadata.yaml") : r;
	}
	return 0;
}

static bool known_when(const char *s)
{
	return s && (!strcmp(s, "create") || !strcmp(s, "copy") || !strcmp(s, "start") || !strcmp(s, "rename"));
}

static int check_template_member(yaml_document_t *d, const char *path, const yaml_node_pair_t *p, bool *named, struct err *e)
{
	const char *key = scalar(d, p->key), *value = scalar(d, p->value);
	const yaml_node_t *list = yaml_document_get_node(d, p->value);

	if (key && !strcmp(key, "template")) {
		/* A name in templates/, never a path. */
		if (!value || !*value || strchr(value, '/') || !strcmp(value, ".") || !strcmp(value, ".."))
			return err_set(e, EINVAL, "metadata.yaml: the template of %.200s must be the name of a file in templates/", path);
		*named = true;
	}
	if (!key || strcmp(key, "when"))
		return 0;
	if (!list || list->type != YAML_SEQUENCE_NODE)
		return err_set(e, EINVAL, "metadata.yaml: `when` of the template of %.200s is not a list", path);
	for (yaml_node_item_t *i = list->data.sequence.items.start; i < list->data.sequence.items.top; i++) {
		if (!known_when(scalar(d, *i)))
			return err_set(e, EINVAL, "metadata.yaml: `when` of the template of %.200s may have create, copy, start and "
				       "rename only", path);
	}
	return 0;
}

static int parse_templates(yaml_document_t *d, int index, struct metadata *m, struct err *e)
{
	const yaml_node_t *n, *t;

	if (is_null(d, index))
		return 0;
	n = mapping(d, index, METADATA_TEMPLATES_MAX, "templates", e);
	if (!n)
		return -EINVAL;
	for (yaml_node_pair_t *p = n->data.mapping.pairs.start; p < n->data.mapping.pairs.top; p++) {
		const char *path = scalar(d, p->key);
		bool named = false;

		if (!path || path[0] != '/')
			return err_set(e, EINVAL, "metadata.yaml: templates has \"%.200s\", which is not an absolute path",
				       path ? path : "(not a text)");
		t = mapping(d, p->value, 64, "a template", e);
		if (!t)
			return -EINVAL;
		for (yaml_node_pair_t *q = t->data.mapping.pairs.start; q < t->data.mapping.pairs.top; q++) {
			int r = check_template_member(d, path, q, &named, e);

			if (r < 0)
				return r;
		}
		if (!named)
			return err_set(e, EINVAL, "metadata.yaml: the template of %.200s has no `template`", path);
		m->templates++;
	}
	return 0;
}

static int parse_member(yaml_document_t *d, const yaml_node_pair_t *p, struct metadata *m, struct err *e)
{
	const char *key = scalar(d, p->key), *arch;

	if (!key)
		return 0;
	if (!strcmp(key, "creation_date"))
		return integer(key, scalar(d, p->value), &m->created, e);
	if (!strcmp(key, "expiry_date"))
		return is_null(d, p->value) ? 0 : integer(key, scalar(d, p->value), &m->expires, e);
	if (!strcmp(key, "properties"))
		return parse_properties(d, p->value, m, e);
	if (!strcmp(key, "templates"))
		return parse_templates(d, p->value, m, e);
	if (strcmp(key, "architecture"))
		return 0;
	arch = scalar(d, p->value);
	if (!arch || !metadata_architecture(arch))
		return err_set(e, EINVAL, "metadata.yaml: unknown architecture \"%.40s\"; known are x86_64, i686, aarch64, armv7l and so on",
			       arch ? arch : "(not a text)");
	strncpy(m->architecture, metadata_architecture(arch), sizeof(m->architecture) - 1);
	return 0;
}

static int parse_document(yaml_document_t *d, struct metadata *m, struct err *e)
{
	const yaml_node_t *root = yaml_document_get_root_node(d);

	if (!root || root->type != YAML_MAPPING_NODE)
		return err_set(e, EINVAL, "metadata.yaml is %s", root ? "not a mapping" : "empty");
	for (yaml_node_pair_t *p = root->data.mapping.pairs.start; p < root->data.mapping.pairs.top; p++) {
		int r = parse_member(d, p, m, e);

		if (r < 0)
			return r;
	}
	if (!m->architecture[0])
		return err_set(e, EINVAL, "metadata.yaml has no architecture");
	if (!m->created)
		return err_set(e, EINVAL, "metadata.yaml has no creation_date");
	return 0;
}

static int bad_yaml(const yaml_parser_t *parser, struct err *e)
{
	return err_set(e, EINVAL, "metadata.yaml, line %zu: %s", parser->problem_mark.line + 1,
		       parser->problem ? parser->problem : "it cannot be read");
}

/* libyaml's time grows with the square of the depth: a megabyte of brackets would take it an hour. */
static int check_depth(const char *text, size_t len, struct err *e)
{
	yaml_parser_t parser;
	int depth = 0, r = 0;
	bool end = false;

	if (!yaml_parser_initialize(&parser))
		return err_set(e, ENOMEM, "not enough memory for metadata.yaml");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (!r && !end) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			r = bad_yaml(&parser, e);
			break;
		}
		if (event.type == YAML_SEQUENCE_START_EVENT || event.type == YAML_MAPPING_START_EVENT)
			depth++;
		if (event.type == YAML_SEQUENCE_END_EVENT || event.type == YAML_MAPPING_END_EVENT)
			depth--;
		if (depth > DEPTH_MAX)
			r = err_set(e, EINVAL, "metadata.yaml, line %zu: nested deeper than %d", event.start_mark.line + 1, DEPTH_MAX);
		end = event.type == YAML_STREAM_END_EVENT || event.type == YAML_DOCUMENT_END_EVENT;
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	return r;
}

int metadata_parse(const char *text, size_t len, struct metadata *ret, struct err *e)
{
	_cleanup_metadata_ struct metadata m = { .n_properties = 0 };
	yaml_parser_t parser;
	yaml_document_t d;
	int r;

	if (len > METADATA_MAX)
		return err_set(e, EINVAL, "metadata.yaml is larger than %u bytes", METADATA_MAX);
	r = check_depth(text, len, e);
	if (r < 0)
		return r;
	if (!yaml_parser_initialize(&parser))
		return err_set(e, ENOMEM, "not enough memory for metadata.yaml");
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, &d)) {
		r = bad_yaml(&parser, e);
		yaml_parser_delete(&parser);
		return r;
	}
	r = parse_document(&d, &m, e);
	yaml_document_delete(&d);
	yaml_parser_delete(&parser);
	if (r < 0)
		return r;
	*ret = m;
	m = (struct metadata){ .n_properties = 0 };
	return 0;
}

void metadata_print_json(const struct metadata *m, struct buf *out)
{
	json_t *p = json_object(), *o;
	char *text;

	for (size_t i = 0; i < m->n_properties; i++)
		json_object_set_new(p, m->properties[i].name, json_string(m->properties[i].value));
	o = json_pack("{s:s, s:I, s:I, s:i, s:o}", "architecture", m->architecture, "created", (json_int_t)m->created, "expires",
		      (json_int_t)m->expires, "templates", (int)m->templates, "properties", p);
	text = o ? json_dumps(o, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
	if (text)
		buf_addstr(out, text);
	else
		out->failed = true;
	free(text);
	json_decref(o);
}

/* JSON strings are YAML strings. */
static void print_string(const char *s, struct buf *out)
{
	json_t *j = json_string(s);
	char *text = j ? json_dumps(j, JSON_ENCODE_ANY) : NULL;

	if (text)
		buf_addstr(out, text);
	else
		out->failed = true;
	free(text);
	json_decref(j);
}

void metadata_print_yaml(const struct metadata *m, struct buf *out)
{
	buf_addf(out, "architecture: %s\ncreation_date: %" PRId64 "\n", m->architecture, m->created);
	if (m->expires)
		buf_addf(out, "expiry_date: %" PRId64 "\n", m->expires);
	if (m->n_properties)
		buf_addstr(out, "properties:\n");
	for (size_t i = 0; i < m->n_properties; i++) {
		buf_addf(out, "  %s: ", m->properties[i].name);
		print_string(m->properties[i].value, out);
		buf_addch(out, '\n');
	}
}
