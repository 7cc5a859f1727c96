#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# A virtual machine boots, is driven through its files, and stops when it is told to; what is not possible is refused with a reason.
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/machine.sh"

machine_ready
start_instfs
machine_image vm
assert_file "$M/images/vm/type" 'virtual-machine\n'
mkdir "$I/v"
echo images/vm >"$I/v/source"
assert_file "$I/v/type" 'virtual-machine\n'
echo 128MiB >"$I/v/config/limits.memory"
assert_match "$(cat "$I/v/proc/meminfo")" '^MemTotal: +131072 kB'
assert_file "$I/v/sys/devices/system/cpu/online" '0\n'
echo running >"$I/v/state"
pid=$(cat "$I/v/runtime/pid")

# A user of its own without any right, in a group of its own.
assert_match "$(cat "/proc/$pid/status")" '^Uid:	21473[0-9]+	'
assert_match "$(cat "/proc/$pid/status")" '^CapBnd:	0+$'
assert_match "$(cat "/proc/$pid/status")" '^Seccomp:	2$'
assert_match "$(cat "/proc/$pid/cgroup")" ':/instfs/v\.'
assert_ne "$(ps -o sid= "$pid" | tr -d ' ')" "$(ps -o sid= "$HOLDER" | tr -d ' ')" session

booted v 1
types v 'echo $((40 + 2)) of $(hostname)' '^42 of'
[ "$(cat "$I/v/usage/cpu.usage_ns")" -gt 100000000 ]
[ "$(cat "$I/v/usage/memory.current")" -gt 50000000 ]
assert_file "$I/v/usage/memory.limit" '134217728\n'

# Memory as the guest's own driver reports it, CPU time of the thread of the CPU, requests of the disk.
told() { [ "$(awk '/MemTotal/ { print $2 }' "$I/v/proc/meminfo")" -lt 131072 ]; }
wait_for 20 told
types v 'echo guest $(awk "/MemTotal/ { print \$2 }" /proc/meminfo)' "^guest $(awk '/MemTotal/ { print $2 }' "$I/v/proc/meminfo")"
assert_match "$(cat "$I/v/proc/stat")" '^cpu0 [1-9][0-9]+ 0 0 [0-9]+ '
assert_match "$(cat "$I/v/proc/cpuinfo")" '^model name	: QEMU'
assert_match "$(cat "$I/v/proc/diskstats")" ' vda [1-9][0-9]* [0-9]+ [1-9][0-9]* [0-9]+ [1-9]'
assert_match "$(cat "$I/v/proc/uptime")" '^[1-9][0-9]*\.[0-9]+ '

# Limits wait for the next start; they and what nobody does here are named.
echo 0-1 >"$I/v/config/limits.cpu"
assert_file "$I/v/runtime/pending" 'limits.cpu\n'
assert_match "$(cat "$I/v/runtime/warnings")" '^limits.cpu: not enforced'
assert_missing "$I/v/rootfs"
assert_eq "$(ls "$M/rootfs")" ""
assert_match "$(cat "$I/v/runtime/effective")" '^cpus: 1$'
assert_fails EOPNOTSUPP mkdir "$I/v/snapshots/s0"
assert_fails EOPNOTSUPP mkdir "$I/v/exec/x"

echo frozen >"$I/v/state"
before=$(sed -n 's/^cpu0 \([0-9]*\) .*/\1/p' "$I/v/proc/stat")
sleep 0.3
[ $(($(sed -n 's/^cpu0 \([0-9]*\) .*/\1/p' "$I/v/proc/stat") - before)) -le 5 ] || fail "it runs while it is frozen"
echo running >"$I/v/state"

echo stopped >"$I/v/state"
assert_file "$I/v/state" 'stopped\n'
[ ! -d "/proc/$pid" ] || fail "process $pid is still there"
assert_match "$(cat "$I/v/console")" 'Requesting system poweroff'
assert_match "$(cat "$I/v/proc/meminfo")" '^MemTotal: +131072 kB'
assert_file "$I/v/sys/devices/system/cpu/online" '0-1\n'
echo -e 'type=disk\nsource=/tmp\npath=/srv' >"$I/v/devices/data"
assert_write_fails EOPNOTSUPP "$I/v/state" running
assert_error_matches "$I/v/error" 'devices/'
assert_file "$I/v/state" 'stopped\n'
rm -r "$I/v"
