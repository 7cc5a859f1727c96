// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Devices of type unix-hotplug: whatever nodes belong to hardware with these ids now, each given and taken as a unix-char or unix-block
 * device is. A fact per node, "c188:0=/dev/ttyUSB0", tells which ones the container has; it is written down before the node is made.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/lxc/device.h"
#include "backends/lxc/hotplug.h"
#include "backends/lxc/renew.h"

#define SYSFS "/sys"
#define KEY_SIZE 32

/* ---- one node ---- */

static void copy_property(const struct device *d, const char *key, struct buf *text)
{
	char value[32];

	if (*device_value(d, key, value, sizeof(value)))
		buf_addf(text, "%s=%s\n", key, value);
}

/* A device of its own, as far as it is concerned. key: c188:0 */
struct part {
	struct device d;
	const struct device_ops *ops;
	char name[128];
	struct buf text;
};

static void part_free(struct part *p)
{
	buf_free(&p->text);
	buf_free(&p->d.facts);
}

static int part_of(const struct device *d, const char *key, const char *path, struct part *ret, struct err *e)
{
	unsigned major = 0, minor = 0;
	char made_key[KEY_SIZE + 8], made[4];
	struct device copy = *d;

	sscanf(key + 1, "%u:%u", &major, &minor);
	copy.facts = (struct buf)BUF_INIT;
	*ret = (struct part){ .d = copy, .text = BUF_INIT, .ops = *key == 'b' ? &unix_block_ops : &unix_char_ops };
	snprintf(ret->name, sizeof(ret->name), "%.80s:%.31s", d->name, key);
	buf_addf(&ret->text, "type=%s\npath=%s\nmajor=%u\nminor=%u\n", ret->ops->type, path, major, minor);
	copy_property(d, "uid", &ret->text);
	copy_property(d, "gid", &ret->text);
	copy_property(d, "mode", &ret->text);
	ret->d.name = ret->name;
	ret->d.text = buf_str(&ret->text);
	ret->d.len = ret->text.len;
	device_set_fact(&ret->d, "device", "%u:%u", major, minor);
	snprintf(made_key, sizeof(made_key), ".made.%s", key);
	if (*device_fact(d, made_key, made, sizeof(made)))
		device_set_fact(&ret->d, ".made", "%s", made);
	return buf_error(&ret->text) < 0 ? err_set(e, ENOMEM, "no memory for the node %s", path) : 0;
}

static int give(struct device *d, const char *key, const char *path, struct err *e)
{
	__attribute__((cleanup(part_free))) struct part p;
	char made_key[KEY_SIZE + 8], made[4];
	int r = part_of(d, key, path, &p, e);

	if (r < 0)
		return r;
	device_set_fact(d, key, "%s", path);
	r = device_note(d, e);
	if (r == 0)
		r = p.ops->attach(&p.d, e);
	if (r < 0) {
		device_drop_fact(d, key);
		return err_wrap(e, "%s", path), r;
	}
	snprintf(made_key, sizeof(made_key), ".made.%s", key);
	if (*device_fact(&p.d, ".made", made, sizeof(made)))
		device_set_fact(d, made_key, "%s", made);
	return 0;
}

static int withdraw(struct device *d, const char *key, const char *path, struct err *e)
{
	__attribute__((cleanup(part_free))) struct part p;
	char made_key[KEY_SIZE + 8];
	int r = part_of(d, key, path, &p, e);

	if (r == 0)
		r = p.ops->detach(&p.d, e);
	if (r < 0)
		return err_wrap(e, "%s", path), r;
	snprintf(made_key, sizeof(made_key), ".made.%s", key);
	device_drop_fact(d, made_key);
	device_drop_fact(d, key);
	return 0;
}

/* ---- all of them ---- */

static int add_node(const struct hotplug_node *n, void *arg)
{
	buf_addf(arg, "%c%u:%u=%s\n", n->block ? 'b' : 'c', n->major, n->minor, n->path);
	return 0;
}

/* What is plugged in, a line as the fact of it for each node. */
static int find_nodes(const struct device *d, struct buf *ret, struct err *e)
{
	char vendor[8], product[8];

	hotplug_each(SYSFS, device_value(d, "vendorid", vendor, sizeof(vendor)), device_value(d, "productid", product, sizeof(product)),
		     add_node, ret);
	return buf_error(ret) < 0 ? err_set(e, ENOMEM, "no memory for a list of nodes") : 0;
}

/* Calls f for each line of list that is a node's and not in `other`. */
static int each_missing(struct device *d, const char *list, const struct buf *other,
			int (*f)(struct device *d, const char *key, const char *path, struct err *e), struct err *e)
{
	char key[KEY_SIZE], path[256], is[256];
	int r = 0;

	for (const char *p = list, *nl; r == 0 && (nl = strchr(p, '\n')); p = nl + 1) {
		if (sscanf(p, "%31[bc0-9:]=%255[^\n]", key, path) != 2)
			continue;
		if (!device_get(buf_str(other), other->len, key, is, sizeof(is)) || strcmp(is, path) != 0)
			r = f(d, key, path, e);
	}
	return r;
}

/* Makes what the container has to be what is plugged in. 0: nothing changed, 1, -errno. */
static int reconcile(struct device *d, const struct buf *wanted, struct err *e)
{
	_cleanup_buf_ struct buf have = BUF_INIT;
	int r;

	buf_add(&have, d->facts.data, d->facts.len);
	r = each_missing(d, buf_str(&have), wanted, withdraw, e);
	if (r == 0)
		r = each_missing(d, buf_str(wanted), &have, give, e);
	return r < 0 ? r : have.len != d->facts.len || (have.len && memcmp(have.data, d->facts.data, have.len) != 0);
}

/* What comes from here on is seen: the socket is there before anybody looks. */
static int renew(struct device *d, struct err *e)
{
	_cleanup_buf_ struct buf wanted = BUF_INIT;
	int r = hotplug_watch(renew_all, e);

	if (r == 0)
		r = find_nodes(d, &wanted, e);
	return r < 0 ? r : reconcile(d, &wanted, e);
}

static int check_required(const struct device *d, struct err *e)
{
	_cleanup_buf_ struct buf nodes = BUF_INIT;
	int r = find_nodes(d, &nodes, e);

	if (r < 0 || nodes.len || !device_bool(d->text, d->len, "required", false))
		return r;
	return err_set(e, ENODEV, "no device with these ids is plugged in; required=false starts without");
}

static int prepare(struct device *d, struct err *e)
{
	return check_required(d, e);
}

static int detach(struct device *d, struct err *e)
{
	const struct buf none = BUF_INIT;
	int r = reconcile(d, &none, e);

	return r < 0 ? r : 0;
}

/* After a reboot the container has none of what it had. */
static int started(struct device *d, struct err *e)
{
	int r = detach(d, e);

	if (r == 0)
		r = renew(d, e);
	return r < 0 ? r : 0;
}

static int attach(struct device *d, struct err *e)
{
	int r = check_required(d, e);

	if (r == 0)
		r = renew(d, e);
	return r < 0 ? r : 0;
}

static int describe(struct device *d, struct buf *out, struct err *e)
{
	if (!d->facts.len)
		buf_addstr(out, "nothing with these ids is plugged in\n");
	return 0;
}

const struct device_ops unix_hotplug_ops = {
	.type = "unix-hotplug", .prepare = prepare, .started = started, .attach = attach, .detach = detach, .renew = renew,
	.describe = describe,
};
