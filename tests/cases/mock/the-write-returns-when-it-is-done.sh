#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A write to state blocks until the change is done; nobody else waits; progress tells what goes on.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
make_instance c2
mock_delay c1 2000
background "$SYS" open "$I/c1/state" w , write 'running\n'
sleep 0.4
assert_file "$I/c1/state" 'starting\n'
[ -s "$I/c1/progress" ] || fail "no progress"
assert_match "$(cat "$I/c1/progress")" start
begin=${EPOCHREALTIME/./}
cat "$I/c1/config/"* "$I/c2/state" >/dev/null
echo running >"$I/c2/state"
[ $((${EPOCHREALTIME/./} - begin)) -lt 1000000 ] || fail "others waited"
kill -0 "$BG" || fail "the write returned before the end"
wait "$BG"
assert_file "$I/c1/state" 'running\n'
assert_file "$I/c1/progress" ''
