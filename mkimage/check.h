/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What an image file contains, found out by reading all of it; nothing is unpacked. */
#pragma once

#include "backends/core/buf.h"
#include "backends/core/err.h"

/* Lines "name: value". Fails with the sentence that unpacking it would fail with. */
int check_image(const char *path, struct buf *out, struct err *e);
