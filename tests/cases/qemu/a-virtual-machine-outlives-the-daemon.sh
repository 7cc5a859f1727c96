#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# A virtual machine goes on when the server is killed and when the tree is unmounted; what it does by itself is seen; its disk stays.
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/machine.sh"

machine_ready
start_instfs
machine_image vm
mkdir "$I/v"
echo images/vm >"$I/v/source"
echo 96MiB >"$I/v/config/limits.memory"
echo running async >"$I/v/state"
kill_server
wait_file 30 "$I/v/state" running
pid=$(cat "$I/v/runtime/pid")
booted v 1
assert_file "$I/v/runtime/pid" "$pid\n"
types v 'echo $((40 + 2)) here' '^42 here'

# A QEMU that hangs keeps nobody waiting, neither readers nor the next server.
kill -STOP "$pid"
timeout 5 cat "$I"/v/proc/{meminfo,stat,diskstats} >/dev/null
kill_server
assert_file "$I/v/state" 'running\n'
assert_match "$(timeout 5 cat "$I/v/proc/meminfo")" '^MemTotal: +98304 kB'
kill -CONT "$pid"
echo frozen >"$I/v/state"
stop_instfs
start_instfs
assert_file "$I/v/state" 'frozen\n'
assert_file "$I/v/runtime/pid" "$pid\n"
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

echo poweroff >"$I/v/console"
wait_file 30 "$I/v/state" stopped
wait_for 5 test ! -d "/proc/$pid"
echo running >"$I/v/state"
booted v 2
echo stopped force >"$I/v/state"
! compgen -G "$(run_dir)/qemu/*/qmp" >/dev/null || fail "sockets are left"
! find /sys/fs/cgroup -path "*/instfs/v.$(basename "$(run_dir)" | cut -c-12)" | grep -q . || fail "control groups are left"
