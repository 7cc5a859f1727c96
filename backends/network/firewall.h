/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The nft table of a network: text only. One table per network, replaced as a whole in one transaction. */
#pragma once

#include "backends/core/network.h"

/* Text for `nft -f`: the table as c wants it, or its removal. Empty when there is nothing to do with it at all. */
void firewall_print(const struct network_config *c, struct buf *out);
/* Whether c needs a table. */
bool firewall_wanted(const struct network_config *c);
/* Removes it, whether it is there or not. */
void firewall_print_removal(const char *network, struct buf *out);
