#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# timeout: 240
# A virtual machine boots, is driven through its files, outlives servers, mounts and a QEMU that hangs, and stops; its disk stays. What is
# not possible is refused with a reason. All in two boots, which take seconds each.
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

# Limits wait for the next start; they and what nobody does here are named.
echo 0-1 >"$I/v/config/limits.cpu"
assert_file "$I/v/runtime/pending" 'limits.cpu\n'
assert_match "$(cat "$I/v/runtime/warnings")" '^limits.cpu: not enforced'
assert_match "$(cat "$I/v/runtime/effective")" '^cpus: 1$'
assert_missing "$I/v/rootfs"
assert_eq "$(ls "$M/rootfs")" ""
assert_fails EOPNOTSUPP mkdir "$I/v/snapshots/s0"
assert_fails EOPNOTSUPP mkdir "$I/v/exec/x"

# Memory as the guest's own driver reports it, CPU time of the thread of the CPU, requests of the disk.
booted v 1
told() { [ "$(awk '/MemTotal/ { print $2 }' "$I/v/proc/meminfo")" -lt 131072 ]; }
wait_for 20 told
types v 'echo guest $(awk "/MemTotal/ { print \$2 }" /proc/meminfo)' "^guest $(awk '/MemTotal/ { print $2 }' "$I/v/proc/meminfo")"
assert_match "$(cat "$I/v/proc/stat")" '^cpu0 [1-9][0-9]+ 0 0 [0-9]+ '
assert_match "$(cat "$I/v/proc/cpuinfo")" '^model name	: QEMU'
assert_match "$(cat "$I/v/proc/diskstats")" ' vda [1-9][0-9]* [0-9]+ [1-9][0-9]* [0-9]+ [1-9]'
assert_match "$(cat "$I/v/proc/uptime")" '^[1-9][0-9]*\.[0-9]+ '
[ "$(cat "$I/v/usage/cpu.usage_ns")" -gt 100000000 ]
[ "$(cat "$I/v/usage/memory.current")" -gt 50000000 ]
assert_file "$I/v/usage/memory.limit" '134217728\n'

# A QEMU that hangs keeps nobody waiting, neither readers nor the next server.
kill -STOP "$pid"
timeout 60 cat "$I"/v/proc/{meminfo,stat,diskstats} >/dev/null
kill_server
assert_file "$I/v/state" 'running\n'
assert_match "$(timeout 60 cat "$I/v/proc/meminfo")" '^MemTotal: +131072 kB'
kill -CONT "$pid"
types v 'echo $((40 + 2)) here' '^42 here'

# Frozen it does not run, and is found so by the next daemon.
ticks() { sed -n 's/^cpu0 \([0-9]*\) .*/\1/p' "$I/v/proc/stat"; }
echo frozen >"$I/v/state"
known() { [ "$(ticks)" -gt 0 ]; }
wait_for 20 known
before=$(ticks)
stop_instfs
start_instfs
assert_file "$I/v/state" 'frozen\n'
assert_file "$I/v/runtime/pid" "$pid\n"
wait_for 20 known
[ $(($(ticks) - before)) -le 5 ] || fail "it ran while it was frozen"
echo running >"$I/v/state"

# Somebody else stops it, by the second monitor.
"$PYTHON" - "$(run_dir)"/qemu/*/monitor <<'END'
import socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
f = s.makefile('rw')
for command in ('qmp_capabilities', 'stop'):
    f.readline()
    f.write('{"execute": "%s"}\n' % command)
    f.flush()
f.readline()
END
wait_file 10 "$I/v/state" frozen
echo running >"$I/v/state"

# It switches itself off.
echo 'poweroff -f' >"$I/v/console"
wait_file 30 "$I/v/state" stopped
wait_for 5 test ! -d "/proc/$pid"
assert_match "$(cat "$I/v/proc/meminfo")" '^MemTotal: +131072 kB'
assert_file "$I/v/sys/devices/system/cpu/online" '0-1\n'
echo -e 'type=disk\nsource=/tmp\npath=/srv' >"$I/v/devices/data"
assert_write_fails EOPNOTSUPP "$I/v/state" running
assert_error_matches "$I/v/error" 'devices/data'
echo 1 >"$I/v/config/limits.cpu"
echo type=none >"$I/v/devices/data"

# Started again, over a kill of the server, it finds its disk; the power button ends it.
echo running async >"$I/v/state"
kill_server
wait_file 30 "$I/v/state" running
pid=$(cat "$I/v/runtime/pid")
booted v 2
echo stopped >"$I/v/state"
assert_match "$(cat "$I/v/console")" 'Requesting system poweroff'
wait_for 5 test ! -d "/proc/$pid"
! compgen -G "$(run_dir)/qemu/*/qmp" >/dev/null || fail "sockets are left"
! find /sys/fs/cgroup -path "*/instfs/v.$(basename "$(run_dir)" | cut -c-12)" | grep -q . || fail "control groups are left"
rm -r "$I/v"
