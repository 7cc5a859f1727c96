// SPDX-License-Identifier: LGPL-2.1-or-later
/* The header of qcow2: numbers in network order at fixed places; from version 3 on with words of features. */
#include "mkimage/disk.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mkimage/magic.h"

#define SIZE_MAX_DISK (UINT64_C(1) << 46)	/* 64 TiB */

enum {		/* bits of the features that a reader has to know */
	DIRTY = 1 << 0, DATA_FILE = 1 << 2, COMPRESSION = 1 << 3, EXTENDED_L2 = 1 << 4,
};

struct header {
	uint32_t version, cluster_bits, encryption;
	uint64_t backing, size, incompatible;
};

static uint32_t number32(const unsigned char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return be32toh(v);
}

static uint64_t number64(const unsigned char *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return be64toh(v);
}

static int check_header(const struct header *h, bool backing, struct err *e)
{
	if (h->version < 2 || h->version > 3 || h->cluster_bits < 9 || h->cluster_bits > 21 || !h->size || h->size > SIZE_MAX_DISK)
		return err_set(e, EINVAL, "the header of the qcow2 disk is damaged (version %" PRIu32 ", size %" PRIu64 ")", h->version, h->size);
	if (h->backing && !backing)
		return err_set(e, EPERM, "the qcow2 disk is a layer over another file; only complete disks can be used (qemu-img convert "
			       "makes one)");
	if (h->incompatible & DATA_FILE)
		return err_set(e, EPERM, "the qcow2 disk keeps its data in another file; only complete disks can be used");
	if (h->encryption)
		return err_set(e, EOPNOTSUPP, "the qcow2 disk is encrypted, which cannot be used");
	if (h->incompatible & ~(uint64_t)(DIRTY | DATA_FILE | COMPRESSION | EXTENDED_L2))
		return err_set(e, EOPNOTSUPP, "the qcow2 disk has features (%" PRIx64 ") that are unknown, or is marked as corrupt",
			       h->incompatible);
	return 0;
}

static int check_raw(int fd, uint64_t *size, struct err *e)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return err_sys(e, errno, "cannot look at the disk");
	if (!st.st_size)
		return err_set(e, EINVAL, "the disk is empty");
	*size = (uint64_t)st.st_size;
	return 0;
}

int disk_check(int fd, bool backing, bool *qcow2, uint64_t *size, struct err *e)
{
	unsigned char raw[MAGIC_BYTES] = { 0 };
	ssize_t n = pread(fd, raw, sizeof(raw), 0);
	struct header h;
	bool is_qcow2;
	int r;

	if (n < 0)
		return err_sys(e, errno, "cannot read the disk");
	is_qcow2 = magic_detect(raw, (size_t)n) == MAGIC_QCOW2;
	h = (struct header){ .version = number32(raw + 4), .backing = number64(raw + 8), .cluster_bits = number32(raw + 20),
			     .size = number64(raw + 24), .encryption = number32(raw + 32) };
	if (h.version >= 3)
		h.incompatible = number64(raw + 72);
	r = is_qcow2 ? check_header(&h, backing, e) : check_raw(fd, size, e);
	if (r < 0)
		return r;
	if (is_qcow2)
		*size = h.size;
	if (qcow2)
		*qcow2 = is_qcow2;
	return 0;
}
