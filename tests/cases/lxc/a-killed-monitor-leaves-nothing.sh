#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# kill -9 of the monitor ends the instance; no control group, process or mount stays, and it starts again.
. "$(dirname "$0")/../../lib/case.sh"

find_groups() {
	find /sys/fs/cgroup -maxdepth 3 -path "*/$1" -o -maxdepth 3 -path "*/${1/instfs/instfs.monitor}"
}

lxc_ready
start_instfs
make_instance c1 running
pid=$(cat "$I/c1/runtime/pid")
group=$(cat "$I/c1/runtime/cgroup")
monitor=$(awk '$1 == "PPid:" { print $2 }' "/proc/$pid/status")
grep -aq 'instfs monitor' "/proc/$monitor/cmdline" || fail "the parent of init is no monitor"
assert_ne "$(find_groups "$group")" '' groups
kill -KILL "$monitor"
wait_for 5 grep -qx stopped "$I/c1/state"
! grep '^State:' "/proc/$pid/status" 2>/dev/null | grep -qv Z || fail "init still runs"
assert_eq "$(find_groups "$group")" '' groups
! grep -q "${group##*.}[^ ]*/lxc/c1/rootfs" /proc/self/mounts || fail "its root is still mounted for it"
echo running >"$I/c1/state"
echo 'stopped force' >"$I/c1/state"
assert_eq "$(find_groups "$group")" '' groups
