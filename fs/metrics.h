/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file `metrics`: OpenMetrics text over all instances, rendered when it is read. */
#pragma once

#include "fs/row.h"

int metrics_show(struct view *v, struct buf *out, struct err *e);
