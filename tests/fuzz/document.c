// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Any bytes as a document: no crash, marks inside of the text, a refusal has a line; and as a kept text that is put right: what comes
 * out says the values, or nothing does.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/config_text.h"
#include "backends/core/yaml_tree.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_marks(const struct tree_node *n, size_t size)
{
	for (; n; n = n->next) {
		if (n->start > size || n->end > size || n->start > n->end || n->key_start > n->start || !n->line)
			abort();
		check_marks(n->child, size);
	}
}

static void put_right(const char *text, size_t size)
{
	_cleanup_values_ struct config_values v = { .description = strdup("words"), .ephemeral = true };
	_cleanup_buf_ struct buf once = BUF_INIT, twice = BUF_INIT;

	pairs_add(&v.config, "limits.cpu", "2", 1, 0);
	pairs_add(&v.config, "user.x", "a\nb", 3, 0);
	pairs_add(&v.devices, "eth0", "type=nic\nname=eth0\n", 19, 0);
	pairs_add(&v.profiles, "default", "", 0, 0);
	if (!config_text_update(SPACE_INSTANCES, text, size, &v, &once))
		return;
	if (!config_text_update(SPACE_INSTANCES, buf_str(&once), once.len, &v, &twice) || once.len != twice.len ||
	    memcmp(once.data, twice.data, once.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_tree_ struct tree_node *root = NULL;
	struct err e = ERR_INIT;
	int r = yaml_tree_parse((const char *)data, size, &root, &e);

	if ((r < 0) != !!e.text[0] || (r == -EINVAL && strncmp(e.text, "line ", 5) != 0))
		abort();
	check_marks(root, size);
	if (r == 0)
		put_right((const char *)data, size);
	return 0;
}
