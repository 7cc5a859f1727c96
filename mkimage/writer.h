/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making an image file: members one after the other, owned by root, all of one time. No temporary directory. */
#pragma once

#include <stdint.h>
#include <sys/stat.h>

#include "backends/core/buf.h"
#include "backends/core/err.h"

struct archive;
struct archive_entry;

struct writer {
	struct archive *a;
	struct archive_entry *entry;
	int64_t time;
	const char *prefix;	/* of all names */
};

struct writer_row {
	const char *path;
	mode_t mode;		/* with S_IFDIR, S_IFREG or S_IFLNK */
	const char *content;	/* or target of the link */
};

struct writer_facts {
	const char *name, *description;
};

int writer_add(struct writer *w, const char *path, mode_t mode, const char *data, size_t len, struct err *e);
int writer_add_rows(struct writer *w, const struct writer_row *rows, size_t n, struct err *e);
int writer_add_metadata(struct writer *w, const struct writer_facts *f, const char *arch, struct err *e);

/* The file out, with what fill() adds; its ending says how it is compressed. Complete, or as it was before. */
int writer_image(const char *out, int64_t time, int (*fill)(struct writer *w, const void *arg, struct err *e), const void *arg,
		 struct err *e);
/* The same into memory, as the kernel takes a first file system: cpio, not compressed. */
int writer_initramfs(struct buf *out, int64_t time, int (*fill)(struct writer *w, const void *arg, struct err *e), const void *arg,
		     struct err *e);
