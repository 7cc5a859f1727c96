/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "backends/core/backend.h"

extern const struct backend_ops qemu_backend;
