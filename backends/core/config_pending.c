// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a running instance was started with, in RUNDIR/started/ID.json: it outlives the server and not the host, as the instance
 * does. No lock; the file is replaced as a whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <string.h>
#include <sys/stat.h>

#include "backends/core/backend.h"
#include "backends/core/cleanup.h"
#include "backends/core/config_plan.h"

#define STARTED_MAX (64u << 20)

static void json_cleanup(json_t **j)
{
	json_decref(*j);
}

#define _cleanup_json_ __attribute__((cleanup(json_cleanup)))

static int started_path(struct object *inst, char *buf, size_t size)
{
	int n = snprintf(buf, size, "%s/started/%u.json", model_rundir(), inst->id);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

/* ---- writing ---- */

static char *print_started(const struct expanded *x)
{
	_cleanup_json_ json_t *root = json_object();

	for (size_t i = 0; i < x->n; i++) {
		const struct expanded_item *it = &x->items[i];
		const char *member = entry_kind_name(it->kind);
		json_t *group = json_object_get(root, member);

		if (!group) {
			json_object_set_new(root, member, json_object());
			group = json_object_get(root, member);
		}
		if (json_object_set_new(group, it->name, json_stringn(it->value, it->len)) < 0)
			return NULL;
	}
	return json_dumps(root, JSON_INDENT(1));
}

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* On tmpfs, so that there is nothing to sync. */
static int replace(const char *path, const char *text)
{
	_cleanup_close_ int fd = -1;
	char tmp[600];
	int r;

	snprintf(tmp, sizeof(tmp), "%s.tmp", path);
	fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = write_all(fd, text, strlen(text));
	if (r == 0 && rename(tmp, path) < 0)
		r = -errno;
	if (r < 0)
		unlink(tmp);
	return r;
}

static int remember(struct object *inst, const struct expanded *x, struct err *e)
{
	_cleanup_free_ char *text = print_started(x);
	char path[512];
	int r = started_path(inst, path, sizeof(path));

	if (!text)
		return err_sys(e, ENOMEM, "started configuration");
	if (r == 0) {
		char *slash = strrchr(path, '/');

		*slash = '\0';
		if (mkdir(path, 0700) < 0 && errno != EEXIST)
			return err_sys(e, errno, "%s", path);
		*slash = '/';
		r = replace(path, text);
	}
	return r < 0 ? err_sys(e, -r, "%s", path) : 0;
}

int config_started(struct object *inst, const struct expanded *x, struct err *e)
{
	struct err late = ERR_INIT;
	int r = remember(inst, x, e);

	if (r == 0 && config_catch_up(inst, x, &late) < 0)
		object_error_set(inst, &late);
	return r;
}

/* ---- reading ---- */

static int add_group(struct expanded *x, json_t *root, enum entry_kind kind)
{
	const char *name;
	json_t *value;

	json_object_foreach(json_object_get(root, entry_kind_name(kind)), name, value) {
		const char *s = json_string_value(value);

		if (!s)
			continue;
		/* items has room for all: read_started() counted them */
		x->items[x->n] = (struct expanded_item){ .kind = kind, .name = strdup(name), .value = strdup(s), .len = strlen(s),
							 .source = strdup("started") };
		x->n++;
		if (!x->items[x->n - 1].name || !x->items[x->n - 1].value || !x->items[x->n - 1].source)
			return -ENOMEM;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct expanded_item *x = a, *y = b;

	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* -ENOENT: never started since the host was booted. */
static int read_started(struct object *inst, struct expanded *ret)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	_cleanup_buf_ struct buf text = BUF_INIT;
	_cleanup_json_ json_t *root = NULL;
	char path[512];
	int r;

	r = started_path(inst, path, sizeof(path));
	if (r == 0)
		r = buf_read_file(&text, -1, path, STARTED_MAX);
	if (r < 0)
		return r;
	root = json_loadb(buf_str(&text), text.len, 0, NULL);
	if (!root)
		return -EBADMSG;
	x.items = calloc(json_object_size(json_object_get(root, entry_kind_name(ENT_CONFIG))) +
				 json_object_size(json_object_get(root, entry_kind_name(ENT_DEVICE))) + 1,
			 sizeof(*x.items));
	if (!x.items || add_group(&x, root, ENT_CONFIG) < 0 || add_group(&x, root, ENT_DEVICE) < 0)
		return -ENOMEM;
	if (x.n)
		qsort(x.items, x.n, sizeof(*x.items), by_name);
	*ret = x;
	x = (struct expanded){ 0 };
	return 0;
}

static bool has_started(struct object *inst)
{
	HOLD_LOCK(&inst->lock);
	return inst->run.state != INST_STOPPED && inst->run.state != INST_ERROR && inst->run.state != INST_STARTING &&
	       inst->run.state != INST_RESTARTING;
}

/* Where limits are those of a machine that was built with them, they wait as well. */
static bool key_is_live(struct object *inst, const struct key *k)
{
	return k && k->live == KEY_LIVE && (!(k->flags & KEY_APPLY) || (backend_caps(inst) & BACKEND_LIMITS));
}

int config_print_pending(struct object *inst, struct buf *out, struct err *e)
{
	_cleanup_expanded_ struct expanded started = { 0 };
	_cleanup_plan_ struct plan p = PLAN_INIT;
	int r;

	if (!has_started(inst))
		return 0;
	r = read_started(inst, &started);
	if (r == -ENOENT)
		return 0;
	if (r < 0)
		return err_sys(e, -r, "started configuration");
	r = plan_make_since(&p, inst, &started, e);
	for (size_t i = 0; r == 0 && i < p.n_diffs; i++) {
		const struct difference *d = &p.diffs[i];
		const struct expanded_item *it = d->after ? d->after : d->before;

		if (it->kind == ENT_DEVICE) {
			if (!plan_device_is_live(&p, d) && !d->half)
				buf_addf(out, "devices/%s\n", it->name);
		} else if (!key_is_live(inst, d->key)) {
			buf_addf(out, "%s\n", it->name);
		}
	}
	return r < 0 ? r : buf_error(out);
}

/* ---- warnings ---- */

int config_print_warnings(struct object *inst, struct buf *out, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { 0 };
	int r = config_expand(inst, &x, e);

	for (size_t i = 0; r == 0 && i < x.n; i++) {
		const struct key *k = x.items[i].kind == ENT_CONFIG ? key_find(x.items[i].name) : NULL;

		if (k && k->idle)
			buf_addf(out, "%s: without effect: %s\n", x.items[i].name, k->idle);
	}
	if (r == 0 && inst->backend)
		r = backend_warnings(inst, out, e);
	return r < 0 ? r : buf_error(out);
}
