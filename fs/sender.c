// SPDX-License-Identifier: LGPL-2.1-or-later
#include "fs/sender.h"

#include <errno.h>
#include <linux/fuse.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "backends/core/watch.h"
#include "fs/log.h"
#include "fs/notify.h"
#include "fs/ring.h"
#include "fs/shm.h"

#ifndef FUSE_NOTIFY_INC_EPOCH
#define FUSE_NOTIFY_INC_EPOCH 8
#endif

static void sleep_until(uint64_t ns)
{
	const struct timespec t = { .tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000) };

	while (shm_clock() < ns && clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static void look_at(const char *path)
{
	char full[8400];
	struct stat st;

	snprintf(full, sizeof(full), "%s/%s", shm->options.mountpoint, path);
	(void)lstat(full, &st);
}

static void send_item(const struct ring_item *i)
{
	const struct fuse_notify_inval_inode_out inode = { .ino = i->ino, .off = *i->name ? 0 : -1, .len = 0 };
	const struct fuse_notify_inval_entry_out entry = { .parent = i->ino, .namelen = i->name_len };
	int r;

	if (i->type == RING_LOOK) {
		look_at(i->name);
		return;
	}
	if (i->type == RING_EXPIRE)
		sleep_until(strtoull(i->name, NULL, 10));
	if (i->type == RING_INODE || i->type == RING_EXPIRE)
		r = notify_send(FUSE_NOTIFY_INVAL_INODE, &inode, sizeof(inode), NULL);
	else
		r = notify_send(FUSE_NOTIFY_INVAL_ENTRY, &entry, sizeof(entry), i->name);
	/* ENOENT: not cached; ENOTEMPTY, EBUSY: in use, and looked at again when it is used. */
	if (r && r != -ENOENT && r != -ENOTDIR && r != -ENOTEMPTY && r != -EBUSY && r != -ENODEV && r != -ENOTCONN)
		log_warning("a notification was not taken: %s", strerror(-r));
}

static void *send_notifications(void *unused)
{
	for (;;) {
		const struct ring_item *i = ring_next(&shm->notify);

		if (!i) {	/* some were dropped: let the kernel look at every name again */
			if (notify_send(FUSE_NOTIFY_INC_EPOCH, NULL, 0, NULL))
				log_warning("notifications were lost and this kernel cannot drop all names at once");
			continue;
		}
		send_item(i);
		ring_done(&shm->notify, i);
	}
	return NULL;
}

void sender_start(void)
{
	if (watch_thread(send_notifications, NULL) < 0)
		log_error("no thread for notifications");
}
