// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * See views_end.h. The thread waits for ends, never for time to pass: of the daemon (alive.h), then of any one of the instances that
 * run, then it looks again. A daemon that comes meanwhile is found at that look.
 */
#include "fs/views_end.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>

#include "backends/core/cleanup.h"
#include "backends/core/watch.h"
#include "fs/alive.h"
#include "fs/board.h"
#include "fs/log.h"
#include "fs/mount.h"
#include "fs/shm.h"

#define PAUSE_MS 500	/* between two daemons, and between the inits of a guest that reboots */
#define LOOKS 3

static int daemon_fd(void)
{
	char path[4200];

	snprintf(path, sizeof(path), "%s/tree.alive", shm->options.state_dir);
	return alive_watch(path);
}

static int instance_fd(void)
{
	struct proc_facts f = { .object = 0 };
	int fd;

	while (board_next(f.object, &f)) {
		fd = f.init_pid ? process_open(f.init_pid, f.init_start) : -1;
		if (fd >= 0)
			return fd;
	}
	return -1;
}

static void wait_end(int fd)
{
	struct pollfd p = { .fd = fd };

	/* A pidfd becomes readable; the other end of a FIFO is an error. */
	p.events = POLLIN;
	while (poll(&p, 1, -1) <= 0)
		;
}

static void *watch(void *unused)
{
	struct err e = ERR_INIT;

	for (int looks = 0; looks < LOOKS; looks++) {
		_cleanup_close_ int daemon = daemon_fd(), instance = daemon < 0 ? instance_fd() : -1;

		if (daemon >= 0 || instance >= 0) {
			wait_end(daemon >= 0 ? daemon : instance);
			looks = -1;
		}
		poll(NULL, 0, PAUSE_MS);
	}
	if (mount_remove(&shm->options, &e))
		log_warning("%s", e.text);
	return NULL;
}

int views_end_watch(void)
{
	return watch_thread(watch, NULL);
}
