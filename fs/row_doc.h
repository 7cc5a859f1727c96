/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reference of the tree (doc/tree.md), printed from the rows; a test compares the two. */
#pragma once

#include "backends/core/buf.h"

void row_print_markdown(struct buf *out);
