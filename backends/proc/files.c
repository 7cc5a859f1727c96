// SPDX-License-Identifier: LGPL-2.1-or-later
/* The short files: slabinfo, pressure, and what /sys says of CPUs. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/scan.h"
#include "backends/proc/show.h"

/* Kernels since 5.9 count no caches of a group: then there is only the head that every reader expects. */
int slabinfo_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	size_t from = out->len;

	if (group_read(&s->groups, GROUP_SLABINFO, 0, out) == 0 && out->len > from)
		return 0;
	host_read(HOST_SLABINFO, out);
	return buf_error(out);
}

static int pressure_show(struct proc_source *s, enum group_file f, struct buf *out)
{
	static const char nothing[] = " avg10=0.00 avg60=0.00 avg300=0.00 total=0\n";
	size_t from = out->len;
	int r = group_read(&s->groups, f, 0, out);

	if (r == -ENOMEM)
		return r;
	if (out->len == from)
		buf_addf(out, "some%sfull%s", nothing, nothing);
	return 0;
}

int pressure_show_cpu(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	return pressure_show(s, GROUP_PRESSURE_CPU, out);
}

int pressure_show_io(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	return pressure_show(s, GROUP_PRESSURE_IO, out);
}

int pressure_show_memory(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	return pressure_show(s, GROUP_PRESSURE_MEMORY, out);
}

int proc_open_trigger(struct proc_source *s, const struct proc_row *r)
{
	enum group_file f = r->show == pressure_show_cpu ? GROUP_PRESSURE_CPU :
			    r->show == pressure_show_io	 ? GROUP_PRESSURE_IO : GROUP_PRESSURE_MEMORY;
	int fd;

	if (!(r->flags & PROC_TRIGGER))
		return -EOPNOTSUPP;
	HOLD_LOCK(&s->lock);
	if (!s->facts.init_pid)
		return -ENODATA;
	fd = group_open(&s->groups, f, 0, O_RDWR);
	return fd == -ENODATA ? -EOPNOTSUPP : fd;
}

/* ---- /sys/devices/system/cpu ---- */

int online_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_cpus_ struct cpus set = CPUS_INIT;
	unsigned n = 1;
	int r = source_cpus(s, &set, &n);

	if (r == 0)
		buf_addf(out, n > 1 ? "0-%u\n" : "%u\n", n - 1);
	return r;
}

int offline_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	buf_addch(out, '\n');
	return 0;
}

int kernel_max_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	host_read(HOST_KERNEL_MAX, out);
	return buf_error(out);
}
