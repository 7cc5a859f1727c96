// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/lxc/console.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>

#include "backends/core/cleanup.h"
#include "backends/core/watch.h"
#include "backends/lxc/console_master.h"
#include "backends/lxc/place.h"

#define FILE_MAX (4 << 20)
#define WRITE_MS 1000		/* how long a guest may leave its input queue full */
#define CHUNK 256		/* less than a pty always takes at once when it is writable */

static int read_log(const char *path, struct buf *out, struct err *e)
{
	int r = buf_read_file(out, AT_FDCWD, path, FILE_MAX);

	return r < 0 && r != -ENOENT ? err_sys(e, -r, "%s", path) : 0;
}

int console_read(struct object *o, struct buf *out, struct err *e)
{
	char old[576];
	struct place p;
	int r;

	place_of(o, &p);
	snprintf(old, sizeof(old), "%s.1", p.console);
	r = read_log(old, out, e);
	return r < 0 ? r : read_log(p.console, out, e);
}

int console_log(struct object *o, struct buf *out, struct err *e)
{
	struct place p;

	place_of(o, &p);
	return read_log(p.log, out, e);
}

int console_write(struct object *o, const char *data, size_t len, struct err *e)
{
	_cleanup_close_ int pidfd = -1, master = -1;
	struct run run;

	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	pidfd = process_open(run.monitor_pid, run.monitor_start);
	if (pidfd < 0)
		return err_set(e, ENOTCONN, "the instance does not run; nobody reads its console");
	master = console_master(run.monitor_pid, pidfd);
	if (master == -ENOTCONN)
		return err_set(e, ENOTCONN, "the instance has no console (raw.lxc may have taken it away)");
	if (master < 0)
		return err_sys(e, -master, "the console of the instance");
	while (len) {
		ssize_t w;

		if (poll(&(struct pollfd) { .fd = master, .events = POLLOUT }, 1, WRITE_MS) <= 0)
			return err_set(e, EAGAIN, "the instance does not read its console; %zu bytes were not typed", len);
		w = write(master, data, len < CHUNK ? len : CHUNK);
		if (w < 0 && errno != EINTR && errno != EAGAIN)
			return err_sys(e, errno, "the console of the instance");
		if (w > 0) {
			data += w;
			len -= (size_t)w;
		}
	}
	return 0;
}
