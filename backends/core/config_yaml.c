// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * config.yaml as it reads: the text that was written as a whole, as long as it says what is configured, with single values put right
 * when they were changed one by one; without such a text the form that `lxc config show` and `lxc profile show` print.
 */
#include <errno.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/config_text.h"
#include "backends/core/record.h"

static void keep_text(const struct entry *ent, struct buf *ret)
{
	if (ent)
		buf_add(ret, ent->value, ent->len);
}

/* The text that was written, if any. */
static void written(struct object *o, const struct snapshot *snap, struct buf *ret)
{
	bool found;
	size_t at;

	if (snap) {
		at = entry_search(snap->entries, snap->n_entries, ENT_FIELD, CONFIG_DOCUMENT, &found);
		keep_text(found ? snap->entries[at] : NULL, ret);
		return;
	}
	HOLD_LOCK(&o->lock);
	keep_text(object_entry(o, ENT_FIELD, CONFIG_DOCUMENT), ret);
}

int config_print_yaml(struct object *o, const struct snapshot *snap, bool expanded, struct buf *out, struct err *e)
{
	_cleanup_values_ struct config_values v = { .blank = false };
	_cleanup_buf_ struct buf text = BUF_INIT;
	int r;

	if (!document_members(o->space))
		return err_set(e, EINVAL, "there is no config.yaml in %s", space_name(o->space));
	if (snap && expanded)
		return err_set(e, EINVAL, "there is no expanded config.yaml of a snapshot");
	r = config_values_get(o, snap, expanded, &v, e);
	if (r < 0)
		return r;
	if (!expanded)
		written(o, snap, &text);
	if (text.len && config_text_update(o->space, buf_str(&text), text.len, &v, out))
		return buf_error(out);
	return config_values_print(o->space, &v, out, e);
}
