#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshot, copy and restore work on what a running container has written.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
mkdir "$I/c1/exec/a"
echo 'echo one >/file; sync' >"$I/c1/exec/a/command"
timeout 60 cat "$I/c1/exec/a/wait" >/dev/null
mkdir "$I/c1/snapshots/s0"
assert_file "$I/c1/state" 'running\n'
assert_file "$M/rootfs/c1@s0/file" 'one\n'
mkdir "$I/c2"
echo instances/c1/snapshots/s0 >"$I/c2/source"
echo running >"$I/c2/state"
mkdir "$I/c2/exec/a"
echo 'cat /file' >"$I/c2/exec/a/command"
timeout 60 cat "$I/c2/exec/a/wait" >/dev/null
assert_file "$I/c2/exec/a/stdout" 'one\n'
assert_ne "$(cat "$I/c1/runtime/pid")" "$(cat "$I/c2/runtime/pid")" pid
