// SPDX-License-Identifier: LGPL-2.1-or-later
/* Documents as trees: what is read, where it stands, and what is refused with which line. */
#include <errno.h>
#include <stdlib.h>

#include "backends/core/buf.h"
#include "backends/core/yaml_tree.h"
#include "tests/unit/unit.h"

static void test_places(void)
{
	static const char text[] = "\xef\xbb\xbf# \xc3\xa9\nconfig:\n  a: 'x \xc3\xa9'  # why\n  b: |\n    1\n    2\n\nlist: [p, q]\nnull_one:\n";
	_cleanup_tree_ struct tree_node *root = NULL;
	const struct tree_node *config, *a, *b, *list;
	struct err e = ERR_INIT;

	CHECK(yaml_tree_parse(text, sizeof(text) - 1, &root, &e) == 0);
	if (!root)
		return;
	config = yaml_tree_find(root, "config");
	a = yaml_tree_find(config, "a");
	b = yaml_tree_find(config, "b");
	list = yaml_tree_find(root, "list");
	CHECK(root->kind == TREE_MAP && root->n == 3 && config && config->n == 2 && config->line == 2 && !config->flow);
	CHECK(a && a->line == 3 && a->column == 2 && !a->plain && !strncmp(text + a->start, "'x \xc3\xa9'", a->end - a->start));
	CHECK(a && a->end - a->start == 6 && !strncmp(text + a->key_start, "a:", 2));
	CHECK_STR(a ? a->text : NULL, "x \xc3\xa9");
	CHECK_STR(b ? b->text : NULL, "1\n2\n");
	CHECK(b && text[b->end - 1] == '\n');
	CHECK(list && list->kind == TREE_LIST && list->flow && list->n == 2 && !list->child->key);
	CHECK(yaml_tree_is_null(yaml_tree_find(root, "null_one")) && !yaml_tree_is_null(a) && yaml_tree_is_null(NULL));
	CHECK(!yaml_tree_find(root, "a") && !yaml_tree_find(list, "p"));
}

static void test_refused(void)
{
	static const struct { const char *text, *sentence; } bad[] = {
		{ "a: 1\na: 2\n", "line 2: a stands in line 1" }, { "a: &x 1\n", "line 1: anchors" }, { "a: 1\nb: *x\n", "line 2: aliases" },
		{ "a: !!str 1\n", "line 1: tags" }, { "a: 1\n---\nb: 1\n", "line 2: a second document" }, { "? [a]\n: b\n", "line 1: a key" },
		{ "a: [1\n", "not YAML" }, { "a: 1\nb: \"\\0\"\n", "line 2: a text has a NUL" }, { "a: b\n\xff\n", "line 2: not a text" },
		{ "- &a [x, *a]\n", "line 1: anchors" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct tree_node *root = NULL;
		struct err e = ERR_INIT;

		CHECK(yaml_tree_parse(bad[i].text, strlen(bad[i].text), &root, &e) == -EINVAL && !root);
		CHECK(strstr(e.text, bad[i].sentence));
		if (!strstr(e.text, bad[i].sentence))
			fprintf(stderr, "%s: %s\n", bad[i].text, e.text);
	}
}

/* Neither depth nor length nor number takes time or memory. */
static void test_large(void)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	struct tree_node *root = NULL;
	struct err e = ERR_INIT;

	for (int i = 0; i < 500000; i++)
		buf_addstr(&b, "[");
	CHECK(yaml_tree_parse(b.data, b.len, &root, &e) == -EINVAL && strstr(e.text, "nested deeper"));
	buf_reset(&b);
	for (int i = 0; i < 100000; i++)
		buf_addf(&b, "k%d: x\n", i);
	CHECK(yaml_tree_parse(b.data, b.len, &root, &e) == -EINVAL && strstr(e.text, "more values"));
	buf_resize(&b, YAML_TREE_SIZE_MAX + 1);
	CHECK(yaml_tree_parse(b.data, b.len, &root, &e) == -EFBIG);
	CHECK(yaml_tree_parse("", 0, &root, &e) == 0 && root && yaml_tree_is_null(root));
	yaml_tree_free(root);
}

int main(void)
{
	test_places();
	test_refused();
	test_large();
	return UNIT_END();
}
