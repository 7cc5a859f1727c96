#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# poweroff inside: the state is stopped within a moment, without polling.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
background timeout 60 cat "$I/c1/wait/stopped"
mkdir "$I/c1/exec/p"
echo 'poweroff -f || halt -f || kill -9 1' >"$I/c1/exec/p/command"
wait "$BG"
wait_for 1 grep -qx stopped "$I/c1/state"
echo running >"$I/c1/state"
pid=$(cat "$I/c1/runtime/pid")
kill -KILL "$pid"
wait_for 2 grep -qx stopped "$I/c1/state"
assert_eq "$(grep -c '"instance-stopped"' "$M/events.log")" 2
