// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of the QEMU backend, and the entries that are too short for a file of their own. What it cannot do says so. */
#include "backends/qemu/qemu.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/exec.h"
#include "backends/core/group_usage.h"
#include "backends/core/tree.h"
#include "backends/qemu/command.h"
#include "backends/qemu/launch.h"
#include "backends/qemu/machine.h"
#include "backends/qemu/place.h"
#include "backends/qemu/vm.h"

#define CALL_MS 5000
#define TYPE_MS 1000		/* how long a guest may leave its serial port full */
#define FILE_MAX (4 << 20)

static int qemu_probe(struct buf *version, struct err *e)
{
	static const struct { const char *path, *package; } programs[] = { { QEMU, "qemu-system-x86" }, { SETPRIV, "util-linux" } };

	if (geteuid() != 0)
		return err_set(e, EPERM, "virtual machines can be run by root only");
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (access(programs[i].path, X_OK) < 0)
			return err_set(e, ENOENT, "%s is not installed (Debian's package %s)", programs[i].path, programs[i].package);
	if (version)
		buf_addstr(version, "qemu " QEMU "\n");
	return cgroup_init(e);
}

static int call(struct object *o, const char *command, struct err *e)
{
	_cleanup_vm_ struct vm *v = vm_get(o->id);

	if (!v)
		return err_set(e, ENOTCONN, "the virtual machine does not run");
	return qmp_call(v->qmp, command, NULL, CALL_MS, NULL, e);
}

static int qemu_freeze(struct object *o, struct op *op, struct err *e)
{
	return call(o, "stop", e);
}

static int qemu_thaw(struct object *o, struct op *op, struct err *e)
{
	return call(o, "cont", e);
}

/* Memory and CPUs are those that it was started with: runtime/pending names what waits. */
static int qemu_apply(struct object *o, const struct key *k, const char *name, const char *value, const struct expanded *now,
		      struct err *e)
{
	return 0;
}

static int qemu_device(struct object *o, const struct expanded_item *before, const struct expanded_item *after,
		       const struct expanded *now, struct err *e)
{
	return backend_unsupported(o, "change devices of a virtual machine yet", e);
}

static int qemu_device_show(struct object *o, const char *name, struct buf *out, struct err *e)
{
	return name ? err_set(e, ENOENT, "there is no device %s", name) : 0;
}

static int qemu_usage(struct object *o, const char *item, struct buf *out, struct err *e)
{
	_cleanup_vm_ struct vm *v = vm_get(o->id);

	if (!strcmp(item, "network"))
		return 0;
	if (!v || strcmp(item, "memory.limit") != 0)
		return group_usage(o, item, out, e);
	HOLD_LOCK(&v->lock);
	buf_addf(out, "%" PRIu64 "\n", v->machine.memory);
	return 0;
}

static int qemu_addresses(struct object *o, struct buf *out, struct err *e)
{
	return 0;	/* there are no nics */
}

/* Of the limits only these two make a machine. */
static int qemu_warnings(struct object *o, struct buf *out, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	int r = config_expand(o, &x, e);

	for (size_t i = 0; !r && i < x.n; i++) {
		const char *name = x.items[i].name;

		if (x.items[i].kind != ENT_CONFIG || strncmp(name, "limits.", 7) != 0 || !strcmp(name, "limits.memory"))
			continue;
		if (strcmp(name, "limits.cpu") != 0)
			buf_addf(out, "%s: not enforced: virtual machines have limits.memory and limits.cpu only\n", name);
		else if (strpbrk(x.items[i].value, ",-"))
			buf_addf(out, "%s: not enforced: the virtual machine has that many CPUs, but is not bound to these\n", name);
	}
	return r;
}

static int qemu_refresh(struct object *o, struct err *e)
{
	return 0;	/* its guest has a kernel of its own */
}

static int read_file(const char *path, struct buf *out, struct err *e)
{
	int r = buf_read_file(out, AT_FDCWD, path, FILE_MAX);

	return r < 0 && r != -ENOENT ? err_sys(e, -r, "%s", path) : 0;
}

static int qemu_console_read(struct object *o, struct buf *out, struct err *e)
{
	char old[sizeof(((struct place *)0)->console) + 4];
	struct place p;
	int r;

	place_of_vm(o, &p);
	snprintf(old, sizeof(old), "%s.1", p.console);
	r = read_file(old, out, e);
	return r < 0 ? r : read_file(p.console, out, e);
}

static int qemu_console_write(struct object *o, const char *data, size_t len, struct err *e)
{
	_cleanup_vm_ struct vm *v = vm_get(o->id);

	if (!v)
		return err_set(e, ENOTCONN, "the virtual machine does not run; nobody reads its console");
	while (len) {
		ssize_t n = send(v->console, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return err_sys(e, errno, "the console of the virtual machine");
		if (n < 0 && poll(&(struct pollfd) { .fd = v->console, .events = POLLOUT }, 1, TYPE_MS) <= 0)
			return err_set(e, EAGAIN, "the virtual machine does not read its console; %zu bytes were not typed", len);
		if (n > 0) {
			data += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

static int qemu_tty(struct object *o, bool make, char *buf, size_t size, struct err *e)
{
	return backend_unsupported(o, "give the console a pty on the host", e);
}

static int qemu_log(struct object *o, struct buf *out, struct err *e)
{
	struct place p;

	place_of_vm(o, &p);
	return read_file(p.log, out, e);
}

static int qemu_exec(struct object *o, struct exec_request *x, struct err *e)
{
	return backend_unsupported(o, "run commands in a virtual machine yet; its console can be typed into", e);
}

static void qemu_forget(struct object *o)
{
	_cleanup_close_ int run = open(model_rundir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[32];

	vm_clean(o, -1);
	snprintf(name, sizeof(name), "qemu/%u", o->id);
	if (run >= 0)
		tree_remove(run, name, NULL);
}

const struct backend_ops qemu_backend = {
	.name = "qemu",
	.caps = BACKEND_VM | BACKEND_CONSOLE | BACKEND_ROOTFS | BACKEND_DISK,
	.probe = qemu_probe,
	.start = launch_vm_start,
	.stop = launch_vm_stop,
	.freeze = qemu_freeze,
	.thaw = qemu_thaw,
	.apply = qemu_apply,
	.device = qemu_device,
	.device_show = qemu_device_show,
	.adopt = launch_vm_adopt,
	.usage = qemu_usage,
	.addresses = qemu_addresses,
	.effective = machine_effective,
	.warnings = qemu_warnings,
	.refresh = qemu_refresh,
	.machine = machine_facts,
	.console_read = qemu_console_read,
	.console_write = qemu_console_write,
	.tty = qemu_tty,
	.log = qemu_log,
	.exec_start = qemu_exec,
	.exec_kill = qemu_exec,
	.exec_adopt = qemu_exec,
	.forget = qemu_forget,
};
