/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A YAML document as a tree of maps, lists and texts, each with the place where it stands, so that messages can name lines and single
 * values can be replaced in the text. For configuration that people and tools write: one document, keys are texts and stand
 * once in their map; anchors, aliases and tags are refused, and so is what is deeper or larger than any configuration.
 *
 * Pure functions; whatever the bytes are, they return an error with a line or a tree.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "backends/core/err.h"

#define YAML_TREE_SIZE_MAX (1u << 20)	/* bytes */
#define YAML_TREE_DEPTH_MAX 16
#define YAML_TREE_NODES_MAX 5000

enum tree_kind { TREE_TEXT, TREE_MAP, TREE_LIST };

struct tree_node {
	enum tree_kind kind;
	bool flow;			/* a map or list in braces */
	bool plain;			/* a text without quotes: may be null, true, 1 */
	unsigned line;			/* where its key, or an item of a list its value, begins; from 1 */
	unsigned column;		/* of the same, from 0 */
	size_t start, end;		/* bytes of the value in the text */
	size_t key_start;
	char *key;			/* NULL: an item of a list, or the root */
	char *text;			/* TREE_TEXT: the value, NUL behind it and never inside */
	size_t n;			/* children */
	struct tree_node *child, *next;
};

/* EINVAL (the sentence begins with a line), EFBIG. An empty document is an empty text. */
int yaml_tree_parse(const char *text, size_t len, struct tree_node **ret, struct err *e);
struct tree_node *yaml_tree_free(struct tree_node *n);
static inline void cleanup_tree(struct tree_node **n) { yaml_tree_free(*n); }
#define _cleanup_tree_ __attribute__((cleanup(cleanup_tree)))

const struct tree_node *yaml_tree_find(const struct tree_node *map, const char *key);
/* Nothing, or the null that stands for it. */
bool yaml_tree_is_null(const struct tree_node *n);
