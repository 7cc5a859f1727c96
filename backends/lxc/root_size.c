// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/lxc/root_size.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "backends/core/device.h"
#include "backends/core/storage.h"
#include "backends/core/value.h"

#define NOT_HELD "size is not enforced: "

/* The device that is the root disk, if it has a size. */
static const struct expanded_item *find(const struct expanded *x, uint64_t *bytes)
{
	char text[DEVICE_VALUE_MAX + 1];

	for (size_t i = 0; i < x->n; i++) {
		const struct expanded_item *it = &x->items[i];

		if (it->kind != ENT_DEVICE || !device_get(it->value, it->len, "path", text, sizeof(text)) || text[strspn(text, "/")])
			continue;
		return device_get(it->value, it->len, "size", text, sizeof(text)) && value_size(text, bytes, NULL) == 0 ? it : NULL;
	}
	return NULL;
}

static int limit(struct object *o, const uint64_t *bytes, struct err *e)
{
	const struct storage_ops *ops;
	struct volume v;
	int r = storage_volume(o, NULL, &ops, &v, e);

	return r < 0 ? r : ops->limit(&v, bytes, e);
}

int root_size_write(struct object *o, const struct expanded *x, struct err *e)
{
	struct err why = ERR_INIT;
	uint64_t bytes = 0;
	int r;

	find(x, &bytes);
	r = limit(o, &bytes, &why);
	return r == 0 || r == -EOPNOTSUPP ? 0 : err_set(e, why.code, "size: %s", why.text);
}

void root_size_describe(struct object *o, const char *name, struct buf *out)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	const struct expanded_item *it;
	const struct storage_ops *ops;
	uint64_t bytes, used;
	struct err why = ERR_INIT;
	struct volume v;
	int r;

	if (config_expand(o, &x, NULL) < 0)
		return;
	it = find(&x, &bytes);
	if (!it || strcmp(it->name, name) != 0)
		return;
	r = limit(o, NULL, &why);
	if (r < 0)
		buf_addf(out, NOT_HELD "%s\n", why.text);
	else if (storage_volume(o, NULL, &ops, &v, NULL) == 0 && ops->usage(&v, &used, &bytes, NULL) == 0)
		buf_addf(out, "size: %" PRIu64 " bytes, %" PRIu64 " used\n", bytes, used);
}

void root_size_warnings(struct object *o, const struct expanded *x, struct buf *out)
{
	struct err why = ERR_INIT;
	uint64_t bytes;
	const struct expanded_item *it = find(x, &bytes);

	if (it && limit(o, NULL, &why) < 0)
		buf_addf(out, "devices/%s: " NOT_HELD "%s\n", it->name, why.text);
}
