// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The text is parsed, each difference becomes an edit of a few bytes, and what comes out is parsed and compared again: whatever the
 * edits got wrong, nothing is shown that says something else than the values.
 */
#include "backends/core/config_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/config_document.h"
#include "backends/core/value.h"
#include "backends/core/yaml_tree.h"

struct text_edit {
	size_t start, end;
	char *text;
};

struct edits {
	const char *text;
	size_t len;
	const struct config_values *v;
	struct text_edit *list;
	size_t n, cap;
	bool failed;
};

static void edits_free(struct edits *d)
{
	for (size_t i = 0; i < d->n; i++)
		free(d->list[i].text);
	free(d->list);
}

static void add_edit(struct edits *d, size_t start, size_t end, const char *text, size_t len)
{
	if (d->n == d->cap) {
		size_t cap = d->cap ? 2 * d->cap : 8;
		struct text_edit *more = reallocarray(d->list, cap, sizeof(*more));

		if (!more) {
			d->failed = true;
			return;
		}
		d->list = more;
		d->cap = cap;
	}
	d->list[d->n] = (struct text_edit){ start, end, strndup(text, len) };
	d->failed |= !d->list[d->n++].text;
}

/* ---- places ---- */

/* Where what a node says ends: marks of maps reach to the next thing, past comments. */
static size_t content_end(const struct tree_node *n)
{
	if (n->kind == TREE_TEXT || n->flow || !n->child)
		return n->end;
	n = n->child;
	while (n->next)
		n = n->next;
	return content_end(n);
}

/* The end of its last line, newline included. */
static size_t lines_end(const struct edits *d, const struct tree_node *n)
{
	size_t end = content_end(n);
	const char *nl;

	if (end && d->text[end - 1] == '\n')
		return end;
	nl = memchr(d->text + end, '\n', d->len - end);
	return nl ? (size_t)(nl - d->text) + 1 : d->len;
}

static size_t line_start(const struct edits *d, size_t at)
{
	while (at && d->text[at - 1] != '\n')
		at--;
	return at;
}

/* Adds lines of out, each behind that many blanks; the first one stands behind them already when continued. */
static void indent(const struct buf *lines, size_t column, bool continued, struct buf *out)
{
	const char *p = buf_str(lines);

	while (*p) {
		size_t len = strcspn(p, "\n");

		for (size_t i = 0; i < column && len && !continued; i++)
			buf_addch(out, ' ');
		buf_add(out, p, len);
		buf_addch(out, '\n');
		p += len + (p[len] == '\n');
		continued = false;
	}
}

static void replace_lines(struct edits *d, const struct tree_node *n, const struct buf *lines)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	indent(lines, n->column, true, &b);
	d->failed |= b.failed;
	add_edit(d, n->key_start, lines_end(d, n), buf_str(&b), b.len);
}

static void remove_lines(struct edits *d, const struct tree_node *n)
{
	add_edit(d, line_start(d, n->key_start), lines_end(d, n), "", 0);
}

/* Behind all that the last child of a map says. */
static void append_lines(struct edits *d, const struct tree_node *map, const struct buf *lines)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const struct tree_node *last = map->child;
	size_t at;

	while (last->next)
		last = last->next;
	at = lines_end(d, last);
	if (at && d->text[at - 1] != '\n')
		buf_addch(&b, '\n');
	indent(lines, last->column, false, &b);
	d->failed |= b.failed;
	add_edit(d, at, at, buf_str(&b), b.len);
}

/* ---- texts ---- */

static bool same_text(const struct tree_node *n, const char *value)
{
	size_t len, want = strlen(value);

	if (n->kind != TREE_TEXT)
		return false;
	if (yaml_tree_is_null(n))
		return !want;
	len = strlen(n->text);
	len -= len && n->text[len - 1] == '\n';
	return len == want && !memcmp(n->text, value, len);
}

/* The value alone when both fit into one line, so that a comment behind it stays. */
static void replace_text(struct edits *d, const struct tree_node *n, const char *value, bool word)
{
	const struct pair p = { .key = n->key, .value = (char *)(uintptr_t)value }, k = { .key = (char *)(uintptr_t)"k", .value = p.value };
	bool one_line = n->kind == TREE_TEXT && n->end > n->start && !memchr(d->text + n->start, '\n', n->end - n->start);
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (one_line && word) {
		add_edit(d, n->start, n->end, value, strlen(value));
	} else if (one_line && !strchr(value, '\n')) {
		d->failed |= config_values_print_pair(MEMBER_CONFIG, &k, &b) < 0 || b.len < 4;
		if (!d->failed)
			add_edit(d, n->start, n->end, buf_str(&b) + 3, b.len - 4);
	} else {
		d->failed |= config_values_print_pair(MEMBER_CONFIG, &p, &b) < 0;
		replace_lines(d, n, &b);
	}
}

static void want_text(struct edits *d, const struct tree_node *n, const char *value)
{
	if (!same_text(n, value))
		replace_text(d, n, value, false);
}

static void want_bool(struct edits *d, const struct tree_node *n, bool value)
{
	bool is = false;

	if (n->kind != TREE_TEXT || (!yaml_tree_is_null(n) && value_bool(n->text, &is, NULL) < 0) || is != value)
		replace_text(d, n, value ? "true" : "false", true);
}

/* ---- maps ---- */

static void want_member(struct edits *d, const struct document_member *m, const struct tree_node *n)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	d->failed |= config_values_print_member(m, d->v, &b) < 0;
	replace_lines(d, n, &b);
}

static void add_missing(struct edits *d, enum member_kind kind, const struct tree_node *map, const struct pairs *want)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	for (size_t i = 0; i < want->n; i++)
		if (!yaml_tree_find(map, want->v[i].key))
			d->failed |= config_values_print_pair(kind, &want->v[i], &b) < 0;
	if (b.len)
		append_lines(d, map, &b);
}

static void want_key(struct edits *d, const struct tree_node *n, const struct pairs *want, bool facts)
{
	const struct pair *p = pairs_find(want, n->key);

	if (facts && document_is_fact(n->key)) {
		p = pairs_find(&d->v->volatiles, n->key);
		if (p)
			want_text(d, n, p->value);
	} else if (p) {
		want_text(d, n, p->value);
	} else if (!yaml_tree_is_null(n)) {
		remove_lines(d, n);
	}
}

static void want_device(struct edits *d, const struct tree_node *n)
{
	const struct pair *p = pairs_find(&d->v->devices, n->key);
	_cleanup_pairs_ struct pairs want = { .n = 0 };
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (!p) {
		remove_lines(d, n);
		return;
	}
	d->failed |= pairs_of_device(p->value, &want) < 0;
	if (n->kind != TREE_MAP || !n->child || n->flow) {
		if (n->kind == TREE_MAP && document_same_device(n, &want))
			return;
		d->failed |= config_values_print_pair(MEMBER_DEVICES, p, &b) < 0;
		replace_lines(d, n, &b);
		return;
	}
	for (const struct tree_node *c = n->child; c; c = c->next)
		want_key(d, c, &want, false);
	add_missing(d, MEMBER_CONFIG, n, &want);
}

/* A map in braces that says something else is written anew. */
static void want_flow(struct edits *d, const struct document_member *m, const struct tree_node *n)
{
	struct edits inner = { .text = d->text, .len = d->len, .v = d->v };

	for (const struct tree_node *c = n->child; c; c = c->next)
		if (m->kind == MEMBER_DEVICES)
			want_device(&inner, c);
		else
			want_key(&inner, c, &d->v->config, true);
	add_missing(&inner, m->kind, n, m->kind == MEMBER_DEVICES ? &d->v->devices : &d->v->config);
	if (inner.n)
		want_member(d, m, n);
	edits_free(&inner);
}

static void want_map(struct edits *d, const struct document_member *m, const struct tree_node *n)
{
	const struct pairs *want = m->kind == MEMBER_DEVICES ? &d->v->devices : &d->v->config;

	if (n->kind != TREE_MAP || !n->child) {
		if (want->n || (n->kind != TREE_MAP && !yaml_tree_is_null(n)))
			want_member(d, m, n);
		return;
	}
	if (n->flow) {
		want_flow(d, m, n);
		return;
	}
	for (const struct tree_node *c = n->child; c; c = c->next)
		if (m->kind == MEMBER_DEVICES)
			want_device(d, c);
		else
			want_key(d, c, want, true);
	add_missing(d, m->kind, n, want);
}

static bool same_names(const struct tree_node *n, const struct pairs *want)
{
	size_t i = 0;

	if (yaml_tree_is_null(n))
		return !want->n;
	if (n->kind != TREE_LIST || n->n != want->n)
		return false;
	for (const struct tree_node *c = n->child; c; c = c->next)
		if (c->kind != TREE_TEXT || strcmp(c->text, want->v[i++].key) != 0)
			return false;
	return true;
}

/* ---- members ---- */

static void want(struct edits *d, const struct document_member *m, const struct tree_node *n)
{
	const struct pair *fact;

	switch (m->kind) {
	case MEMBER_CONFIG:
	case MEMBER_DEVICES:
		want_map(d, m, n);
		break;
	case MEMBER_NAMES:
	case MEMBER_USERS:
		if (!same_names(n, m->kind == MEMBER_NAMES ? &d->v->profiles : &d->v->users))
			want_member(d, m, n);
		break;
	case MEMBER_TEXT:
		want_text(d, n, d->v->description);
		break;
	case MEMBER_BOOL:
		want_bool(d, n, d->v->ephemeral);
		break;
	case MEMBER_FACT:
	case MEMBER_LABEL:
		fact = pairs_find(&d->v->facts, m->name);
		if (fact)
			want_text(d, n, fact->value);
		break;
	default:
		break;
	}
}

static bool is_default(const struct document_member *m, const struct config_values *v)
{
	switch (m->kind) {
	case MEMBER_CONFIG:
		return !v->config.n;
	case MEMBER_DEVICES:
		return !v->devices.n;
	case MEMBER_NAMES:
		return !v->profiles.n;
	case MEMBER_TEXT:
		return !*v->description;
	case MEMBER_BOOL:
		return !v->ephemeral;
	default:
		return true;
	}
}

static bool collect(struct edits *d, enum space s, const struct tree_node *root)
{
	_cleanup_buf_ struct buf b = BUF_INIT;

	if (root->kind != TREE_MAP || !root->child)
		return false;
	for (const struct tree_node *n = root->child; n; n = n->next) {
		const struct document_member *m = document_member(s, n->key);

		if (!m)
			return false;
		want(d, m, n);
	}
	for (const struct document_member *m = document_members(s); m->name; m++)
		if (!yaml_tree_find(root, m->name) && !is_default(m, d->v))
			d->failed |= config_values_print_member(m, d->v, &b) < 0;
	if (b.len)
		append_lines(d, root, &b);
	/* One line of braces has no lines to edit. */
	return !d->failed && !(root->flow && d->n);
}

static int by_start(const void *a, const void *b)
{
	const struct text_edit *x = a, *y = b;

	if (x->start != y->start)
		return x->start < y->start ? -1 : 1;
	return x->end < y->end ? -1 : x->end > y->end;
}

static bool apply(const struct edits *d, struct buf *out)
{
	size_t at = 0;

	qsort(d->list, d->n, sizeof(*d->list), by_start);
	for (size_t i = 0; i < d->n; i++) {
		if (d->list[i].start < at)
			return false;
		buf_add(out, d->text + at, d->list[i].start - at);
		buf_addstr(out, d->list[i].text);
		at = d->list[i].end;
	}
	buf_add(out, d->text + at, d->len - at);
	return !out->failed;
}

/* Whether the text says v; else the edits that may make it so. -EINVAL: none can. */
static int compare(enum space s, const char *text, size_t len, const struct config_values *v, struct edits *d)
{
	_cleanup_tree_ struct tree_node *root = NULL;

	*d = (struct edits){ .text = text, .len = len, .v = v };
	if (yaml_tree_parse(text, len, &root, NULL) < 0 || !collect(d, s, root))
		return -EINVAL;
	return d->n == 0;
}

bool config_text_update(enum space s, const char *text, size_t len, const struct config_values *v, struct buf *out)
{
	__attribute__((cleanup(edits_free))) struct edits d = { .n = 0 }, left = { .n = 0 };
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = compare(s, text, len, v, &d);

	if (r == 1) {
		buf_add(out, text, len);
		return true;
	}
	if (r < 0 || !apply(&d, &b) || compare(s, buf_str(&b), b.len, v, &left) != 1)
		return false;
	buf_add(out, b.data, b.len);
	return true;
}
