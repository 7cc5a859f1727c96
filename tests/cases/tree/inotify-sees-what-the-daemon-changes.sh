#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A watcher sees writes of others, and changes of state that nobody wrote.
. "$(dirname "$0")/../../lib/case.sh"

needs_program inotifywait
start_instfs
make_instance c1
inotifywait -q -m -e modify,close_write,attrib --format '%f %e' "$I/c1" "$I/c1/state" "$I/c1/config" >"$T/seen" 2>"$T/err" &
watcher=$!
BACKGROUND+=("$watcher")
sleep 0.5
echo 64MiB >"$I/c1/config/limits.memory"
wait_for 5 grep -q 'limits.memory' "$T/seen"
: >"$T/seen"
echo 1500 >"$I/c1/config/user.mock.crash"
echo running >"$I/c1/state"
sleep 0.3
: >"$T/seen"
wait_file 5 "$I/c1/state" stopped
wait_for 5 grep -q 'state' "$T/seen"
