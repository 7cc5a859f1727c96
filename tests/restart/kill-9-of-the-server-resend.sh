#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Clients notice nothing when the server is killed and the kernel re-sends what was under way.
. "$(dirname "$0")/lib.sh"

start_instfs -o takeover=resend
memfs_load 150 60
