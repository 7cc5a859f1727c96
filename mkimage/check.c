// SPDX-License-Identifier: LGPL-2.1-or-later
/* See the header. For people who look at files of their own choice: it runs with their rights, unconfined. */
#include "mkimage/check.h"

#include <archive.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <openssl/evp.h>
#include <string.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "backends/core/value.h"
#include "mkimage/magic.h"
#include "mkimage/unpack.h"

static int hash_chunks(int fd, EVP_MD_CTX *hash, uint64_t *size)
{
	char chunk[65536];

	for (;;) {
		ssize_t n = read(fd, chunk, sizeof(chunk));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : 0;
		*size += (uint64_t)n;
		if (EVP_DigestUpdate(hash, chunk, (size_t)n) != 1)
			return -EIO;
	}
}

static int print_hash(int fd, struct buf *out, struct err *e)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	uint64_t size = 0;
	int r = hash && EVP_DigestInit_ex(hash, EVP_sha256(), NULL) == 1 ? 0 : -ENOMEM;

	if (!r)
		r = hash_chunks(fd, hash, &size);
	if (!r && EVP_DigestFinal_ex(hash, md, &n) != 1)
		r = -EIO;
	EVP_MD_CTX_free(hash);
	if (r < 0)
		return err_sys(e, -r, "cannot read the file");
	buf_addf(out, "size: %" PRIu64 "\nfingerprint: ", size);
	for (unsigned i = 0; i < n; i++)
		buf_addf(out, "%02x", md[i]);
	buf_addch(out, '\n');
	return lseek(fd, 0, SEEK_SET) < 0 ? err_sys(e, errno, "cannot read the file twice") : 0;
}

static int print_format(int fd, struct buf *out, struct err *e)
{
	char first[MAGIC_BYTES];
	ssize_t n = pread(fd, first, sizeof(first), 0);
	enum magic m;

	if (n < 0)
		return err_sys(e, errno, "cannot read the file");
	m = magic_detect(first, (size_t)n);
	if (m == MAGIC_EMPTY)
		return err_set(e, EINVAL, "the file is empty");
	if (m == MAGIC_SQUASHFS || m == MAGIC_QCOW2)
		return err_set(e, EOPNOTSUPP, "a %s file is one half of a split image, which cannot be used yet", magic_name(m));
	buf_addf(out, "format: %s\n", magic_name(m));
	return 0;
}

static void print_found(const struct unpacked *u, struct buf *out)
{
	buf_addf(out, "type: %s\narchitecture: %s\ncreated: ", unpacked_type(u), u->metadata.architecture);
	value_print_time(out, (time_t)u->metadata.created);
	buf_addstr(out, "\nexpires: ");
	if (u->metadata.expires)
		value_print_time(out, (time_t)u->metadata.expires);
	else
		buf_addstr(out, "never");
	buf_addf(out, "\nmembers: %" PRIu64 "\nbytes: %" PRIu64 "\ntemplates: %u\n", u->entries, u->bytes, u->metadata.templates);
	for (size_t i = 0; i < u->metadata.n_properties; i++)
		buf_addf(out, "properties/%s: %s\n", u->metadata.properties[i].name, u->metadata.properties[i].value);
}

int check_image(const char *path, struct buf *out, struct err *e)
{
	static const struct unpack_limits limits = UNPACK_LIMITS_DEFAULT;
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct unpacked u;
	struct archive *a;
	int r;

	if (fd < 0)
		return err_sys(e, errno, "cannot open %s", path);
	r = print_format(fd, out, e);
	if (!r)
		r = print_hash(fd, out, e);
	if (r < 0)
		return r;
	a = unpack_open(fd, e);
	if (!a)
		return -EINVAL;
	r = unpack_archive(a, -1, &limits, &u, e);
	archive_read_free(a);
	if (r < 0)
		return r;
	print_found(&u, out);
	metadata_free(&u.metadata);
	return buf_error(out);
}
