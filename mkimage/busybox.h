/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A small bootable image made of nothing but a static busybox; no network, no root, no temporary directory. */
#pragma once

#include <stdint.h>

#include "backends/core/buf.h"
#include "backends/core/err.h"

struct writer;

struct busybox_options {
	const char *binary;	/* NULL: the host's, /bin/busybox */
	const char *arch;	/* NULL: the binary's; else it must be that */
	const char *out;	/* file; its ending says how it is compressed */
	int64_t time;		/* of all files and creation_date: same input, same bytes */
};

int busybox_build(const struct busybox_options *o, struct err *e);

/* For images of which it is a part: the binary, checked, with its architecture; and the whole system around it. */
int busybox_read(const struct busybox_options *o, struct buf *binary, const char **arch, struct err *e);
int busybox_write(struct writer *w, const struct buf *binary, struct err *e);
