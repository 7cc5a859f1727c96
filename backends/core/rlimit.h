/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* limits.kernel.*: limits of single processes, by the names that prlimit(1) and liblxc use. */
#pragma once

#include <stdbool.h>
#include <sys/resource.h>

#include "backends/core/err.h"

struct rlimit_name {
	const char *name;	/* "nofile" */
	int resource;		/* RLIMIT_NOFILE */
	bool bytes;		/* sizes with units may be written */
};

/* NULL and a sentence with the known names: there is none. */
const struct rlimit_name *rlimit_find(const char *name, struct err *e);

/* NULL behind the last one. */
const struct rlimit_name *rlimit_by_index(int i);

/* "1024", "1024:4096", "unlimited", "64MiB" (where it counts bytes). EINVAL; ERANGE: soft above hard, or more than fs.nr_open. */
int rlimit_parse(const char *name, const char *value, struct rlimit *ret, struct err *e);
