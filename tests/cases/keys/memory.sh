#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Memory: hard, soft, percent, swap allowed or not or so much, swappiness; each is in the group when the write returns.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

lxc_ready
start_instfs
make_instance c1 running
g=$(group memory c1)
[ -n "$g" ] || skip "no memory controller"
total=$(awk '/^MemTotal/ { print $2 * 1024 }' /proc/meminfo)
if [ -e "$g/memory.max" ]; then
	hard=memory.max soft=memory.high none=max
else
	hard=memory.limit_in_bytes soft=memory.soft_limit_in_bytes none=9223372036854771712
fi
set_key c1 limits.memory 64MiB
assert_eq "$(cat "$g/$hard")" 67108864
assert_match "$(effective c1)" '^memory: hard, 67108864 bytes$'
set_key c1 limits.memory.enforce soft
assert_eq "$(cat "$g/$hard") $(cat "$g/$soft")" "$none 67108864"
assert_match "$(effective c1)" '^memory: soft, 67108864 bytes$'
unset_key c1 limits.memory.enforce
wait_for 4 grep -qx 67108864 "$g/$hard"
set_key c1 limits.memory 50%
awk -v t="$total" -v m="$(cat "$g/$hard")" 'BEGIN { exit !(m > t / 2 - 65536 && m < t / 2 + 65536) }' || fail "50 % is $(cat "$g/$hard") of $total"
set_key c1 limits.memory 100MB
assert_eq "$(cat "$g/$hard")" $((100000000 / 4096 * 4096))
set_key c1 limits.memory 64MiB
set_key c1 limits.memory.swap 32MiB
[ ! -e "$g/memory.memsw.limit_in_bytes" ] || assert_eq "$(cat "$g/memory.memsw.limit_in_bytes")" $((96 << 20))
[ ! -e "$g/memory.swap.max" ] || assert_eq "$(cat "$g/memory.swap.max")" $((32 << 20))
set_key c1 limits.memory.swap.priority 3
[ ! -e "$g/memory.swappiness" ] || assert_eq "$(cat "$g/memory.swappiness")" 67
set_key c1 limits.memory.swap false
[ ! -e "$g/memory.swappiness" ] || assert_eq "$(cat "$g/memory.swappiness")" 0
assert_match "$(effective c1)" '^swap: (only when nothing else helps|none)'

# What the guest needs now cannot be taken away: refused, and everything is as before.
run c1 'dd if=/dev/zero of=/dev/shm/x bs=1M count=20 2>/dev/null || dd if=/dev/zero of=/x bs=1M count=20; sleep 300 </dev/null >/dev/null 2>&1 &' >/dev/null
assert_write_fails 'EBUSY' "$I/c1/config/limits.memory" 64KiB
assert_error_matches "$I/c1/error" 'limits.memory|memory.limit_in_bytes'
assert_file "$I/c1/config/limits.memory" '64MiB\n'
assert_eq "$(cat "$g/$hard")" 67108864
