// SPDX-License-Identifier: LGPL-2.1-or-later
/* The files of a network. */
#include "backends/core/network.h"

#include <errno.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "fs/dirs.h"
#include "fs/top.h"

/* ---- used_by/ ---- */

struct user_find {
	const struct view *dir;
	const char *want;
	list_fn emit;
	void *arg;
	uint64_t after;
	uint32_t found;
	char name[NAME_LEN_MAX + 20];
};

/* A link's number is the id of the instance that it leads to; ids that do not fit in a slot are folded. */
static uint32_t user_slot(uint32_t id)
{
	return id & NODE_SLOT_MAX ? id & NODE_SLOT_MAX : 1;
}

static uint64_t user_ino(const struct view *dir, uint32_t id)
{
	return view_row_ino(dir->o, user_slot(id), ROW_NET_USER_LINK);
}

static int consider_user(uint32_t id, const char *name, void *arg)
{
	struct user_find *f = arg;

	if (f->emit)
		return id > f->after ? f->emit(f->arg, id, name, user_ino(f->dir, id), S_IFLNK) : 0;
	if (f->want ? strcmp(f->want, name) : user_slot(id) != f->dir->node.slot)
		return 0;
	f->found = id;
	snprintf(f->name, sizeof(f->name), "%s", name);
	return 1;
}

static int user_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	struct user_find f = { .dir = dir, .want = name };

	network_each_user(dir->o, consider_user, &f);
	*ino = user_ino(dir, f.found);
	return f.found ? 0 : -ENOENT;
}

static int user_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	struct user_find f = { .dir = dir, .emit = emit, .arg = arg, .after = after };

	return network_each_user(dir->o, consider_user, &f);
}

static int show_user(struct view *v, struct buf *out, struct err *e)
{
	struct user_find f = { .dir = v };

	network_each_user(v->o, consider_user, &f);
	if (!f.found)
		return -ESTALE;
	buf_addf(out, "../../../instances/%s", f.name);
	return 0;
}

static const struct children user_children = { .dynamic = true, .lookup = user_lookup, .list = user_list };
static const struct row user_rows[] = {
	{ .id = ROW_NET_USER_LINK, .mode = S_IFLNK | 0777, .flags = ROW_VOLATILE_ALWAYS, .show = show_user,
	  .doc = "link to an instance that has a nic on it" },
	{ 0 },
};
static const struct dir users_dir = { user_rows, &user_children };

/* ---- facts ---- */

static int show_state(struct view *v, struct buf *out, struct err *e)
{
	return network_print_state(v->o, out, e);
}

static int show_leases(struct view *v, struct buf *out, struct err *e)
{
	return network_print_leases(v->o, out, e);
}

static const struct row rows[] = {
	{ .id = ROW_NET_DESCRIPTION, .name = "description", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES, .flags = ROW_FIELD,
	  .doc = "free text" },
	{ .id = ROW_NET_CONFIG_YAML, .name = "config.yaml", .mode = S_IFREG | 0644, .deps = CHANGED_ENTRIES | CHANGED_NAME, .show = show_yaml,
	  .flags = ROW_VOLATILE_ALWAYS | ROW_FIELD | ROW_DOCUMENT | ROW_TEXT,
	  .doc = "the whole network, as lxc network show prints it; written as a whole it sets description and config at once" },
	{ .id = ROW_NET_CONFIG, .name = "config", .mode = S_IFDIR | 0755, .deps = CHANGED_ENTRIES, .dir = &config_dir,
	  .doc = "one configured key per file; a change takes effect at once" },
	{ .id = ROW_NET_VOLATILE, .name = "volatile", .mode = S_IFDIR | 0555, .deps = CHANGED_ENTRIES, .dir = &volatile_dir,
	  .doc = "what was chosen: bridge.hwaddr, and the subnets of auto" },
	{ .id = ROW_NET_STATE, .name = "state", .mode = S_IFREG | 0444, .flags = ROW_VOLATILE_ALWAYS, .show = show_state,
	  .doc = "what stands on the host, KEY VALUE per line: status, hwaddr, mtu, addresses, dnsmasq, ports" },
	{ .id = ROW_NET_LEASES, .name = "leases", .mode = S_IFREG | 0444, .flags = ROW_VOLATILE_ALWAYS, .show = show_leases,
	  .doc = "ADDRESS HWADDR NAME static|dynamic EXPIRES per line, - for what is not known" },
	{ .id = ROW_NET_USED_BY, .name = "used_by", .mode = S_IFDIR | 0555, .dir = &users_dir,
	  .doc = "links to the instances that have a nic on it" },
	{ .id = ROW_NET_ERROR, .name = "error", .mode = S_IFREG | 0444, .deps = CHANGED_ERROR, .show = show_error,
	  .doc = "the last failure, until the next success" },
	{ 0 },
};
const struct dir network_dir = { rows, &instance_children };
const struct row network_row = { .id = ROW_NETWORK, .mode = S_IFDIR | 0755, .dir = &network_dir, .doc = "a managed bridge" };
