// SPDX-License-Identifier: LGPL-2.1-or-later
/* The tree is built from libyaml's events, so that nothing is expanded and nothing recurses on what the text demands. */
#include "backends/core/yaml_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "backends/core/cleanup.h"

struct builder {
	yaml_parser_t parser;
	const char *text;
	size_t len;
	/* libyaml counts characters: where the one it counted last begins */
	size_t at, at_index;
	struct tree_node *root;
	struct tree_node *stack[YAML_TREE_DEPTH_MAX];
	struct tree_node *last[YAML_TREE_DEPTH_MAX];	/* child of the one in stack */
	size_t depth, nodes;
	/* of the map on top: its key was read */
	char *key;
	yaml_mark_t key_mark;
	bool ended;
	struct err *e;
};

struct tree_node *yaml_tree_free(struct tree_node *n)
{
	/* As deep as YAML_TREE_DEPTH_MAX. */
	while (n) {
		struct tree_node *next = n->next;

		yaml_tree_free(n->child);
		free(n->key);
		free(n->text);
		free(n);
		n = next;
	}
	return NULL;
}

const struct tree_node *yaml_tree_find(const struct tree_node *map, const char *key)
{
	for (const struct tree_node *n = map && map->kind == TREE_MAP ? map->child : NULL; n; n = n->next)
		if (!strcmp(n->key, key))
			return n;
	return NULL;
}

bool yaml_tree_is_null(const struct tree_node *n)
{
	return !n || (n->kind == TREE_TEXT && n->plain && (!*n->text || !strcmp(n->text, "~") || !strcasecmp(n->text, "null")));
}

static size_t byte_of(struct builder *b, size_t index)
{
	if (index < b->at_index)
		b->at_index = b->at = 0;
	for (; b->at_index < index && b->at < b->len; b->at_index++) {
		b->at++;
		while (b->at < b->len && ((unsigned char)b->text[b->at] & 0xc0) == 0x80)
			b->at++;
	}
	return b->at;
}

static int refuse(struct builder *b, yaml_mark_t mark, const char *what)
{
	return err_set(b->e, EINVAL, "line %zu: %s", mark.line + 1, what);
}

static int no_memory(struct builder *b)
{
	return err_set(b->e, ENOMEM, "out of memory");
}

/* ---- nodes ---- */

/* A new node at its place: the value of the key that was read, the next item, or the root. */
static int add_node(struct builder *b, const yaml_event_t *ev, enum tree_kind kind, struct tree_node **ret)
{
	struct tree_node *n, *parent = b->depth ? b->stack[b->depth - 1] : NULL;
	yaml_mark_t mark = b->key ? b->key_mark : ev->start_mark;

	if (++b->nodes > YAML_TREE_NODES_MAX)
		return refuse(b, ev->start_mark, "more values than any configuration has");
	n = calloc(1, sizeof(*n));
	if (!n)
		return no_memory(b);
	n->kind = kind;
	n->line = (unsigned)mark.line + 1;
	n->column = (unsigned)mark.column;
	n->key_start = byte_of(b, mark.index);
	n->start = byte_of(b, ev->start_mark.index);
	n->end = byte_of(b, ev->end_mark.index);
	n->key = steal_pointer(&b->key);
	if (!parent)
		b->root = n;
	else if (b->last[b->depth - 1])
		b->last[b->depth - 1]->next = n;
	else
		parent->child = n;
	if (parent) {
		b->last[b->depth - 1] = n;
		parent->n++;
	}
	*ret = n;
	return 0;
}

static int open_node(struct builder *b, const yaml_event_t *ev, enum tree_kind kind, bool flow)
{
	struct tree_node *n;
	int r;

	if (b->depth == YAML_TREE_DEPTH_MAX)
		return refuse(b, ev->start_mark, "nested deeper than any configuration is");
	r = add_node(b, ev, kind, &n);
	if (r < 0)
		return r;
	n->flow = flow;
	b->stack[b->depth] = n;
	b->last[b->depth++] = NULL;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	const struct tree_node *x = *(const struct tree_node *const *)a, *y = *(const struct tree_node *const *)b;
	int r = strcmp(x->key, y->key);

	return r ? r : x->line < y->line ? -1 : x->line > y->line;
}

static int check_keys(struct builder *b, const struct tree_node *map)
{
	_cleanup_free_ const struct tree_node **list = map->n > 1 ? calloc(map->n, sizeof(const struct tree_node *)) : NULL;
	size_t n = 0;

	if (map->n < 2)
		return 0;
	if (!list)
		return no_memory(b);
	for (const struct tree_node *c = map->child; c; c = c->next)
		list[n++] = c;
	qsort(list, n, sizeof(*list), by_key);
	for (size_t i = 1; i < n; i++)
		if (!strcmp(list[i]->key, list[i - 1]->key))
			return err_set(b->e, EINVAL, "line %u: %.80s stands in line %u already", list[i]->line, list[i]->key,
				       list[i - 1]->line);
	return 0;
}

static int close_node(struct builder *b, const yaml_event_t *ev)
{
	struct tree_node *n = b->stack[--b->depth];

	n->end = byte_of(b, ev->end_mark.index);
	return n->kind == TREE_MAP ? check_keys(b, n) : 0;
}

static int take_text(struct builder *b, const yaml_event_t *ev)
{
	const char *value = (const char *)ev->data.scalar.value;
	size_t len = ev->data.scalar.length;
	bool wants_key = b->depth && b->stack[b->depth - 1]->kind == TREE_MAP && !b->key;
	struct tree_node *n;
	char *copy;
	int r;

	if (memchr(value, '\0', len))
		return refuse(b, ev->start_mark, "a text has a NUL byte");
	copy = strndup(value, len);
	if (!copy)
		return no_memory(b);
	if (wants_key) {
		b->key = copy;
		b->key_mark = ev->start_mark;
		return 0;
	}
	r = add_node(b, ev, TREE_TEXT, &n);
	if (r < 0) {
		free(copy);
		return r;
	}
	n->text = copy;
	n->plain = ev->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
	return 0;
}

/* ---- events ---- */

static int check_properties(struct builder *b, const yaml_event_t *ev)
{
	const yaml_char_t *anchor = NULL, *tag = NULL;

	switch (ev->type) {
	case YAML_SCALAR_EVENT:
		anchor = ev->data.scalar.anchor;
		tag = ev->data.scalar.tag;
		break;
	case YAML_MAPPING_START_EVENT:
		anchor = ev->data.mapping_start.anchor;
		tag = ev->data.mapping_start.tag;
		break;
	case YAML_SEQUENCE_START_EVENT:
		anchor = ev->data.sequence_start.anchor;
		tag = ev->data.sequence_start.tag;
		break;
	case YAML_ALIAS_EVENT:
		return refuse(b, ev->start_mark, "aliases (*name) are not taken here; write the value itself");
	default:
		return 0;
	}
	if (anchor)
		return refuse(b, ev->start_mark, "anchors (&name) are not taken here; write the value where it belongs");
	if (tag)
		return refuse(b, ev->start_mark, "tags (!name) are not taken here; values are texts");
	if (ev->type != YAML_SCALAR_EVENT && b->depth && b->stack[b->depth - 1]->kind == TREE_MAP && !b->key)
		return refuse(b, ev->start_mark, "a key must be a text");
	return 0;
}

static int take_event(struct builder *b, const yaml_event_t *ev)
{
	int r = check_properties(b, ev);

	if (r < 0)
		return r;
	switch (ev->type) {
	case YAML_DOCUMENT_START_EVENT:
		return b->root ? refuse(b, ev->start_mark, "a second document begins; write one") : 0;
	case YAML_SCALAR_EVENT:
		return take_text(b, ev);
	case YAML_MAPPING_START_EVENT:
		return open_node(b, ev, TREE_MAP, ev->data.mapping_start.style == YAML_FLOW_MAPPING_STYLE);
	case YAML_SEQUENCE_START_EVENT:
		return open_node(b, ev, TREE_LIST, ev->data.sequence_start.style == YAML_FLOW_SEQUENCE_STYLE);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT:
		return close_node(b, ev);
	case YAML_STREAM_END_EVENT:
		b->ended = true;
		return 0;
	default:
		return 0;
	}
}

static size_t line_of(const struct builder *b, size_t offset)
{
	size_t line = 1;

	for (size_t i = 0; i < offset && i < b->len; i++)
		line += b->text[i] == '\n';
	return line;
}

static int no_yaml(struct builder *b)
{
	const yaml_parser_t *p = &b->parser;

	if (p->error == YAML_MEMORY_ERROR)
		return no_memory(b);
	if (p->error == YAML_READER_ERROR)
		return err_set(b->e, EINVAL, "line %zu: not a text in UTF-8: %s", line_of(b, p->problem_offset), p->problem ? p->problem : "?");
	return err_set(b->e, EINVAL, "line %zu: not YAML: %s", p->problem_mark.line + 1, p->problem ? p->problem : "?");
}

static int build(struct builder *b)
{
	yaml_event_t ev;
	int r = 0;

	while (!r && !b->ended) {
		if (!yaml_parser_parse(&b->parser, &ev))
			return no_yaml(b);
		r = take_event(b, &ev);
		yaml_event_delete(&ev);
	}
	if (r < 0 || b->root)
		return r;
	b->root = calloc(1, sizeof(*b->root));
	if (b->root)
		b->root->text = strdup("");
	if (!b->root || !b->root->text)
		return no_memory(b);
	b->root->plain = true;
	b->root->line = 1;
	return 0;
}

int yaml_tree_parse(const char *text, size_t len, struct tree_node **ret, struct err *e)
{
	struct builder b = { .text = text, .len = len, .e = e };
	int r;

	if (len > YAML_TREE_SIZE_MAX)
		return err_set(e, EFBIG, "the document has %zu bytes, at most %u are allowed", len, YAML_TREE_SIZE_MAX);
	if (!yaml_parser_initialize(&b.parser))
		return no_memory(&b);
	yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&b.parser, (const unsigned char *)text, len);
	r = build(&b);
	yaml_parser_delete(&b.parser);
	free(b.key);
	if (r < 0)
		yaml_tree_free(b.root);
	else
		*ret = b.root;
	return r;
}
