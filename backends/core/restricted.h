/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a device would give of the host, and to whom: for config_*.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Whether only root may give this device (tree.md section 8): it has something of the host that no list in settings/restricted.*
 * names. Takes the model's lock.
 */
bool restricted_device(const char *text, size_t len);
