// SPDX-License-Identifier: LGPL-2.1-or-later
/* The directory runtime/devices/ of an instance: what each device became, while it runs. Names are the backend's, no state here. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/instance.h"
#include "fs/dirs.h"
#include "fs/view.h"

struct device_find {
	uint32_t slot;		/* looked for, or 0: the next one behind `after` */
	uint64_t after, best;
	char found[NAME_LEN_MAX + 1];
};

static bool device_next(struct object *o, struct device_find *f)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char name[NAME_LEN_MAX + 1];
	const char *p, *nl;

	f->best = UINT64_MAX;
	f->found[0] = '\0';
	if (!instance_is_running(o) || backend_device_show(o, NULL, &b, NULL))
		return false;
	for (p = buf_str(&b); (nl = strchr(p, '\n')); p = nl + 1) {
		uint32_t n;

		snprintf(name, sizeof(name), "%.*s", (int)(nl - p), p);
		n = node_name_slot(name);
		if (f->slot ? n == f->slot : n > f->after && n < f->best) {
			f->best = n;
			memcpy(f->found, name, sizeof(f->found));
		}
	}
	return f->found[0];
}

static int device_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	struct device_find f = { .slot = node_name_slot(name) };

	if (!device_next(dir->o, &f) || strcmp(f.found, name))
		return -ENOENT;
	*ino = view_row_ino(dir->o, f.slot, ROW_RUNTIME_DEVICE);
	return 0;
}

static int device_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	struct device_find f = { .after = after };
	int r = 0;

	while (!r && device_next(dir->o, &f)) {
		f.after = f.best;
		r = emit(arg, f.best, f.found, view_row_ino(dir->o, (uint32_t)f.best, ROW_RUNTIME_DEVICE), S_IFREG);
	}
	return r;
}

static int show_device(struct view *v, struct buf *out, struct err *e)
{
	struct device_find f = { .slot = v->node.slot };

	return device_next(v->o, &f) ? backend_device_show(v->o, f.found, out, e) : -ESTALE;
}

static const struct children runtime_device_children = { .dynamic = true, .lookup = device_lookup, .list = device_list };
static const struct row runtime_device_rows[] = {
	{ .id = ROW_RUNTIME_DEVICE, .mode = S_IFREG | 0444, .flags = ROW_VOLATILE_ALWAYS, .show = show_device,
	  .doc = "attached and what it became, or missing: and why; limits in force, one per line" },
	{ 0 },
};
const struct dir runtime_devices_dir = { runtime_device_rows, &runtime_device_children };
