#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The server kills itself before, inside and behind a change and its answer: nothing is done twice, nothing is lost.
. "$(dirname "$0")/lib.sh"

export MEMFS_CRASH=60
start_instfs -o takeover=resend
memfs_load 60 100 -x
stop_instfs
start_instfs -o takeover=journal
memfs_load 60 100 -x
[ "$(grep -c 'killed by signal 9' "$LOG")" -gt 100 ] || fail "too few deaths for a test"
