#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A reboot from inside: the instance keeps running with another init, its limits of now, and nobody is told that it stopped.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
pid=$(cat "$I/c1/runtime/pid")
echo 80MiB >"$I/c1/config/limits.memory"
mkdir "$I/c1/exec/r"
echo 'reboot -f' >"$I/c1/exec/r/command"
timeout 10 cat "$I/c1/exec/r/wait" >/dev/null
wait_for 10 eval "[ \"\$(cat $I/c1/runtime/pid)\" != $pid ]"
assert_file "$I/c1/state" 'running\n'
wait_for 5 grep -qx 'memory: hard, 83886080 bytes' "$I/c1/runtime/effective"
mkdir "$I/c1/exec/a"
echo 'echo alive' >"$I/c1/exec/a/command"
timeout 10 cat "$I/c1/exec/a/wait" >/dev/null
assert_file "$I/c1/exec/a/stdout" 'alive\n'
assert_eq "$(grep -c '"instance-stopped"' "$M/events.log" || true)" 0
kill_server
assert_ne "$(cat "$I/c1/runtime/pid")" "$pid" pid
allow_log 'killed by signal 9'
echo 'stopped force' >"$I/c1/state"
