/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* metadata.yaml of an image (features.md section 4.3): parsed with limits, checked, printed. */
#pragma once

#include <stdint.h>

#include "backends/core/buf.h"
#include "backends/core/err.h"

#define METADATA_MAX (1u << 20)		/* bytes of the file */
#define METADATA_PROPERTIES_MAX 256
#define METADATA_TEMPLATES_MAX 256

struct metadata_property {
	char *name, *value;		/* UTF-8; a list is flattened to "a, b" */
};

struct metadata {
	char architecture[24];		/* the kernel's name, "x86_64" */
	int64_t created, expires;	/* expires 0: never */
	struct metadata_property *properties;	/* sorted by name, each name once */
	size_t n_properties;
	unsigned templates;
};

/* -EINVAL and a sentence that names the member and what is wrong with it. On failure *ret is untouched. */
int metadata_parse(const char *text, size_t len, struct metadata *ret, struct err *e);
void metadata_free(struct metadata *m);
#define _cleanup_metadata_ __attribute__((cleanup(metadata_free)))

/* One member in a line, as JSON: {"architecture":"x86_64","created":1,"expires":0,"properties":{...}}, for the unpacker's report. */
void metadata_print_json(const struct metadata *m, struct buf *out);
/* As metadata.yaml. */
void metadata_print_yaml(const struct metadata *m, struct buf *out);

/* The kernel's name of an architecture given by that or by Debian's name; NULL: we do not know it. */
const char *metadata_architecture(const char *name);
