#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# stopped force kills, a timeout is ETIMEDOUT and leaves it running, restarted and frozen do what they say. An init that has just
# begun hears of the stop when it listens.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
pid=$(cat "$I/c1/runtime/pid")
echo frozen >"$I/c1/state"
assert_file "$I/c1/state" 'frozen\n'
echo running >"$I/c1/state"
assert_file "$I/c1/state" 'running\n'
assert_eq "$(cat "$I/c1/runtime/pid")" "$pid"
echo 'restarted force' >"$I/c1/state"
assert_file "$I/c1/state" 'running\n'
assert_ne "$(cat "$I/c1/runtime/pid")" "$pid" pid
echo 'stopped force' >"$I/c1/state"
assert_file "$I/c1/state" 'stopped\n'
rm "$M/rootfs/c1/sbin/init"
printf '#!/bin/sh\ntrap "" PWR TERM INT USR1 USR2\nwhile :; do sleep 1; done\n' >"$M/rootfs/c1/sbin/init"
chmod 755 "$M/rootfs/c1/sbin/init"
echo running >"$I/c1/state"
assert_fails ETIMEDOUT timeout 60 "$SYS" open "$I/c1/state" w , write 'stopped timeout=1\n'
assert_file "$I/c1/state" 'running\n'
echo 'stopped force' >"$I/c1/state"
printf '#!/bin/sh\nsleep 1\ntrap "exit 0" USR2\nwhile :; do sleep 0.1; done\n' >"$M/rootfs/c1/sbin/init"
echo running >"$I/c1/state"
echo 'stopped timeout=60' >"$I/c1/state"
assert_file "$I/c1/state" 'stopped\n'
