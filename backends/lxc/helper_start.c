// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-lxc start: becomes the monitor of one container and ends with it. It reports nothing: the server, and any later
 * server, sees in /proc what this process has for a child, and reads the reason of a failure in liblxc's log (launch.c).
 *
 * Single-threaded by necessity: liblxc refuses to start a container in the foreground of a process with threads.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <lxc/lxccontainer.h>

#include "backends/lxc/helper.h"

static int log_fd = -1;

/* Says it last, so that whatever liblxc said is taken for the cause. */
static int fail(const char *name, const char *text)
{
	dprintf(log_fd, "%s ERROR instfs-lxc - %s - %s\n", name, name, text);
	return 1;
}

/*
 * Errors of the configuration itself come before its line lxc.log.file is read: they go to the same file, our stderr. There
 * liblxc would write all of them a second time, in another form.
 */
static void init_log(const struct helper *h)
{
	struct lxc_log log = {
		.name = h->name, .lxcpath = h->dir, .file = "/proc/self/fd/2", .level = "NOTICE", .prefix = "instfs-lxc",
	};
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	log_fd = fcntl(2, F_DUPFD_CLOEXEC, 3);
	lxc_log_init(&log);
	if (null >= 0) {
		dup2(null, 2);
		close(null);
	}
}

/*
 * Boot time of the guest begins with its init, so that ps, /proc/PID/stat and clocks agree with /proc/uptime. Whole seconds: the kernel
 * takes no start in the future. What raw.lxc says goes first.
 */
static bool begin_time(struct lxc_container *c)
{
	char value[32] = "";
	struct timespec now;

	if (access("/proc/self/ns/time", F_OK) < 0)
		return true;
	clock_gettime(CLOCK_BOOTTIME, &now);
	snprintf(value, sizeof(value), "-%llds", (long long)now.tv_sec);
	return c->set_config_item(c, "lxc.time.offset.boot", value);
}

static bool has_own_time(struct lxc_container *c)
{
	char value[32] = "";

	return c->get_config_item(c, "lxc.time.offset.boot", value, sizeof(value)) > 0 && strtoll(value, NULL, 10) != 0;
}

/*
 * liblxc would start a guest that reboots with the time of its first start. The hook in the configuration refuses that, and leaves a file:
 * the guest is started anew here.
 */
static bool is_rebooting(const struct helper *h)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s/" REBOOT_FILE, h->dir, h->name);
	return unlink(path) == 0;
}

static int run(struct lxc_container *c, const struct helper *h)
{
	const bool own_time = has_own_time(c);
	bool ok;

	is_rebooting(h);	/* what a monitor left that was killed */
	do {
		if (!own_time && !begin_time(c))
			return fail(h->name, "liblxc does not take the time of the start");
		ok = c->start(c, 0, NULL);
	} while (is_rebooting(h));
	return ok ? 0 : 1;
}

int helper_start(const struct helper *h)
{
	struct lxc_container *c;

	helper_title("[instfs monitor] %s", h->name);
	/*
	 * Without newuidmap (/usr/bin) in the path liblxc writes the id maps itself, which needs no further programs: root may. What it
	 * needs of the path is apparmor_parser.
	 */
	setenv("PATH", "/usr/sbin:/sbin", 1);
	init_log(h);
	c = lxc_container_new(h->name, h->dir);
	if (!c)
		return fail(h->name, "liblxc does not take the configuration");
	if (!c->is_defined(c))
		return fail(h->name, "liblxc does not take the configuration");
	if (helper_deny_compat(h) < 0)
		return fail(h->name, "the filter over system calls of 32-bit programs cannot be installed");
	if (helper_intercept(h) < 0)
		return fail(h->name, "the filter that intercepts system calls cannot be installed; a process can be under one such filter only");
	if (!c->want_daemonize(c, false))
		return fail(h->name, "liblxc does not stay in the foreground");
	return run(c, h);
}
