#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With swap on the host and a container that does not fit into its memory, meminfo and swaps tell what its group has swapped out.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
truncate -s 0 "$T/swap"
dd if=/dev/zero of="$T/swap" bs=1M count=192 status=none
chmod 600 "$T/swap"
mkswap "$T/swap" >/dev/null
at_exit swapoff "$T/swap"
swapon "$T/swap" 2>/dev/null || skip "swap cannot be switched on here"
start_instfs
make_instance c1 running
cd "$I/c1"
echo 64MiB >config/limits.memory
echo 128MiB >config/limits.memory.swap
mkdir exec/x
echo 'mount -t tmpfs none /mnt && dd if=/dev/zero of=/mnt/zeros bs=1M count=100' >exec/x/command
cat exec/x/wait
assert_file exec/x/status '0\n'

cgroup=$(cat runtime/cgroup)
memory=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)/$cgroup
used() { awk '$1 == "total_swap" { print int($2 / 1024) }' "$memory/memory.stat"; }
if [ ! -e "$memory/memory.memsw.limit_in_bytes" ]; then
	memory=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)/$cgroup
	[ -e "$memory/memory.swap.current" ] || skip "this kernel does not count swap for groups"
	used() { echo $(($(cat "$memory/memory.swap.current") / 1024)); }
fi
field() { awk -v f="$1:" '$1 == f { print $2 }' "$T/meminfo"; }
cat proc/meminfo >"$T/meminfo"
shown=$(($(field SwapTotal) - $(field SwapFree)))
[ "$(used)" -gt 20000 ] || fail "only $(used) kB were swapped out"
[ $((shown - $(used))) -lt 2048 ] && [ $(($(used) - shown)) -lt 2048 ] || fail "meminfo has $shown kB, the group $(used)"
assert_eq "$(field MemTotal)" 65536
assert_match "$(cat proc/swaps)" "virtual.*[[:space:]]$(field SwapTotal)[[:space:]]"
# memory and swap limited together to the same size: what is swapped out is shown all the same
rm config/limits.memory.swap
wait_for 5 eval "cat proc/swaps >'$T/swaps' && [ \$(awk 'NR == 2 { print \$4 }' '$T/swaps') -gt 20000 ]"
# what is swapped out has no room in the group: swapoff fails as long as it is used
echo 'stopped force' >state
cd /
