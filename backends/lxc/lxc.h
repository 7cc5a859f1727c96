/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The LXC backend: containers through liblxc, which only the helper instfs-lxc calls. */
#pragma once

#include "backends/core/backend.h"

extern const struct backend_ops lxc_backend;
