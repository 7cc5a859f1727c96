/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running instfs-unpack for an image, and what it found, as text that can be kept in a file. */
#pragma once

#include <jansson.h>

#include "backends/core/op.h"

/*
 * Unpacks fd (from its beginning) into the directory. On success *ret is a JSON object with fingerprint, size, type,
 * architecture, created, expires, properties; checked: image_facts_check() holds. The caller's json_decref().
 */
int image_unpack(int fd, const char *dir, struct op *op, json_t **ret, struct err *e);

/* What a record on disk, or a program, says must have the right shape before it is believed. */
int image_facts_check(const json_t *facts, struct err *e);
