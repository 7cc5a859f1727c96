// SPDX-License-Identifier: LGPL-2.1-or-later
/* Devices of the mock: a list of lines "NAME STATE" in the keep, so that it outlives the server. Changed under o->change only. */
#include <errno.h>
#include <string.h>

#include "backends/core/keep.h"
#include "backends/mock/mock_state.h"

#define DEVICES (2ULL << 32)		/* added to the object's id: its devices in the keep */

static void list_of(struct object *o, struct buf *out)
{
	keep_get(KEEP_BACKEND, DEVICES | o->id, out);
}

static int put(struct object *o, const struct buf *list, struct err *e)
{
	if (buf_error(list) < 0 || keep_put(KEEP_BACKEND, DEVICES | o->id, buf_str(list), list->len) < 0)
		return err_set(e, ENOSPC, "no memory left to remember the devices of %s", o->name);
	return 0;
}

static void add_line(const struct expanded_item *it, struct buf *out)
{
	char type[32] = "";

	device_get(it->value, it->len, "type", type, sizeof(type));
	buf_addf(out, "%s attached type=%s\n", it->name, type);
}

/* The line of a device: where it begins and, in *len, how long it is with its newline. NULL: none. */
static const char *line_of(const struct buf *list, const char *name, size_t *len)
{
	size_t n = strlen(name);

	for (const char *p = buf_str(list), *nl; (nl = strchr(p, '\n')); p = nl + 1) {
		*len = (size_t)(nl + 1 - p);
		if (!strncmp(p, name, n) && p[n] == ' ')
			return p;
	}
	return NULL;
}

int mock_devices_start(struct object *o, const struct expanded *x, struct err *e)
{
	_cleanup_buf_ struct buf list = BUF_INIT;

	for (size_t i = 0; i < x->n; i++)
		if (x->items[i].kind == ENT_DEVICE)
			add_line(&x->items[i], &list);
	return put(o, &list, e);
}

void mock_devices_forget(struct object *o)
{
	keep_del(KEEP_BACKEND, DEVICES | o->id);
}

int mock_device(struct object *o, const struct expanded_item *before, const struct expanded_item *after, const struct expanded *now,
		struct err *e)
{
	const char *what = !before ? "attach" : after ? "change" : "detach", *line;
	_cleanup_buf_ struct buf list = BUF_INIT, out = BUF_INIT;
	const char *name = (after ? after : before)->name;
	size_t len;
	int r = mock_told_to_fail(now, what, e);

	if (r < 0)
		return r;
	list_of(o, &list);
	line = line_of(&list, name, &len);
	if (line) {
		buf_add(&out, list.data, (size_t)(line - list.data));
		buf_addstr(&out, line + len);
	} else {
		buf_addstr(&out, buf_str(&list));
	}
	if (after)
		add_line(after, &out);
	return put(o, &out, e);
}

int mock_device_show(struct object *o, const char *name, struct buf *out, struct err *e)
{
	_cleanup_buf_ struct buf list = BUF_INIT;
	const char *line;
	size_t len;

	list_of(o, &list);
	if (name) {
		line = line_of(&list, name, &len);
		if (!line)
			return err_set(e, ENOENT, "%s has no device %s", o->name, name);
		buf_add(out, line + strlen(name) + 1, len - strlen(name) - 1);
		return 0;
	}
	for (const char *p = buf_str(&list), *nl; (nl = strchr(p, '\n')); p = nl + 1)
		buf_addf(out, "%.*s\n", (int)strcspn(p, " "), p);
	return 0;
}
