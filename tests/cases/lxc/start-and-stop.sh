#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A busybox container starts, answers, and stops cleanly; nothing is left of it.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1
echo running >"$I/c1/state"
assert_file "$I/c1/state" 'running\n'
pid=$(cat "$I/c1/runtime/pid")
[ -d "/proc/$pid" ] || fail "no process $pid"
assert_match "$(tr '\0' ' ' <"/proc/$pid/cmdline")" init
assert_match "$(cat "$I/c1/runtime/started")" '^20'
[ "$(cat "$I/c1/usage/memory.current")" -gt 0 ]
[ "$(cat "$I/c1/usage/pids.current")" -gt 0 ]
echo stopped >"$I/c1/state"
assert_file "$I/c1/state" 'stopped\n'
[ ! -d "/proc/$pid" ] || fail "process $pid is still there"
assert_file "$I/c1/runtime/pid" ''
! grep -q "$T" /proc/mounts || [ "$(grep -c "$T" /proc/mounts)" -le 2 ] || fail "mounts are left: $(grep "$T" /proc/mounts)"
