/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Root file systems as plain directories: full copies, which share blocks where the file system has reflinks. */
#pragma once

#include "backends/core/storage.h"

extern const struct storage_ops dir_storage;
