#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# An operation that crashes every server is given up after three; who waits for it hears why, and the tree goes on.
REAL=1
. "$(dirname "$0")/lib.sh"
allow_log 'killed by signal 6|starting another|took over|was given up'

start_instfs
mkdir "$I/bad" "$I/good"
echo none >"$I/bad/source"
echo none >"$I/good/source"
mock_fail bad crash
assert_fails EIO "$SYS" open "$I/bad/state" wt , write 'running\n'
assert_error_matches "$I/bad/error" 'start.*crashed the server 3 times'
assert_file "$I/bad/state" 'stopped\n'
assert_eq "$(grep -c 'killed by signal 6' "$LOG")" 3
echo running >"$I/good/state"
mock_fail bad
echo running >"$I/bad/state"
assert_file "$I/bad/state" 'running\n'
