// SPDX-License-Identifier: LGPL-2.1-or-later
#include "mkimage/writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "backends/core/cleanup.h"
#include "mkimage/metadata.h"

#define INITRAMFS_MAX (256u << 20)

typedef int (*fill_fn)(struct writer *w, const void *arg, struct err *e);

/* ---- members ---- */

int writer_add(struct writer *w, const char *path, mode_t mode, const char *data, size_t len, struct err *e)
{
	struct archive_entry *en = archive_entry_clear(w->entry);
	char name[512];

	snprintf(name, sizeof(name), "%s%s", w->prefix, path);
	if (!path[0] && name[0])
		name[strlen(name) - 1] = '\0';
	archive_entry_set_pathname(en, name[0] ? name : ".");
	archive_entry_set_mode(en, mode);
	archive_entry_set_uid(en, 0);
	archive_entry_set_gid(en, 0);
	archive_entry_set_mtime(en, w->time, 0);
	archive_entry_set_size(en, S_ISREG(mode) ? (int64_t)len : 0);
	if (S_ISLNK(mode))
		archive_entry_set_symlink(en, data);
	if (archive_write_header(w->a, en) != ARCHIVE_OK ||
	    (S_ISREG(mode) && archive_write_data(w->a, data, len) != (la_ssize_t)len))
		return err_set(e, archive_errno(w->a) > 0 ? archive_errno(w->a) : EIO, "cannot write \"%s\": %s", name,
			       archive_error_string(w->a));
	return 0;
}

int writer_add_rows(struct writer *w, const struct writer_row *rows, size_t n, struct err *e)
{
	int r = 0;

	for (size_t i = 0; i < n && !r; i++)
		r = writer_add(w, rows[i].path, rows[i].mode, rows[i].content, rows[i].content ? strlen(rows[i].content) : 0, e);
	return r;
}

int writer_add_metadata(struct writer *w, const struct writer_facts *f, const char *arch, struct err *e)
{
	struct metadata_property properties[] = {
		{ (char *)"architecture", (char *)arch }, { (char *)"description", (char *)f->description },
		{ (char *)"name", (char *)f->name }, { (char *)"os", (char *)"busybox" }, { (char *)"release", (char *)"1" },
	};
	struct metadata m = { .created = w->time, .properties = properties,
			      .n_properties = sizeof(properties) / sizeof(properties[0]) };
	_cleanup_buf_ struct buf text = BUF_INIT;

	snprintf(m.architecture, sizeof(m.architecture), "%s", arch);
	metadata_print_yaml(&m, &text);
	if (buf_error(&text))
		return err_set(e, ENOMEM, "not enough memory");
	return writer_add(w, "metadata.yaml", S_IFREG | 0644, text.data, text.len, e);
}

/* ---- the file ---- */

static int add_filter(struct archive *a, const char *out, struct err *e)
{
	static const struct { const char *ending; int filter; } filters[] = {
		{ ".tar", ARCHIVE_FILTER_NONE }, { ".tar.gz", ARCHIVE_FILTER_GZIP }, { ".tgz", ARCHIVE_FILTER_GZIP },
		{ ".tar.bz2", ARCHIVE_FILTER_BZIP2 }, { ".tar.xz", ARCHIVE_FILTER_XZ }, { ".txz", ARCHIVE_FILTER_XZ },
		{ ".tar.lzma", ARCHIVE_FILTER_LZMA }, { ".tar.zst", ARCHIVE_FILTER_ZSTD }, { ".tar.lz4", ARCHIVE_FILTER_LZ4 },
	};
	size_t len = strlen(out);

	for (size_t i = 0; i < sizeof(filters) / sizeof(filters[0]); i++) {
		size_t n = strlen(filters[i].ending);

		if (len <= n || strcmp(out + len - n, filters[i].ending) != 0)
			continue;
		if (archive_write_add_filter(a, filters[i].filter) != ARCHIVE_OK)
			return err_set(e, EOPNOTSUPP, "%s: the archive library cannot compress like this", out);
		/* gzip would store the present time. */
		if (filters[i].filter == ARCHIVE_FILTER_GZIP)
			archive_write_set_filter_option(a, "gzip", "timestamp", NULL);
		return 0;
	}
	return err_set(e, EINVAL, "%s: the name must end in .tar, .tar.gz, .tar.bz2, .tar.xz, .tar.lzma, .tar.zst or .tar.lz4", out);
}

/* An archive whose format is set already. */
static int write_to(struct archive *a, int fd, int64_t time, fill_fn fill, const void *arg, struct err *e)
{
	struct writer w = { .a = a, .entry = archive_entry_new(), .time = time, .prefix = "" };
	int r = 0;

	if (!w.entry)
		return err_set(e, ENOMEM, "not enough memory");
	if (archive_write_open_fd(a, fd) != ARCHIVE_OK)
		r = err_set(e, EIO, "cannot begin the archive: %s", archive_error_string(a));
	if (!r)
		r = fill(&w, arg, e);
	if (!r && archive_write_close(a) != ARCHIVE_OK)
		r = err_set(e, EIO, "cannot end the archive: %s", archive_error_string(a));
	archive_entry_free(w.entry);
	return r;
}

int writer_initramfs(struct buf *out, int64_t time, fill_fn fill, const void *arg, struct err *e)
{
	_cleanup_close_ int fd = memfd_create("initramfs", MFD_CLOEXEC);
	struct archive *a = archive_write_new();
	int r;

	if (fd < 0 || !a || archive_write_set_format_cpio_newc(a) != ARCHIVE_OK)
		r = err_set(e, ENOMEM, "cannot begin the initramfs");
	else
		r = write_to(a, fd, time, fill, arg, e);
	archive_write_free(a);
	if (!r && lseek(fd, 0, SEEK_SET) < 0)
		r = -errno;
	if (!r)
		r = buf_read_fd(out, fd, INITRAMFS_MAX);
	return r < 0 && e && !e->code ? err_sys(e, -r, "cannot read the initramfs") : r;
}

int writer_image(const char *out, int64_t time, fill_fn fill, const void *arg, struct err *e)
{
	_cleanup_free_ char *tmp = NULL;
	struct archive *a;
	int fd, r;

	if (asprintf(&tmp, "%s.XXXXXX", out) < 0) {
		tmp = NULL;
		return err_set(e, ENOMEM, "not enough memory");
	}
	fd = mkostemp(tmp, O_CLOEXEC);
	if (fd < 0)
		return err_sys(e, errno, "cannot make %s", tmp);
	a = archive_write_new();
	r = a && archive_write_set_format_pax_restricted(a) == ARCHIVE_OK ? add_filter(a, out, e) : err_set(e, ENOMEM, "not enough memory");
	if (!r)
		r = write_to(a, fd, time, fill, arg, e);
	archive_write_free(a);
	if (!r && (fchmod(fd, 0644) < 0 || fsync(fd) < 0 || rename(tmp, out) < 0))
		r = err_sys(e, errno, "cannot write %s", out);
	close(fd);
	if (r < 0)
		unlink(tmp);
	return r;
}
