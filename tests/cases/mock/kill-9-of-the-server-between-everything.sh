#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Readers, waiting readers of events, pollers, open handles and half-written values go on over kill -9.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
background cat "$M/events" >"$T/events"
background "$SYS" open "$I/c1/config/limits.memory" wt , write 12 , sleep 1500 , write '8MiB\n' , close
writer=$BG
background "$SYS" open "$I/c1/config/limits.memory" r , sleep 1500 , read 100
reader=$BG
background timeout 60 cat "$I/c1/wait/running"
waiter=$BG
echo scratch >"$I/c1/config/.scratch"
sleep 0.4
kill_server
assert_file "$I/c1/config/.scratch" 'scratch\n'
kill_server
wait "$writer"
wait "$reader"
assert_file "$I/c1/config/limits.memory" '128MiB\n'
echo running >"$I/c1/state"
wait "$waiter"
wait_for 5 grep -q started "$T/events"
"$PYTHON" -c 'import json, sys
s = [json.loads(l)["seq"] for l in open(sys.argv[1])]
assert s == list(range(s[0], s[0] + len(s))), s' "$T/events"
