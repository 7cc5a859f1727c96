/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Proxies with nat=true: a table of nft for each, whose name comes from store, instance and device, as those of nics do. */
#pragma once

#include "backends/core/proxy.h"

/* p->connect.address is the instance's. Replaces what there is. */
int proxy_nat_make(uint32_t instance, const char *device, const struct proxy *p, struct err *e);
/* Not there: 0. */
int proxy_nat_remove(uint32_t instance, const char *device, struct err *e);
