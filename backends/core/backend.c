// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The list of backends, and the only way to call them: wrappers that see to it that both sides keep the contract. The list is
 * set once before there are threads and never changes; there is no lock.
 */
#include "backends/core/backend.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/exec.h"

#define BACKENDS_MAX 8

static const struct backend_ops *usable[BACKENDS_MAX];	/* the default one first */
static size_t n_usable;
static char why_no_vm[256];		/* the backends for virtual machines that are not usable, and why */

int backend_unsupported(struct object *o, const char *what, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "this backend (%s) cannot %s", o->backend ? o->backend->name : "none", what);
}

int backend_no_machine(struct object *o, struct proc_machine *ret, struct err *e)
{
	return backend_unsupported(o, "tell of a machine", e);
}

static bool complete(const struct backend_ops *b)
{
	return b->name && b->probe && b->start && b->stop && b->freeze && b->thaw && b->apply && b->adopt && b->usage &&
	       b->addresses && b->effective && b->machine && b->console_read && b->console_write && b->tty && b->log && b->exec_start &&
	       b->exec_kill && b->exec_adopt && b->forget;
}

static int probe_one(const struct backend_ops *b, bool wanted, struct buf *version, struct err *e)
{
	struct err why = ERR_INIT;
	int r;

	if (!complete(b))
		return err_set(e, EINVAL, "the table of the backend %s has empty entries", b->name ? b->name : "without a name");
	r = b->probe(version, &why);
	if (r < 0 && wanted) {
		if (e)
			*e = why;
		return r;
	}
	if (r < 0) {
		if (version)
			buf_addf(version, "%s not usable: %s\n", b->name, why.text);
		if (b->caps & BACKEND_VM)
			snprintf(why_no_vm, sizeof(why_no_vm), ": %.200s", why.text);
		return 0;
	}
	usable[n_usable++] = b;
	return 0;
}

int backend_init(const struct backend_ops *const *list, const char *default_name, struct buf *version, struct err *e)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	const struct backend_ops *const *b;
	int r;

	n_usable = 0;
	for (b = list; *b; b++)
		if (!strcmp((*b)->name, default_name)) {
			r = probe_one(*b, true, version, e);
			if (r < 0)
				return r;
		}
	for (b = list; *b; b++) {
		buf_addf(&names, "%s%s", names.len ? ", " : "", (*b)->name);
		if (!strcmp((*b)->name, default_name) || n_usable == BACKENDS_MAX)
			continue;
		r = probe_one(*b, false, version, e);
		if (r < 0)
			return r;
	}
	if (!n_usable || strcmp(usable[0]->name, default_name) != 0) {
		n_usable = 0;
		return err_set(e, EINVAL, "there is no backend \"%s\"; there are: %s", default_name, buf_str(&names));
	}
	return 0;
}

const struct backend_ops *backend_for(const char *type)
{
	unsigned cap;

	if (!strcmp(type, "container"))
		cap = BACKEND_CONTAINER;
	else if (!strcmp(type, "virtual-machine"))
		cap = BACKEND_VM;
	else
		return NULL;
	for (size_t i = 0; i < n_usable; i++)
		if (usable[i]->caps & cap)
			return usable[i];
	return NULL;
}

int backend_missing(const char *type, struct err *e)
{
	return err_set(e, EOPNOTSUPP, "this daemon has no backend for instances of the type %s%s", type,
		       strcmp(type, "virtual-machine") ? "" : why_no_vm);
}

unsigned backend_caps(struct object *o)
{
	return o->backend ? o->backend->caps : 0;
}

static int no_backend(struct object *o, struct err *e)
{
	char type[32];

	return backend_missing(object_value(o, ENT_FIELD, "type", type, sizeof(type)) ? type : "container", e);
}

/* Every failure has a code and a sentence, success has neither; max is the largest result that means success. */
static int checked(struct object *o, const char *what, int r, int max, struct err *e)
{
	if (r >= 0) {
		if (e)
			err_clear(e);
		return r > max ? max : r;
	}
	if (e && (!e->code || !e->text[0]))
		return err_sys(e, -r, "%s: the backend %s could not %s it", o->name, o->backend->name, what);
	return r;
}

#define CALL(entry, what, max, ...) \
	(o->backend ? checked(o, what, o->backend->entry(__VA_ARGS__), max, e) : no_backend(o, e))

int backend_start(struct object *o, const struct expanded *x, struct op *op, struct err *e)
{
	return CALL(start, "start", 0, o, x, op, e);
}

int backend_stop(struct object *o, struct op *op, struct err *e)
{
	return CALL(stop, "stop", 0, o, op, e);
}

int backend_freeze(struct object *o, struct op *op, struct err *e)
{
	return CALL(freeze, "freeze", 0, o, op, e);
}

int backend_thaw(struct object *o, struct op *op, struct err *e)
{
	return CALL(thaw, "thaw", 0, o, op, e);
}

int backend_apply(struct object *o, const struct key *k, const char *name, const char *value, const struct expanded *now,
		  struct err *e)
{
	return CALL(apply, "configure", 0, o, k, name, value, now, e);
}

int backend_device(struct object *o, const struct expanded_item *before, const struct expanded_item *after,
		   const struct expanded *now, struct err *e)
{
	return CALL(device, "change a device of", 0, o, before, after, now, e);
}

int backend_device_show(struct object *o, const char *name, struct buf *out, struct err *e)
{
	return CALL(device_show, "look at the devices of", 0, o, name, out, e);
}

int backend_adopt(struct object *o, struct err *e)
{
	return CALL(adopt, "adopt", 1, o, e);
}

int backend_usage(struct object *o, const char *item, struct buf *out, struct err *e)
{
	return CALL(usage, "measure", 0, o, item, out, e);
}

int backend_addresses(struct object *o, struct buf *out, struct err *e)
{
	return CALL(addresses, "find the addresses of", 0, o, out, e);
}

int backend_effective(struct object *o, struct buf *out, struct err *e)
{
	return CALL(effective, "read the limits of", 0, o, out, e);
}

int backend_warnings(struct object *o, struct buf *out, struct err *e)
{
	return CALL(warnings, "look what cannot be enforced for", 0, o, out, e);
}

int backend_console_read(struct object *o, struct buf *out, struct err *e)
{
	return CALL(console_read, "read the console of", 0, o, out, e);
}

int backend_console_write(struct object *o, const char *data, size_t len, struct err *e)
{
	return CALL(console_write, "write to the console of", 0, o, data, len, e);
}

int backend_refresh(struct object *o, struct err *e)
{
	return CALL(refresh, "mount virtual files in", 0, o, e);
}

int backend_machine(struct object *o, struct proc_machine *ret, struct err *e)
{
	return CALL(machine, "look at", 0, o, ret, e);
}

int backend_tty(struct object *o, bool make, char *buf, size_t size, struct err *e)
{
	buf[0] = '\0';
	return CALL(tty, "find a terminal of", 0, o, make, buf, size, e);
}

int backend_log(struct object *o, struct buf *out, struct err *e)
{
	return CALL(log, "read the log of", 0, o, out, e);
}

int backend_exec_start(struct object *o, struct exec_request *x, struct err *e)
{
	return CALL(exec_start, "start a command in", 0, o, x, e);
}

int backend_exec_kill(struct object *o, struct exec_request *x, struct err *e)
{
	return CALL(exec_kill, "kill a command in", 0, o, x, e);
}

int backend_exec_adopt(struct object *o, struct exec_request *x, struct err *e)
{
	return CALL(exec_adopt, "watch a command in", 0, o, x, e);
}

void backend_forget(struct object *o)
{
	if (o->backend)
		o->backend->forget(o);
}
