// SPDX-License-Identifier: LGPL-2.1-or-later
/* The table of the LXC backend, and the entries that are too short for a file of their own. */
#include "backends/lxc/lxc.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/core/probe.h"
#include "backends/core/spawn.h"
#include "backends/core/tree.h"
#include "backends/core/watch.h"
#include "backends/lxc/address.h"
#include "backends/lxc/attach.h"
#include "backends/lxc/console.h"
#include "backends/lxc/cpus.h"
#include "backends/lxc/device.h"
#include "backends/lxc/disk_rates.h"
#include "backends/lxc/root_size.h"
#include "backends/lxc/launch.h"
#include "backends/lxc/limits.h"
#include "backends/lxc/place.h"
#include "backends/lxc/processes.h"
#include "backends/lxc/usage.h"
#include "backends/lxc/tty.h"
#include "backends/lxc/viewmounts.h"

#define FREEZE_MS 10000

/* The helper says which liblxc it is linked with; it is asked once. */
static int lxc_probe(struct buf *version, struct err *e)
{
	_cleanup_close_ int rd = -1, wr = -1;
	_cleanup_buf_ struct buf text = BUF_INIT;
	char helper[512];
	const char *argv[] = { "instfs-lxc", "version", NULL };
	struct spawn s = { .path = helper, .argv = argv, .session = true };
	int fds[2], r;

	r = cgroup_init(e);
	if (r == 0)
		r = spawn_helper("instfs-lxc", helper, sizeof(helper), e);
	if (r < 0)
		return r;
	if (geteuid() != 0)
		return err_set(e, EPERM, "containers can be run by root only");
	if (probe_known("lxc", &r, &text)) {
		if (version)
			buf_addf(version, "lxc %s", buf_str(&text));
		return 0;
	}
	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_sys(e, errno, "no pipe");
	rd = fds[0];
	wr = fds[1];
	s.out = wr;
	r = spawn_run(&s, 10000, NULL, e);
	close(steal_fd(&wr));
	if (r == 0)
		r = buf_read_fd(&text, rd, 256);
	if (r == 0)
		probe_remember("lxc", 0, buf_str(&text));
	if (r == 0 && version)
		buf_addf(version, "lxc %s", buf_str(&text));
	return r;
}

static int run_of(struct object *o, struct run *ret, struct err *e)
{
	pthread_mutex_lock(&o->lock);
	*ret = o->run;
	pthread_mutex_unlock(&o->lock);
	return ret->init_pid ? 0 : err_set(e, ENOTCONN, "the instance does not run");
}

static int set_frozen(struct object *o, bool freeze, struct op *op, struct err *e)
{
	struct run run;
	int r = run_of(o, &run, e);

	return r < 0 ? r : cgroup_freeze(run.cgroup, freeze, op->timeout ? op->timeout * 1000 : FREEZE_MS, e);
}

static int lxc_freeze(struct object *o, struct op *op, struct err *e)
{
	return set_frozen(o, true, op, e);
}

static int lxc_thaw(struct object *o, struct op *op, struct err *e)
{
	return set_frozen(o, false, op, e);
}

/* The whole group of limits to which the key belongs is computed anew: they depend on each other. */
static int lxc_apply(struct object *o, const struct key *k, const char *name, const char *value, const struct expanded *now,
		     struct err *e)
{
	unsigned which = limits_of_key(name);
	struct limits limits;
	struct run run;
	int r;

	if (run_of(o, &run, NULL) < 0)
		return 0;
	if (!strncmp(name, "limits.kernel.", 14))
		return processes_limit(&run, name + 14, value, e);
	if (!strcmp(name, "limits.memory.oom_priority"))
		return processes_oom(&run, value, e);
	if (which == LIMITS_CPUSET)
		return cpus_apply(o->id, run.cgroup, value, e);
	if (!which)
		return 0;
	r = limits_make(now, o->id, which, true, &limits, e);
	return r < 0 ? r : limits_write(&limits, run.cgroup, e);
}

static int lxc_addresses(struct object *o, struct buf *out, struct err *e)
{
	_cleanup_close_ int pidfd = -1;
	struct run run;

	if (run_of(o, &run, NULL) < 0)
		return 0;
	pidfd = process_open(run.init_pid, run.init_start);
	return pidfd < 0 ? 0 : address_list(pidfd, out, e);
}

static int lxc_effective(struct object *o, struct buf *out, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	struct run run;
	int r;

	if (run_of(o, &run, NULL) < 0)
		return 0;
	r = config_expand(o, &x, e);
	if (r < 0)
		return r;
	limits_words(&x, run.cgroup, out);
	processes_words(&run, &x, out);
	return 0;
}

static int lxc_warnings(struct object *o, struct buf *out, struct err *e)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	struct run run;
	int r = config_expand(o, &x, e);

	if (r == 0)
		limits_warnings(&x, run_of(o, &run, NULL) == 0 ? run.cgroup : "", out);
	if (r == 0)
		disk_rates_warnings(o, &x, out);
	if (r == 0)
		root_size_warnings(o, &x, out);
	return r;
}

static void lxc_forget(struct object *o)
{
	_cleanup_close_ int fd = -1;
	struct place p;
	char lock[512];

	place_of(o, &p);
	cgroup_remove(p.cgroup, NULL);
	cgroup_remove(p.monitor, NULL);
	/* liblxc makes a lock per container and never removes it */
	snprintf(lock, sizeof(lock), "/run/lxc/lock%s/.%s", p.lxcpath, strrchr(p.dir, '/') + 1);
	unlink(lock);
	fd = open(p.lxcpath, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		tree_remove(fd, strrchr(p.dir, '/') + 1, NULL);
}

const struct backend_ops lxc_backend = {
	.name = "lxc",
	.caps = BACKEND_CONTAINER | BACKEND_EXEC | BACKEND_CONSOLE | BACKEND_ROOTFS | BACKEND_DEVICES | BACKEND_LIMITS |
		BACKEND_TTY,
	.probe = lxc_probe,
	.start = launch_start,
	.stop = launch_stop,
	.freeze = lxc_freeze,
	.thaw = lxc_thaw,
	.apply = lxc_apply,
	.device = device_apply,
	.device_show = device_show,
	.adopt = launch_adopt,
	.usage = usage_item,
	.addresses = lxc_addresses,
	.effective = lxc_effective,
	.warnings = lxc_warnings,
	.machine = backend_no_machine,
	.console_read = console_read,
	.console_write = console_write,
	.refresh = viewmounts_refresh,
	.tty = tty_path,
	.log = console_log,
	.exec_start = attach_start,
	.exec_kill = attach_kill,
	.exec_adopt = attach_adopt,
	.forget = lxc_forget,
};
