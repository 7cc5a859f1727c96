#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Allowance, hard and soft, and priority of the CPU, number of processes: in the group at once, felt inside.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

lxc_ready
start_instfs
make_instance c1 running
g=$(group cpu c1)
[ -n "$g" ] || skip "no cpu controller"
slice() { [ ! -e "$g/cpu.max" ] && echo "$(cat "$g/cpu.cfs_quota_us") $(cat "$g/cpu.cfs_period_us")" || cat "$g/cpu.max"; }
weight() { cat "$g/cpu.shares" 2>/dev/null || cat "$g/cpu.weight"; }
[ -e "$g/cpu.max" ] && full=100 || full=1024

set_key c1 limits.cpu.allowance 25ms/200ms
assert_eq "$(slice)" "25000 200000"
assert_match "$(effective c1)" '^cpu: hard, 25 ms per 200 ms \(0.1[23] CPUs\)$'
throttled() { awk '/nr_throttled/ { print $2 }' "$g/cpu.stat"; }
before=$(throttled)
run c1 'i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done' >/dev/null
[ "$(throttled)" -gt "$before" ] || fail "a busy loop was never throttled"
set_key c1 limits.cpu.allowance 50%
assert_eq "$(weight)" $((full / 2))
assert_match "$(slice)" '^(max|-1) '
assert_match "$(effective c1)" "^cpu: soft, weight $((full / 2)) "
set_key c1 limits.cpu.priority 5
assert_eq "$(weight)" $((full / 2 - 5))
assert_write_fails ERANGE "$I/c1/config/limits.cpu.allowance" 0%
assert_eq "$(weight)" $((full / 2 - 5))
unset_key c1 limits.cpu.allowance
unset_key c1 limits.cpu.priority
wait_for 4 eval "[ \"\$(weight)\" = $full ]"

set_key c1 limits.processes 12
assert_match "$(run c1 'for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14; do sleep 2 & done')" 'fork|[Rr]esource'
unset_key c1 limits.processes
