#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a kernel cannot enforce is accepted and named in runtime/warnings; what waits is in pending; stopped instances too.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

lxc_ready
start_instfs
make_instance c1
assert_file "$I/c1/runtime/warnings" ''
set_key c1 limits.network.priority 5
set_key c1 snapshots.schedule @daily
grep -q net_prio /proc/mounts || assert_match "$(cat "$I/c1/runtime/warnings")" '^limits.network.priority: not enforced: .*net_prio'
assert_match "$(cat "$I/c1/runtime/warnings")" '^snapshots.schedule: without effect'
mkdir "$M/profiles/p"
printf 'default\np\n' >"$I/c1/profiles"
echo 9 >"$M/profiles/p/config/limits.disk.priority"
grep -q '\[bfq\]' /sys/block/*/queue/scheduler || assert_match "$(cat "$I/c1/runtime/warnings")" '^limits.disk.priority: not enforced'
unset_key c1 limits.network.priority
unset_key c1 snapshots.schedule
echo running >"$I/c1/state"
wait_for 4 eval "! grep -q network '$I/c1/runtime/warnings'"
g=$(group hugetlb c1)
set_key c1 limits.hugepages.2MB 64MiB
if [ -n "$g" ] && [ -d /sys/kernel/mm/hugepages/hugepages-2048kB ]; then
	assert_eq "$(cat "$g/hugetlb.2MB.max" 2>/dev/null || cat "$g/hugetlb.2MB.limit_in_bytes")" 67108864
	assert_match "$(effective c1)" '^hugepages of 2MB: hard, 67108864 bytes$'
	unset_key c1 limits.hugepages.2MB
	wait_for 4 eval "! grep -q hugepages '$I/c1/runtime/effective'"
else
	assert_match "$(cat "$I/c1/runtime/warnings")" '^limits.hugepages.2MB: not enforced'
fi
set_key c1 security.nesting true
set_key c1 limits.memory 64MiB
assert_file "$I/c1/runtime/pending" 'security.nesting\n'
