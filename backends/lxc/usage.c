// SPDX-License-Identifier: LGPL-2.1-or-later
/* What a container's own namespace tells; the rest is counted by its control groups. */
#include "backends/lxc/usage.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/group_usage.h"

static int no_data(const char *item, const char *why, struct err *e)
{
	return err_set(e, ENODATA, "%s: %s", item, why);
}

/* ---- network: /proc/PID/net/dev has the interfaces of that process's namespace ---- */

static const char *const columns[] = { "rx_bytes", "rx_packets", [8] = "tx_bytes", [9] = "tx_packets" };

static int find_column(const char *name)
{
	for (size_t i = 0; i < sizeof(columns) / sizeof(*columns); i++)
		if (columns[i] && !strcmp(columns[i], name))
			return (int)i;
	return -1;
}

/* "  eth0: 100 2 0 ...": the name without blanks; numbers behind the colon. */
static char *split_line(char *line, char **numbers)
{
	char *colon = strchr(line, ':');

	if (!colon)
		return NULL;
	*colon = '\0';
	*numbers = colon + 1;
	return line + strspn(line, " ");
}

static int read_dev(pid_t init, struct buf *out)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/net/dev", (int)init);
	return buf_read_file(out, AT_FDCWD, path, 4 << 20);
}

static int network_item(const char *item, pid_t init, struct buf *out, struct err *e)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	const char *dot = strrchr(item, '.');
	int column = dot ? find_column(dot + 1) : -1;
	char *line, *next, *name, *numbers;

	if (column < 0 || read_dev(init, &b) < 0)
		return no_data(item, "no such number", e);
	for (line = b.data; line && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? (*next = '\0', next + 1) : NULL;
		name = split_line(line, &numbers);
		if (!name || strlen(name) != (size_t)(dot - item) || strncmp(name, item, (size_t)(dot - item)) != 0)
			continue;
		for (int i = 0; i < column; i++)
			strtoull(numbers, &numbers, 10);
		buf_addf(out, "%llu\n", strtoull(numbers, NULL, 10));
		return 0;
	}
	return no_data(item, "the instance has no such interface", e);
}

static int network_names(pid_t init, struct buf *out)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char *line, *next, *name, *numbers;

	if (read_dev(init, &b) < 0)
		return 0;
	for (line = b.data; line && *line; line = next) {
		next = strchr(line, '\n');
		next = next ? (*next = '\0', next + 1) : NULL;
		name = split_line(line, &numbers);
		if (name)
			buf_addf(out, "%s\n", name);
	}
	return 0;
}

int usage_item(struct object *o, const char *item, struct buf *out, struct err *e)
{
	struct run run;

	pthread_mutex_lock(&o->lock);
	run = o->run;
	pthread_mutex_unlock(&o->lock);
	if (run.init_pid && !strcmp(item, "network"))
		return network_names(run.init_pid, out);
	if (run.init_pid && !strncmp(item, "network/", 8))
		return network_item(item + 8, run.init_pid, out, e);
	return group_usage(o, item, out, e);
}
