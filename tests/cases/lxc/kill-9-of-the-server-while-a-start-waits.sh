#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A waiting start survives kill -9 of the server, and so does a running command.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1
background "$SYS" open "$I/c1/state" w , write 'running\n' , close
sleep 0.02
kill_server
wait "$BG"
assert_file "$I/c1/state" 'running\n'
pid=$(cat "$I/c1/runtime/pid")
mkdir "$I/c1/exec/a"
echo 'sleep 2; echo done' >"$I/c1/exec/a/command"
kill_server
assert_eq "$(cat "$I/c1/runtime/pid")" "$pid"
timeout 60 cat "$I/c1/exec/a/wait" >/dev/null
assert_file "$I/c1/exec/a/stdout" 'done\n'
assert_file "$I/c1/exec/a/status" '0\n'
background "$SYS" open "$I/c1/state" w , write 'stopped force\n' , close
kill_server
wait "$BG"
assert_file "$I/c1/state" 'stopped\n'
