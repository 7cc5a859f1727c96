// SPDX-License-Identifier: LGPL-2.1-or-later
/* Directories inside of an instance that show configuration and facts: config, devices, usage, runtime, volatile, wait. */
#include "fs/dirs.h"

#include <errno.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/config.h"
#include "backends/core/instance.h"
#include "backends/core/value.h"
#include "fs/view.h"

const struct children instance_children = { .editable = true };

static const struct children config_children = { .kind = ENT_CONFIG, .editable = true };
static const struct children device_children = { .kind = ENT_DEVICE, .editable = true };
static const struct children volatile_children = { .kind = ENT_VOLATILE };

const struct dir config_dir = { NULL, &config_children };
const struct dir devices_dir = { NULL, &device_children };
const struct dir volatile_dir = { NULL, &volatile_children };

/* ---- usage/ ---- */

static int show_usage(struct view *v, struct buf *out, struct err *e)
{
	return backend_usage(v->o, v->row->item ? v->row->item : v->row->name, out, e);
}

/* usage/network/: a file per counter and interface of the guest, while it runs. */
static const char *const net_items[] = { "rx_bytes", "rx_packets", "tx_bytes", "tx_packets" };

struct net_find {
	uint32_t slot;
	uint64_t after, best;
	char name[128], found[128];
};

static void net_consider(struct net_find *f, const char *nic, size_t len)
{
	for (size_t i = 0; i < sizeof(net_items) / sizeof(net_items[0]); i++) {
		snprintf(f->name, sizeof(f->name), "%.*s.%s", (int)len, nic, net_items[i]);
		uint32_t n = node_name_slot(f->name);

		if (f->slot ? n == f->slot : n > f->after && n < f->best) {
			f->best = n;
			memcpy(f->found, f->name, sizeof(f->found));
		}
	}
}

/* By number (slot) or the next one after a number. */
static bool net_next(struct object *o, struct net_find *f)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *p, *nl;

	f->best = UINT64_MAX;
	f->found[0] = '\0';
	if (backend_usage(o, "network", &b, NULL))
		return false;
	for (p = buf_str(&b); (nl = strchr(p, '\n')); p = nl + 1)
		net_consider(f, p, (size_t)(nl - p));
	return f->found[0];
}

static int net_lookup(struct view *dir, const char *name, uint64_t *ino)
{
	struct net_find f = { .slot = node_name_slot(name) };

	if (!net_next(dir->o, &f) || strcmp(f.found, name))
		return -ENOENT;
	*ino = view_row_ino(dir->o, f.slot, ROW_USAGE_NETWORK_ITEM);
	return 0;
}

static int net_list(struct view *dir, uint64_t after, list_fn emit, void *arg)
{
	struct net_find f = { .after = after };
	int r = 0;

	while (!r && net_next(dir->o, &f)) {
		f.after = f.best;
		r = emit(arg, f.best, f.found, view_row_ino(dir->o, (uint32_t)f.best, ROW_USAGE_NETWORK_ITEM), S_IFREG);
	}
	return r;
}

static int show_net(struct view *v, struct buf *out, struct err *e)
{
	struct net_find f = { .slot = v->node.slot };
	char item[160];

	if (!net_next(v->o, &f))
		return -ESTALE;
	snprintf(item, sizeof(item), "network/%s", f.found);
	return backend_usage(v->o, item, out, e);
}

static const struct children net_children = { .dynamic = true, .lookup = net_lookup, .list = net_list };
static const struct row net_rows[] = {
	{ .id = ROW_USAGE_NETWORK_ITEM, .mode = S_IFREG | 0444, .flags = ROW_VOLATILE_ALWAYS, .show = show_net,
	  .doc = "INTERFACE.{rx,tx}_{bytes,packets}, as the instance counts" },
	{ 0 },
};
static const struct dir net_dir = { net_rows, &net_children };
static const struct row disk_rows[] = {
	{ .id = ROW_USAGE_DISK_ITEM, .name = "root.bytes", .item = "disk/root.bytes", .mode = S_IFREG | 0444,
	  .flags = ROW_VOLATILE_RUN, .deps = CHANGED_ENTRIES | CHANGED_STATE, .show = show_usage,
	  .doc = "bytes of the root file system that are the instance's own" },
	{ .id = ROW_USAGE_DISK_LIMIT, .name = "root.limit", .item = "disk/root.limit", .mode = S_IFREG | 0444,
	  .flags = ROW_VOLATILE_RUN, .deps = CHANGED_ENTRIES | CHANGED_STATE, .show = show_usage,
	  .doc = "bytes, or max: size= of the root disk where the storage has quotas" },
	{ 0 },
};
static const struct dir disk_dir = { disk_rows, NULL };

#define USAGE(ID, NAME, DOC)                                                                                             \
	{ .id = ID, .name = NAME, .mode = S_IFREG | 0444, .flags = ROW_VOLATILE_RUN, .deps = CHANGED_STATE, .show = show_usage, \
	  .doc = DOC }
static const struct row usage_rows[] = {
	USAGE(ROW_USAGE_CPU, "cpu.usage_ns", "CPU time since the start, nanoseconds"),
	USAGE(ROW_USAGE_CPU_USER, "cpu.user_ns", "CPU time in user mode, nanoseconds"),
	USAGE(ROW_USAGE_CPU_SYSTEM, "cpu.system_ns", "CPU time in the kernel, nanoseconds"),
	USAGE(ROW_USAGE_MEMORY, "memory.current", "bytes, page cache included"),
	USAGE(ROW_USAGE_MEMORY_PEAK, "memory.peak", "highest memory.current since the start, bytes"),
	USAGE(ROW_USAGE_MEMORY_LIMIT, "memory.limit", "bytes, or max"),
	USAGE(ROW_USAGE_SWAP, "swap.current", "bytes"),
	USAGE(ROW_USAGE_PIDS, "pids.current", "processes and threads"),
	USAGE(ROW_USAGE_PIDS_LIMIT, "pids.limit", "a number, or max"),
	{ .id = ROW_USAGE_DISK, .name = "disk", .mode = S_IFDIR | 0555, .dir = &disk_dir, .doc = "disk usage by device" },
	{ .id = ROW_USAGE_NETWORK, .name = "network", .mode = S_IFDIR | 0555, .flags = ROW_VOLATILE_RUN,
	  .dir = &net_dir, .doc = "network counters by interface" },
	{ 0 },
};
const struct dir usage_dir = { usage_rows, NULL };

/* ---- runtime/ ---- */

static int show_pid(struct view *v, struct buf *out, struct err *e)
{
	HOLD_LOCK(&v->o->lock);
	if (v->o->run.init_pid)
		buf_addf(out, "%d\n", v->o->run.init_pid);
	return 0;
}

static int show_started(struct view *v, struct buf *out, struct err *e)
{
	HOLD_LOCK(&v->o->lock);
	if (v->o->run.started.tv_sec) {
		value_print_time(out, v->o->run.started.tv_sec);
		buf_addch(out, '\n');
	}
	return 0;
}

static int show_cgroup(struct view *v, struct buf *out, struct err *e)
{
	HOLD_LOCK(&v->o->lock);
	if (v->o->run.cgroup[0])
		buf_addf(out, "%s\n", v->o->run.cgroup);
	return 0;
}

static int show_addresses(struct view *v, struct buf *out, struct err *e)
{
	return instance_is_running(v->o) ? backend_addresses(v->o, out, e) : 0;
}

static int show_pending(struct view *v, struct buf *out, struct err *e)
{
	return instance_is_running(v->o) ? config_print_pending(v->o, out, e) : 0;
}

static int show_effective(struct view *v, struct buf *out, struct err *e)
{
	return instance_is_running(v->o) ? backend_effective(v->o, out, e) : 0;
}

static int show_warnings(struct view *v, struct buf *out, struct err *e)
{
	return config_print_warnings(v->o, out, e);
}

static const struct row runtime_rows[] = {
	{ .id = ROW_RUNTIME_PID, .name = "pid", .mode = S_IFREG | 0444, .deps = CHANGED_STATE, .flags = ROW_VOLATILE_RUN, .show = show_pid,
	  .doc = "process id of its init on the host; empty when stopped" },
	{ .id = ROW_RUNTIME_STARTED, .name = "started", .mode = S_IFREG | 0444, .deps = CHANGED_STATE, .flags = ROW_VOLATILE_RUN,
	  .show = show_started, .doc = "RFC 3339, UTC; empty when stopped" },
	{ .id = ROW_RUNTIME_CGROUP, .name = "cgroup", .mode = S_IFREG | 0444, .deps = CHANGED_STATE, .flags = ROW_VOLATILE_RUN,
	  .show = show_cgroup, .doc = "path of its cgroup below each hierarchy" },
	{ .id = ROW_RUNTIME_ADDRESSES, .name = "addresses", .mode = S_IFREG | 0444, .deps = CHANGED_STATE, .flags = ROW_VOLATILE_RUN,
	  .show = show_addresses, .doc = "INTERFACE inet|inet6 ADDRESS/PREFIX, one per line" },
	{ .id = ROW_RUNTIME_PENDING, .name = "pending", .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES | CHANGED_STATE,
	  .flags = ROW_VOLATILE_RUN, .show = show_pending, .doc = "keys whose new value waits for the next start, one per line" },
	{ .id = ROW_RUNTIME_EFFECTIVE, .name = "effective", .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES | CHANGED_STATE,
	  .flags = ROW_VOLATILE_RUN, .show = show_effective, .doc = "what the kernel was told, in words, one limit per line" },
	{ .id = ROW_RUNTIME_WARNINGS, .name = "warnings", .mode = S_IFREG | 0444, .deps = CHANGED_ENTRIES | CHANGED_STATE,
	  .flags = ROW_VOLATILE_RUN, .show = show_warnings,
	  .doc = "keys that this kernel or host cannot enforce or nothing heeds yet, and why, one per line" },
	{ .id = ROW_RUNTIME_DEVICES, .name = "devices", .mode = S_IFDIR | 0555, .flags = ROW_VOLATILE_RUN, .dir = &runtime_devices_dir,
	  .doc = "what each device became, one per file" },
	{ 0 },
};
const struct dir runtime_dir = { runtime_rows, NULL };

/* ---- wait/ ---- */

static int wait_state(struct view *v, uint64_t fh, size_t size, off_t off, struct buf *out, struct err *e)
{
	struct err own = ERR_INIT;

	if (off || v->woken)
		return 0;
	v->wait_id = instance_wait(v->o, v->row->name, v->ready, v->done_arg, e ? e : &own);
	return v->wait_id ? 1 : own.code ? -own.code : 1;
}

static const struct stream wait_stream = { .wait = wait_state, .cancel = instance_wait_cancel };

#define WAIT(ID, NAME, DOC)                                                                                     \
	{ .id = ID, .name = NAME, .mode = S_IFREG | 0444, .flags = ROW_UNLISTED | ROW_VOLATILE_ALWAYS, .stream = &wait_stream, \
	  .doc = DOC }
static const struct row wait_rows[] = {
	WAIT(ROW_WAIT_RUNNING, "running", "reading blocks until the instance runs"),
	WAIT(ROW_WAIT_STOPPED, "stopped", "reading blocks until the instance is stopped"),
	WAIT(ROW_WAIT_FROZEN, "frozen", "reading blocks until the instance is frozen"),
	WAIT(ROW_WAIT_ADDRESS, "address", "reading blocks until the instance has an address"),
	WAIT(ROW_WAIT_READY, "ready", "reading blocks until the instance runs and has an address; nothing else tells yet that it has started up"),
	{ 0 },
};
const struct dir wait_dir = { wait_rows, NULL };
