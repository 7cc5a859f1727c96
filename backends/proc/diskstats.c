// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * /proc/diskstats: requests and bytes that the instance itself gave to each device. Times and merges are not counted for groups
 * and are 0, as is what is under way. Nothing known is an empty file, not the host's.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "backends/core/cleanup.h"
#include "backends/proc/host.h"
#include "backends/proc/scan.h"
#include "backends/proc/show.h"

enum { READ, WRITE, DISCARD, KINDS };

struct disk {
	unsigned major, minor;
	uint64_t ios[KINDS], bytes[KINDS];
};

/* Name of a device, from the host's "   8       0 sda ...". Empty: it is not there any more. */
static size_t find_name(const char *host, const struct disk *d, const char **name)
{
	for (const char *l = host; l && *l; l = scan_next(l)) {
		char *end;
		unsigned long major = strtoul(l, &end, 10), minor = strtoul(end, &end, 10);

		if (major != d->major || minor != d->minor)
			continue;
		*name = end + strspn(end, " ");
		return strcspn(*name, " \n");
	}
	return 0;
}

static void add_disk(const char *host, const struct disk *d, struct buf *out)
{
	const char *name = NULL;
	size_t len = find_name(host, d, &name);

	if (!len)
		return;
	buf_addf(out, "%4u %7u %.*s", d->major, d->minor, (int)len, name);
	for (int k = READ; k <= WRITE; k++)
		buf_addf(out, " %" PRIu64 " 0 %" PRIu64 " 0", d->ios[k], d->bytes[k] / 512);
	buf_addf(out, " 0 0 0 %" PRIu64 " 0 %" PRIu64 " 0 0 0\n", d->ios[DISCARD], d->bytes[DISCARD] / 512);
}

/* "8:0" in front of a line. */
static bool parse_device(const char *line, struct disk *d, const char **rest)
{
	char *end;
	unsigned long major = strtoul(line, &end, 10);

	if (end == line || *end != ':')
		return false;
	*d = (struct disk){ .major = (unsigned)major };
	d->minor = (unsigned)strtoul(end + 1, &end, 10);
	*rest = end;
	return *end == ' ';
}

/* "8:0 rbytes=1 wbytes=2 rios=3 wios=4 dbytes=5 dios=6" */
static void show_v2(const char *stat, const char *host, struct buf *out)
{
	static const char *const bytes[KINDS] = { "rbytes", "wbytes", "dbytes" }, *const ios[KINDS] = { "rios", "wios", "dios" };

	for (const char *l = stat; l; l = scan_next(l)) {
		struct disk d;
		const char *rest;

		if (!parse_device(l, &d, &rest))
			continue;
		for (int k = 0; k < KINDS; k++) {
			d.bytes[k] = scan_word(l, bytes[k]);
			d.ios[k] = scan_word(l, ios[k]);
		}
		add_disk(host, &d, out);
	}
}

/* v1: "8:0 Read 4096", a line for each kind, the device's lines together. 0: it has none such. */
static uint64_t find_v1(const char *text, const struct disk *d, const char *kind)
{
	char key[64];

	snprintf(key, sizeof(key), "%u:%u %s", d->major, d->minor, kind);
	return scan_key_or_0(text, key);
}

static void show_v1(const char *bytes, const char *ops, const char *host, struct buf *out)
{
	static const char *const kinds[KINDS] = { "Read", "Write", "Discard" };

	for (const char *l = bytes; l; l = scan_next(l)) {
		struct disk d;
		const char *rest;

		if (!parse_device(l, &d, &rest) || strncmp(rest, " Read ", 6) != 0)
			continue;
		for (int k = 0; k < KINDS; k++) {
			d.bytes[k] = find_v1(bytes, &d, kinds[k]);
			d.ios[k] = find_v1(ops, &d, kinds[k]);
		}
		add_disk(host, &d, out);
	}
}

int diskstats_show(struct proc_source *s, const struct proc_place *at, struct buf *out)
{
	_cleanup_buf_ struct buf stat = BUF_INIT, ops = BUF_INIT, host = BUF_INIT;

	if (group_read(&s->groups, GROUP_IO_STAT, 0, &stat) < 0)
		return buf_error(&stat);
	host_read(HOST_DISKSTATS, &host);
	if (group_version(&s->groups, GROUP_IO_STAT) == 1) {
		group_read(&s->groups, GROUP_IO_OPS, 0, &ops);
		show_v1(buf_str(&stat), buf_str(&ops), buf_str(&host), out);
	} else {
		show_v2(buf_str(&stat), buf_str(&host), out);
	}
	return buf_error(&host) | buf_error(&ops);
}
