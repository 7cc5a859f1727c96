#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The writer that waits gets its success from the next server, and the instance was started once.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
mock_delay c1 2500
background "$SYS" open "$I/c1/state" w , write 'running\n' , close
sleep 0.5
kill_server
assert_match "$(cat "$I/c1/state")" '^(starting|running)$'
wait "$BG"
assert_file "$I/c1/state" 'running\n'
assert_eq "$(grep -c 'instance-started' "$M/events.log")" 1 "starts"
