// SPDX-License-Identifier: LGPL-2.1-or-later
/* Devices of containers, whatever their type: see device.h. */
#include "backends/lxc/device.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/watch.h"
#include "backends/lxc/device_record.h"
#include "backends/lxc/disk_rates.h"
#include "backends/lxc/root_size.h"
#include "backends/lxc/start_nics.h"

static const struct device_ops *const table[] = { &disk_ops, &nic_ops, &proxy_ops, &unix_block_ops, &unix_char_ops, &unix_hotplug_ops };

static const struct device_ops *ops_of(const char *text, size_t len)
{
	char type[32];

	if (!device_get(text, len, "type", type, sizeof(type)))
		return NULL;
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		if (!strcmp(table[i]->type, type))
			return table[i];
	return NULL;
}

/* ---- for the types ---- */

static const char *value_in(const char *text, size_t len, const char *key, char *buf, size_t size)
{
	if (!device_get(text, len, key, buf, size))
		buf[0] = '\0';
	return buf;
}

const char *device_value(const struct device *d, const char *key, char *buf, size_t size)
{
	return value_in(d->text, d->len, key, buf, size);
}

const char *device_fact(const struct device *d, const char *key, char *buf, size_t size)
{
	return value_in(buf_str(&d->facts), d->facts.len, key, buf, size);
}

void device_drop_fact(struct device *d, const char *key)
{
	_cleanup_buf_ struct buf old = d->facts;
	size_t n = strlen(key);

	d->facts = (struct buf)BUF_INIT;
	for (const char *p = buf_str(&old), *nl; (nl = strchr(p, '\n')); p = nl + 1)
		if (strncmp(p, key, n) != 0 || p[n] != '=')
			buf_add(&d->facts, p, (size_t)(nl + 1 - p));
}

void device_set_fact(struct device *d, const char *key, const char *fmt, ...)
{
	char value[8400];
	va_list ap;

	device_drop_fact(d, key);
	va_start(ap, fmt);
	vsnprintf(value, sizeof(value), fmt, ap);
	va_end(ap);
	buf_addf(&d->facts, "%s=%s\n", key, value);
}

bool device_is_required(const struct device *d)
{
	return device_bool(d->text, d->len, "required", true) && !device_bool(d->text, d->len, "optional", false);
}

/* ---- a device and its record ---- */

/* The map that the running container was started with, whatever is configured now. */
static int map_of(struct object *o, struct idmap *ret, struct err *e)
{
	char text[4096];

	*ret = (struct idmap) { .n_uid = 0 };
	if (!object_value(o, ENT_VOLATILE, "idmap", text, sizeof(text)) || !text[0])
		return 0;
	return idmap_parse(text, ret, e);
}

static void fill_init(struct device *d)
{
	HOLD_LOCK(&d->o->lock);
	d->init = d->o->run.init_pid;
	d->init_start = d->o->run.init_start;
}

static int note(const struct device *d, enum device_state state, const char *reason, struct err *e)
{
	struct device_record r = { .state = state, .init_start = d->init_start, .facts = d->facts };
	_cleanup_buf_ struct buf text = BUF_INIT, why = BUF_INIT;

	buf_add(&text, d->text, d->len);
	buf_addstr(&why, reason ? reason : "");
	r.text = text;
	r.reason = why;
	if (buf_error(&text) < 0 || buf_error(&why) < 0 || buf_error(&d->facts) < 0)
		return err_set(e, ENOMEM, "no memory to record the device %s", d->name);
	return device_record_write(d->place, d->name, &r, e);
}

int device_note(const struct device *d, struct err *e)
{
	return note(d, RECORD_BUSY, NULL, e);
}

/* Makes the device of prepare() or attach(), whose result is written down; when it fails nothing is left. */
static int make(struct device *d, const struct device_ops *ops, int (*f)(struct device *d, struct err *e), struct err *e)
{
	struct err why = ERR_INIT;
	int r = note(d, RECORD_BUSY, NULL, e);

	if (r < 0)
		return r;
	r = f(d, &why);
	if (r >= 0)
		r = note(d, r ? RECORD_MISSING : RECORD_ATTACHED, why.text, &why);
	if (r >= 0)
		return 0;
	ops->detach(d, NULL);
	device_record_remove(d->place, d->name);
	return err_set(e, why.code, "device %s: %s", d->name, why.text);
}

/* Takes away what a record tells of, and the record. */
static int take(struct device *d, const struct device_record *rec, struct err *e)
{
	const struct device_ops *ops;
	int r;

	d->text = buf_str(&rec->text);
	d->len = rec->text.len;
	buf_reset(&d->facts);
	buf_addstr(&d->facts, buf_str(&rec->facts));
	ops = ops_of(d->text, d->len);
	r = note(d, RECORD_BUSY, NULL, e);
	if (r == 0 && ops)
		r = ops->detach(d, e);
	if (r < 0) {
		device_record_write(d->place, d->name, rec, NULL);
		return err_wrap(e, "device %s", d->name), r;
	}
	device_record_remove(d->place, d->name);
	return 0;
}

/* Of all disks together. */
static int write_limits(struct object *o, const struct expanded *x, const struct place *p, bool fresh, struct err *e)
{
	int r = root_size_write(o, x, e);

	return r < 0 ? r : disk_rates_write(o, x, p->cgroup, fresh, e);
}

/* ---- start ---- */

static void note_name(struct device_start *s, const struct expanded_item *it)
{
	char name[32];
	unsigned n;
	int end;

	if (device_get(it->value, it->len, "name", name, sizeof(name)) && sscanf(name, "eth%u%n", &n, &end) == 1 && !name[end] && n < 64)
		s->used_eth |= UINT64_C(1) << n;
}

int devices_prepare(struct object *o, const struct place *p, const struct expanded *x, const struct idmap *map, struct buf *conf,
		    struct err *e)
{
	struct device_start start = { .conf = conf };
	int r = 0;

	for (size_t i = 0; i < x->n; i++)
		if (x->items[i].kind == ENT_DEVICE)
			note_name(&start, &x->items[i]);
	for (size_t i = 0; i < x->n && r == 0; i++) {
		const struct expanded_item *it = &x->items[i];
		const struct device_ops *ops = it->kind == ENT_DEVICE ? ops_of(it->value, it->len) : NULL;
		struct device d = { .o = o, .place = p, .map = map, .x = x, .name = it->name, .text = it->value, .len = it->len,
				    .start = &start };

		if (!ops)
			continue;
		if (strpbrk(it->name, "/\n\r") || it->name[0] == '.')
			return err_set(e, EINVAL, "a device has a name that is none");
		r = make(&d, ops, ops->prepare, e);
		buf_free(&d.facts);
	}
	/* Without this line liblxc would let the guest use the host's network. */
	if (r == 0 && !start.nics)
		buf_addstr(conf, "lxc.net.0.type = empty\n");
	return r;
}

/* Calls f for each record with its device; stops at the first failure. */
static int each_record(struct object *o, const struct place *p, const struct expanded *x,
		       int (*f)(struct device *d, struct device_record *rec, struct err *e), struct err *e)
{
	_cleanup_buf_ struct buf names = BUF_INIT;
	struct idmap map;
	int r = map_of(o, &map, e);

	if (r == 0)
		r = device_record_list(p, &names);
	for (char *name = names.data, *nl; r == 0 && name && (nl = strchr(name, '\n')); name = nl + 1) {
		_cleanup_device_record_ struct device_record rec = DEVICE_RECORD_INIT;
		struct device d = { .o = o, .place = p, .map = &map, .x = x, .name = name };

		*nl = '\0';
		if (device_record_read(p, name, &rec, NULL) < 0)
			continue;
		d.text = buf_str(&rec.text);
		d.len = rec.text.len;
		buf_addstr(&d.facts, buf_str(&rec.facts));
		if (x)
			fill_init(&d);
		r = f(&d, &rec, e);
		buf_free(&d.facts);
	}
	return r;
}

static int start_one(struct device *d, struct device_record *rec, struct err *e)
{
	const struct device_ops *ops = ops_of(d->text, d->len);
	int r = 0;

	if (rec->state != RECORD_ATTACHED || !ops || rec->init_start == d->init_start)
		return 0;
	if (ops->started)
		r = ops->started(d, e);
	if (r == 0)
		r = note(d, RECORD_ATTACHED, NULL, e);
	return r < 0 ? err_wrap(e, "device %s", d->name), r : 0;
}

int devices_started(struct object *o, const struct expanded *x, struct err *e)
{
	struct device now = { .o = o };
	struct place p;
	int r;

	place_of(o, &p);
	fill_init(&now);
	start_nics_renew(&p, now.init, now.init_start);
	r = each_record(o, &p, x, start_one, e);
	return r < 0 ? r : write_limits(o, x, &p, true, e);
}

static int end_one(struct device *d, struct device_record *rec, struct err *e)
{
	take(d, rec, NULL);
	return 0;
}

void devices_gone(struct object *o, const struct place *p)
{
	each_record(o, p, NULL, end_one, NULL);
	start_nics_gone(p);
}

/* ---- changes of a running container ---- */

/* An earlier server came that far already. */
static bool is_done(const struct device_record *rec, const struct expanded_item *it, uint64_t init_start)
{
	return rec->state == RECORD_ATTACHED && rec->init_start == init_start && rec->text.len == it->len &&
	       !memcmp(buf_str(&rec->text), it->value, it->len);
}

static int renew_limits(const struct device *d, const struct device_ops *ops, struct err *e)
{
	return ops == &disk_ops ? write_limits(d->o, d->x, d->place, false, e) : 0;
}

static int attach(struct device *d, const struct expanded_item *it, struct device_record *rec, bool have, struct err *e)
{
	_cleanup_device_record_ struct device_record made = DEVICE_RECORD_INIT;
	const struct device_ops *ops = ops_of(it->value, it->len);
	int r = 0;

	if (have && is_done(rec, it, d->init_start))
		return 0;
	if (!ops || !ops->attach)
		return err_set(e, EOPNOTSUPP, "device %s: devices of this type are attached at the next start", d->name);
	if (have)
		r = take(d, rec, e);
	if (r < 0)
		return r;
	d->text = it->value;
	d->len = it->len;
	buf_reset(&d->facts);
	r = make(d, ops, ops->attach, e);
	if (r == 0)
		r = renew_limits(d, ops, e);
	if (r < 0 && device_record_read(d->place, d->name, &made, NULL) == 0)
		take(d, &made, NULL);
	return r;
}

static int change(struct device *d, const struct expanded_item *before, const struct expanded_item *after, const struct device_record *rec,
		  struct err *e)
{
	const struct device_ops *ops = ops_of(after->value, after->len);
	int r = 0;

	d->text = after->value;
	d->len = after->len;
	buf_addstr(&d->facts, buf_str(&rec->facts));
	if (rec->state == RECORD_ATTACHED && ops && ops->change)
		r = ops->change(d, before->value, before->len, e);
	if (r == 0)
		r = renew_limits(d, ops, e);
	if (r == 0)
		r = note(d, rec->state, buf_str(&rec->reason), e);
	return r < 0 ? err_wrap(e, "device %s", d->name), r : 0;
}

int device_apply(struct object *o, const struct expanded_item *before, const struct expanded_item *after, const struct expanded *now,
		 struct err *e)
{
	_cleanup_device_record_ struct device_record rec = DEVICE_RECORD_INIT;
	struct place p;
	struct idmap map;
	/* cppcheck-suppress nullPointerRedundantCheck ; one of the two is always there */
	struct device d = { .o = o, .place = &p, .map = &map, .x = now, .name = after ? after->name : before->name };
	bool have;
	int r = map_of(o, &map, e);

	if (r < 0)
		return r;
	place_of(o, &p);
	fill_init(&d);
	if (!d.init)
		return 0;
	have = device_record_read(&p, d.name, &rec, NULL) == 0;
	if (!after) {
		r = have ? take(&d, &rec, e) : 0;
		if (r == 0)
			renew_limits(&d, ops_of(before->value, before->len), NULL);
	} else if (before && have) {
		r = change(&d, before, after, &rec, e);
	} else {
		r = attach(&d, after, &rec, have, e);
	}
	buf_free(&d.facts);
	if (r == 0)
		object_changed(o, CHANGED_RUNTIME);
	return r;
}

static void complain(struct object *o, int r, const struct err *e)
{
	if (r < 0)
		object_error_set(o, e);
}

/* It reboots, or somebody is about to see its end. */
static bool has_ended(const struct device *d)
{
	_cleanup_close_ int pidfd = process_open(d->init, d->init_start);

	return pidfd < 0 || watch_wait(pidfd, 0);
}

static int renew_one(struct device *d, struct device_record *rec, struct err *e)
{
	const struct device_ops *ops = ops_of(d->text, d->len);
	int r, saved;

	if (rec->state != RECORD_ATTACHED || !ops || !ops->renew || rec->init_start != d->init_start || has_ended(d))
		return 0;
	r = ops->renew(d, e);
	if (!r)
		return 0;
	saved = note(d, RECORD_ATTACHED, NULL, r < 0 ? NULL : e);
	object_changed(d->o, CHANGED_RUNTIME);
	r = r < 0 ? r : saved;
	return r < 0 ? err_wrap(e, "device %s", d->name), r : 0;
}

void devices_renew(struct object *o)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	struct err e = ERR_INIT;
	struct place p;

	if (config_expand(o, &x, NULL) < 0)
		return;
	place_of(o, &p);
	complain(o, each_record(o, &p, &x, renew_one, &e), &e);
}

/* ---- takeover ---- */

static int adopt_one(struct device *d, struct device_record *rec, struct err *e)
{
	const struct expanded_item *it = expanded_find(d->x, ENT_DEVICE, d->name);

	/* what is configured is true: a change that was cut off before it was saved is undone here, and comes again with its request */
	if (rec->state != RECORD_BUSY && it && device_effect(d->text, d->len, it->value, it->len) != DEVICE_AGAIN)
		return 0;
	if (rec->state != RECORD_BUSY && !it && device_effect(d->text, d->len, NULL, 0) != DEVICE_AGAIN)
		return 0;
	return take(d, rec, e);
}

static int adopt_item(struct object *o, const struct place *p, const struct expanded_item *it, const struct expanded *x, struct err *e)
{
	_cleanup_device_record_ struct device_record rec = DEVICE_RECORD_INIT;
	struct expanded_item was = { .kind = ENT_DEVICE, .name = it->name };

	if (device_record_read(p, it->name, &rec, NULL) < 0)
		return device_effect(NULL, 0, it->value, it->len) == DEVICE_AGAIN ? device_apply(o, NULL, it, x, e) : 0;
	was.value = rec.text.data;
	was.len = rec.text.len;
	if (!was.value || device_effect(was.value, was.len, it->value, it->len) != DEVICE_LIVE)
		return 0;
	return device_apply(o, &was, it, x, e);
}

void devices_adopt(struct object *o)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	struct err e = ERR_INIT;
	struct place p;
	int r;

	if (config_expand(o, &x, NULL) < 0)
		return;
	place_of(o, &p);
	r = each_record(o, &p, &x, adopt_one, &e);
	complain(o, r, &e);
	for (size_t i = 0; i < x.n; i++) {
		if (x.items[i].kind == ENT_DEVICE)
			complain(o, adopt_item(o, &p, &x.items[i], &x, &e), &e);
	}
	r = devices_started(o, &x, &e);
	complain(o, r, &e);
	complain(o, each_record(o, &p, &x, renew_one, &e), &e);
}

/* ---- showing ---- */

static void print_facts(const struct device_record *rec, struct buf *out)
{
	for (const char *p = buf_str(&rec->facts), *nl; (nl = strchr(p, '\n')); p = nl + 1)
		if (*p != '.')
			buf_addf(out, " %.*s", (int)(nl - p), p);
}

int device_show(struct object *o, const char *name, struct buf *out, struct err *e)
{
	_cleanup_device_record_ struct device_record rec = DEVICE_RECORD_INIT;
	const struct device_ops *ops;
	struct place p;
	int r;

	place_of(o, &p);
	if (!name)
		return device_record_list(&p, out);
	r = device_record_read(&p, name, &rec, e);
	if (r < 0)
		return r;
	if (rec.state == RECORD_MISSING) {
		buf_addf(out, "missing: %s\n", buf_str(&rec.reason));
		return 0;
	}
	buf_addstr(out, rec.state == RECORD_BUSY ? "changing" : "attached");
	print_facts(&rec, out);
	buf_addch(out, '\n');
	ops = ops_of(buf_str(&rec.text), rec.text.len);
	if (rec.state == RECORD_ATTACHED && ops && ops->describe) {
		struct device d = { .o = o, .place = &p, .name = name, .text = buf_str(&rec.text), .len = rec.text.len, .facts = rec.facts };

		r = ops->describe(&d, out, e);
	}
	return r;
}
