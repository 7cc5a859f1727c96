#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# umount ends the daemon, containers go on; the next mount adopts them with everything.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
pid=$(cat "$I/c1/runtime/pid")
started=$(cat "$I/c1/runtime/started")
mkdir "$I/c1/exec/keep"
echo 'sleep 3; echo survived' >"$I/c1/exec/keep/command"
stop_instfs
[ -d "/proc/$pid" ] || fail "the container ended with the daemon"
start_instfs
assert_file "$I/c1/state" 'running\n'
assert_eq "$(cat "$I/c1/runtime/pid")" "$pid"
assert_eq "$(cat "$I/c1/runtime/started")" "$started"
echo 64MiB >"$I/c1/config/limits.memory"
assert_file "$I/c1/usage/memory.limit" '67108864\n'
kill -KILL "$pid"
wait_for 2 grep -qx stopped "$I/c1/state"
echo running >"$I/c1/state"
stop_instfs
kill -KILL "$(grep -o '"init_pid": *[0-9]*' "$S/instances/c1/run.json" | grep -o '[0-9]*$')"
sleep 0.5
start_instfs
assert_file "$I/c1/state" 'stopped\n'
