#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the administrator and the guest read is the same, and is what the control groups count, with memory, tmpfs and CPU in use.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
cd "$I/c1"
echo 256MiB >config/limits.memory
echo 0-0 >config/limits.cpu
inside() { run c1 "$1"; }
inside 'mount -t tmpfs none /mnt && dd if=/dev/zero of=/mnt/zeros bs=1M count=40 2>/dev/null; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done' >/dev/null

group=$(sed -n 's/^[0-9]*:memory://p' "/proc/$(cat runtime/pid)/cgroup")
memory=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)$group
[ -e "$memory/memory.stat" ] || memory=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)$(sed -n 's/^0:://p' "/proc/$(cat runtime/pid)/cgroup")
[ -e "$memory/memory.stat" ] || skip "no memory controller"
shmem() { awk '$1 == "total_shmem" || $1 == "shmem" { v = $2 } END { print int(v / 1024) }' "$memory/memory.stat"; }
field() { awk -v f="$1:" '$1 == f { print $2 }' proc/meminfo; }

assert_eq "$(field MemTotal)" 262144
[ "$(field Shmem)" -ge 40960 ] || fail "Shmem $(field Shmem)"
[ $(($(field Shmem) - $(shmem))) -lt 1024 ] || fail "Shmem $(field Shmem), the group has $(shmem)"
# tmpfs cannot be given back: it is not available
[ "$(field MemAvailable)" -lt $((262144 - 40960)) ] || fail "MemAvailable $(field MemAvailable)"
assert_eq "$(inside 'grep -E "^(MemTotal|SwapTotal|HugePages_Total)" /proc/meminfo')" "$(grep -E '^(MemTotal|SwapTotal|HugePages_Total)' proc/meminfo)"

# one numbering of CPUs everywhere
assert_eq "$(inside 'nproc; grep -c ^processor /proc/cpuinfo; grep -c "^cpu[0-9]" /proc/stat; cat /sys/devices/system/cpu/online' | tr '\n' ' ')" '1 1 1 0 '
assert_eq "$(grep '^processor' proc/cpuinfo | tr -d '\t ')" 'processor:0'

# times of its own, which only grow
busy() { awk '$1 == "cpu" { print $2 + $4 }' proc/stat; }
before=$(busy)
inside 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done' >/dev/null
[ "$(busy)" -gt "$before" ] || fail "CPU time $(busy) after $before"
up=$(cut -d' ' -f1 proc/uptime)
[ "${up%.*}" -lt 120 ] || fail "up for $up s"
assert_match "$(cat proc/loadavg)" '^[0-9]+\.[0-9]{2} [0-9]+\.[0-9]{2} [0-9]+\.[0-9]{2} [0-9]+/[0-9]+ [0-9]+ *$'
