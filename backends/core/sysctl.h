/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* linux.sysctl.*: which parameters of the kernel belong to namespaces, so that each instance has its own. */
#pragma once

#include "backends/core/err.h"

/* "net.ipv4.ip_forward". EINVAL: not a name; EPERM: one for the whole host, or set by instfs itself. */
int sysctl_check_name(const char *name, struct err *e);
