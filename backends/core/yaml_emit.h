/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* YAML as LXD prints it: block style, strings quoted where they would be read as something else. Failures are sticky. */
#pragma once

#include <stdbool.h>
#include <yaml.h>

#include "backends/core/buf.h"

struct yaml_out {
	yaml_emitter_t em;
	bool failed;
};

/* The text is added to out, which stays the caller's. */
void yaml_begin(struct yaml_out *y, struct buf *out);
/* 0 or -ENOMEM. */
int yaml_end(struct yaml_out *y);

void yaml_map(struct yaml_out *y, bool empty);
void yaml_map_end(struct yaml_out *y);
void yaml_list(struct yaml_out *y, bool empty);
void yaml_list_end(struct yaml_out *y);
/* A string, quoted when need be. */
void yaml_string(struct yaml_out *y, const char *s);
/* As it stands: names of members, true, false. */
void yaml_word(struct yaml_out *y, const char *s);
