/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The text of a config.yaml that somebody wrote, kept beside the values: what changed since is put right in place, so that comments,
 * order and layout of everything else stay. For config_yaml.c.
 */
#pragma once

#include "backends/core/config_values.h"

/*
 * Adds to out the text as it is when it says v, else the text with single values replaced, lines of keys that are gone removed and
 * new keys added at the end of their map. False: out is untouched, the text cannot be put right (it has been written in braces, or
 * is no document any more).
 */
bool config_text_update(enum space s, const char *text, size_t len, const struct config_values *v, struct buf *out);
