#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The same on kernels that do not re-send: requests come back from the slots that they were read into.
. "$(dirname "$0")/lib.sh"

start_instfs -o takeover=journal
memfs_load 150 60
