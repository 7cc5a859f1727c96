/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.kernel_modules: loaded before an instance starts. */
#pragma once

#include "backends/core/config.h"

/* By modprobe, those that are not there yet. EIO with what modprobe says. */
int modules_load(const struct expanded *x, struct err *e);
