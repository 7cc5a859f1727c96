/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Root file systems as a layer of changes over the unpacked image: created at once, whatever the size of the image. */
#pragma once

#include "backends/core/storage.h"

extern const struct storage_ops overlay_storage;
