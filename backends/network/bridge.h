/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The driver of managed networks: a bridge made with iproute2, an nft table, a dnsmasq. */
#pragma once

#include "backends/core/network.h"

extern const struct network_ops bridge_network;
