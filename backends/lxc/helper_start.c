// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * instfs-lxc start: becomes the monitor of one container and ends with it. It reports nothing: the server, and any later
 * server, sees in /proc what this process has for a child, and reads the reason of a failure in liblxc's log (launch.c).
 *
 * Single-threaded by necessity: liblxc refuses to start a container in the foreground of a process with threads.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
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
	if (!c->want_daemonize(c, false))
		return fail(h->name, "liblxc does not stay in the foreground");
	return c->start(c, 0, NULL) ? 0 : 1;
}
