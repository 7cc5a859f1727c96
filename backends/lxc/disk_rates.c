// SPDX-License-Identifier: LGPL-2.1-or-later
#include "backends/lxc/disk_rates.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "backends/core/cgroup.h"
#include "backends/core/cleanup.h"
#include "backends/core/device.h"
#include "backends/core/device_check.h"

#define BLOCKS_MAX 64
#define FILE_MAX (64 << 10)
#define NOT_HELD "limits.* are not enforced: "

enum rate { READ_BYTES, READ_IOPS, WRITE_BYTES, WRITE_IOPS, RATES };

static const struct {
	const char *v1, *v2, *unit, *way;
} words[RATES] = {
	[READ_BYTES] = { "blkio.throttle.read_bps_device", "rbps", "B/s", "read" },
	[READ_IOPS] = { "blkio.throttle.read_iops_device", "riops", "iops", "read" },
	[WRITE_BYTES] = { "blkio.throttle.write_bps_device", "wbps", "B/s", "write" },
	[WRITE_IOPS] = { "blkio.throttle.write_iops_device", "wiops", "iops", "write" },
};

/* A block device, and for each rate the sum of what n disks ask for. */
struct block {
	dev_t dev;
	uint64_t sum[RATES];
	unsigned n[RATES];
};

struct blocks {
	struct block list[BLOCKS_MAX];
	size_t n;
};

static uint64_t average(const struct block *b, enum rate r)
{
	return b->n[r] ? b->sum[r] / b->n[r] : 0;
}

static struct block *block_of(struct blocks *all, dev_t dev)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->list[i].dev == dev)
			return &all->list[i];
	if (all->n == BLOCKS_MAX)
		return NULL;
	all->list[all->n] = (struct block) { .dev = dev };
	return &all->list[all->n++];
}

/* ---- what the devices say ---- */

/* Whether it is a disk with any rate. */
static bool rates_of(const struct expanded_item *it, uint64_t ret[RATES])
{
	static const struct {
		const char *key;
		bool read, write;
	} keys[] = { { "limits.read", true, false }, { "limits.write", false, true }, { "limits.max", true, true } };
	char value[DEVICE_VALUE_MAX + 1];
	uint64_t bytes, iops;
	bool any = false;

	memset(ret, 0, RATES * sizeof(*ret));
	if (it->kind != ENT_DEVICE || !device_get(it->value, it->len, "type", value, sizeof(value)) || strcmp(value, "disk") != 0)
		return false;
	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		if (!device_get(it->value, it->len, keys[i].key, value, sizeof(value)) || device_rate(value, &bytes, &iops, NULL) < 0)
			continue;
		any = true;
		if (keys[i].read) {
			ret[READ_BYTES] = bytes;
			ret[READ_IOPS] = iops;
		}
		if (keys[i].write) {
			ret[WRITE_BYTES] = bytes;
			ret[WRITE_IOPS] = iops;
		}
	}
	return any;
}

/* Some file systems have a number that is no device's; their mount names a device. */
static dev_t device_of_mount(dev_t fs)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	char number[32], source[512];
	struct stat st;

	if (buf_read_file(&b, AT_FDCWD, "/proc/self/mountinfo", 16 << 20) < 0)
		return 0;
	snprintf(number, sizeof(number), " %u:%u ", major(fs), minor(fs));
	for (const char *p = buf_str(&b), *nl; (nl = strchr(p, '\n')); p = nl + 1) {
		const char *dev = memmem(p, (size_t)(nl - p), number, strlen(number));
		const char *tail = dev ? memmem(dev, (size_t)(nl - dev), " - ", 3) : NULL;

		if (tail && sscanf(tail, " - %*s %511s", source) == 1 && source[0] == '/' && !stat(source, &st) && S_ISBLK(st.st_mode))
			return st.st_rdev;
	}
	return 0;
}

/* Rates are of whole devices: of a partition that which it is a part of. */
static dev_t whole(dev_t dev)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	unsigned maj, min;
	char path[64];

	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/partition", major(dev), minor(dev));
	if (access(path, F_OK) < 0)
		return dev;
	snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/../dev", major(dev), minor(dev));
	if (buf_read_file(&b, AT_FDCWD, path, 64) < 0 || sscanf(buf_str(&b), "%u:%u", &maj, &min) != 2)
		return dev;
	return makedev(maj, min);
}

/* The device on which the disk lies; 0: none. */
static dev_t behind(struct object *o, const struct expanded_item *it)
{
	char source[PATH_MAX];
	struct stat st;
	dev_t dev;

	if (!device_get(it->value, it->len, "source", source, sizeof(source)))
		object_path(o, source, sizeof(source));
	if (stat(source, &st) < 0)
		return 0;
	dev = S_ISBLK(st.st_mode) ? st.st_rdev : st.st_dev;
	if (!major(dev))
		dev = device_of_mount(dev);
	return dev ? whole(dev) : 0;
}

static int collect(struct object *o, const struct expanded *x, struct blocks *ret, struct err *e)
{
	uint64_t rates[RATES];

	for (size_t i = 0; i < x->n; i++) {
		dev_t dev = rates_of(&x->items[i], rates) ? behind(o, &x->items[i]) : 0;
		struct block *b = dev ? block_of(ret, dev) : NULL;

		if (!dev)
			continue;
		if (!b)
			return err_set(e, E2BIG, "the disks with limits.* lie on more than %d block devices", BLOCKS_MAX);
		for (enum rate r = 0; r < RATES; r++) {
			b->sum[r] += rates[r];
			b->n[r] += rates[r] != 0;
		}
	}
	return 0;
}

/* ---- what the group says ---- */

static int read_file(const char *cgroup, const char *file, struct buf *ret)
{
	_cleanup_close_ int fd = cgroup_open(CGROUP_IO, cgroup, file, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? fd : buf_read_fd(ret, fd, FILE_MAX);
}

static void note(struct blocks *all, unsigned maj, unsigned min, enum rate r, const char *value)
{
	struct block *b = block_of(all, makedev(maj, min));

	if (!b)
		return;
	b->sum[r] = strtoull(value, NULL, 10);	/* "max": 0 */
	b->n[r] = b->sum[r] != 0;
}

/* "8:0 1048576" */
static int read_v1(const char *cgroup, struct blocks *ret)
{
	for (enum rate r = 0; r < RATES; r++) {
		_cleanup_buf_ struct buf b = BUF_INIT;
		int result = read_file(cgroup, words[r].v1, &b), end;
		unsigned maj, min;

		if (result < 0)
			return result;
		for (const char *p = buf_str(&b), *nl; (nl = strchr(p, '\n')); p = nl + 1)
			if (sscanf(p, "%u:%u %n", &maj, &min, &end) == 2)
				note(ret, maj, min, r, p + end);
	}
	return 0;
}

/* "8:0 rbps=1048576 wbps=max riops=max wiops=max" */
static int read_v2(const char *cgroup, struct blocks *ret)
{
	_cleanup_buf_ struct buf b = BUF_INIT;
	int r = read_file(cgroup, "io.max", &b);
	unsigned maj, min;
	char value[32];

	if (r == -ENODATA && !cgroup_pass_on(CGROUP_IO, cgroup))
		r = read_file(cgroup, "io.max", &b);
	if (r < 0)
		return r;
	for (const char *p = buf_str(&b), *nl; (nl = strchr(p, '\n')); p = nl + 1) {
		if (sscanf(p, "%u:%u", &maj, &min) != 2)
			continue;
		for (enum rate i = 0; i < RATES; i++) {
			char key[16];
			const char *at;

			snprintf(key, sizeof(key), " %s=", words[i].v2);
			at = memmem(p, (size_t)(nl - p), key, strlen(key));
			if (at && sscanf(at + strlen(key), "%31s", value) == 1)
				note(ret, maj, min, i, value);
		}
	}
	return 0;
}

static int read_now(const char *cgroup, struct blocks *ret)
{
	return cgroup_version(CGROUP_IO) == 2 ? read_v2(cgroup, ret) : read_v1(cgroup, ret);
}

static int write_v1(const char *cgroup, const struct block *b, const struct block *was)
{
	char text[64];
	int r = 0;

	for (enum rate i = 0; i < RATES && !r; i++) {
		if (average(b, i) == average(was, i))
			continue;
		snprintf(text, sizeof(text), "%u:%u %" PRIu64, major(b->dev), minor(b->dev), average(b, i));
		r = cgroup_write(CGROUP_IO, cgroup, words[i].v1, text);
	}
	return r;
}

static int write_v2(const char *cgroup, const struct block *b, const struct block *was)
{
	_cleanup_buf_ struct buf line = BUF_INIT;

	buf_addf(&line, "%u:%u", major(b->dev), minor(b->dev));
	for (enum rate i = 0; i < RATES; i++) {
		if (average(b, i))
			buf_addf(&line, " %s=%" PRIu64, words[i].v2, average(b, i));
		else
			buf_addf(&line, " %s=max", words[i].v2);
	}
	return buf_error(&line) < 0 ? -ENOMEM : cgroup_write(CGROUP_IO, cgroup, "io.max", buf_str(&line));
}

static bool is_same(const struct block *a, const struct block *b)
{
	for (enum rate r = 0; r < RATES; r++)
		if (average(a, r) != average(b, r))
			return false;
	return true;
}

int disk_rates_write(struct object *o, const struct expanded *x, const char *cgroup, bool fresh, struct err *e)
{
	int (*put)(const char *path, const struct block *b, const struct block *was) =
		cgroup_version(CGROUP_IO) == 2 ? write_v2 : write_v1;
	struct blocks wanted = { .n = 0 }, now = { .n = 0 };
	size_t done = 0;
	int r = collect(o, x, &wanted, e);

	if (r < 0 || !cgroup_version(CGROUP_IO) || (fresh && !wanted.n))
		return r;
	r = read_now(cgroup, &now);
	if (r < 0)
		return wanted.n ? err_sys(e, -r, "cannot read what limits the group's block devices") : 0;
	/* both lists get the devices of the other */
	for (size_t i = 0; i < now.n; i++)
		block_of(&wanted, now.list[i].dev);
	for (r = 0; done < wanted.n && !r; done++) {
		const struct block *b = &wanted.list[done], *was = block_of(&now, b->dev);

		if (was && !is_same(b, was))
			r = put(cgroup, b, was);
	}
	if (!r)
		return 0;
	for (size_t i = 0; i < done; i++)
		put(cgroup, block_of(&now, wanted.list[i].dev), &wanted.list[i]);
	return err_sys(e, -r, "the kernel refuses a rate for the block device %u:%u", major(wanted.list[done - 1].dev),
		       minor(wanted.list[done - 1].dev));
}

/* ---- showing ---- */

/* NULL: they can be enforced. */
static const char *hindrance(struct object *o, const struct expanded_item *it)
{
	if (!cgroup_version(CGROUP_IO))
		return "this kernel has no control group controller for block devices (blkio, io)";
	return behind(o, it) ? NULL : "no block device is behind it";
}

static void print_held(const struct block *held, const struct block *asked, struct buf *out)
{
	buf_addf(out, "limits on block device %u:%u:", major(held->dev), minor(held->dev));
	for (enum rate r = 0; r < RATES; r++) {
		if (!held->n[r])
			continue;
		buf_addf(out, " %s=%" PRIu64 "%s", words[r].way, average(held, r), words[r].unit);
		if (asked->n[r] > 1)
			buf_addf(out, " (average of %u disks)", asked->n[r]);
	}
	if (cgroup_version(CGROUP_IO) == 1 && (held->n[WRITE_BYTES] || held->n[WRITE_IOPS]))
		buf_addstr(out, "; writes that wait in memory first are not slowed down by control groups of version 1");
	buf_addch(out, '\n');
}

void disk_rates_describe(struct object *o, const char *name, const char *cgroup, struct buf *out)
{
	_cleanup_expanded_ struct expanded x = { .items = NULL };
	struct blocks asked = { .n = 0 }, now = { .n = 0 };
	const struct block *a, *h;
	const struct expanded_item *it;
	uint64_t rates[RATES];
	const char *why;

	if (config_expand(o, &x, NULL) < 0)
		return;
	it = expanded_find(&x, ENT_DEVICE, name);
	if (!it || !rates_of(it, rates))
		return;
	why = hindrance(o, it);
	if (why) {
		buf_addf(out, NOT_HELD "%s\n", why);
		return;
	}
	if (collect(o, &x, &asked, NULL) < 0 || read_now(cgroup, &now) < 0)
		return;
	a = block_of(&asked, behind(o, it));
	h = a ? block_of(&now, a->dev) : NULL;
	if (h)
		print_held(h, a, out);
}

void disk_rates_warnings(struct object *o, const struct expanded *x, struct buf *out)
{
	uint64_t rates[RATES];

	for (size_t i = 0; i < x->n; i++) {
		const char *why = rates_of(&x->items[i], rates) ? hindrance(o, &x->items[i]) : NULL;

		if (why)
			buf_addf(out, "devices/%s: " NOT_HELD "%s\n", x->items[i].name, why);
	}
}
