/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A backend without containers: for tests, for trying the tree out, and without root. It obeys keys of the
 * instance's configuration:
 *
 *     user.mock.delay   milliseconds that each start, clean stop, freeze and thaw takes
 *     user.mock.fail    words of start, stop, freeze, thaw, apply, adopt: these fail with EIO
 *     user.mock.crash   milliseconds after the start at which the instance ends by itself
 *
 * Commands given to exec: true, false, exit N, sleep SECONDS, echo TEXT, cat (copies stdin); what it does not know ends with 127.
 */
#pragma once

#include "backends/core/backend.h"
#include "backends/core/network.h"

extern const struct backend_ops mock_backend;
extern const struct network_ops mock_network;	/* networks that are remembered, and nothing is done for them */
