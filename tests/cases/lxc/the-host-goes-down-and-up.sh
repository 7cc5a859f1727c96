#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Real containers: one that halts itself comes back with boot.autorestart; --shutdown stops all, kills what does not end in its time, and
# after a boot they run again.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1
make_instance c2
echo c1 >"$I/c2/config/boot.after"
echo true >"$I/c1/config/boot.autorestart"
echo 30 >"$I/c1/config/boot.host_shutdown_timeout"
echo 1 >"$I/c2/config/boot.host_shutdown_timeout"
rm "$M/rootfs/c2/sbin/init"
printf '#!/bin/sh\ntrap "" PWR TERM INT USR1 USR2\nwhile :; do sleep 1; done\n' >"$M/rootfs/c2/sbin/init"
chmod 755 "$M/rootfs/c2/sbin/init"
echo running >"$I/c1/state"
echo running >"$I/c2/state"
pid=$(cat "$I/c1/runtime/pid")
kill -KILL "$pid"
wait_for 15 eval "[ \"\$(cat '$I/c1/state')\" = running ] && [ \"\$(cat '$I/c1/runtime/pid')\" != $pid ]"
deaf=$(cat "$I/c2/runtime/pid")
"$INSTFS" --shutdown "$M"
assert_missing "/proc/$deaf"
wait "$HOLDER" || true
HOLDER=
sed -i 's/"boot_id": "[^"]*"/"boot_id": "another"/' "$S"/instances/*/run.json
echo another >"$S/boot-id"
start_instfs
wait_file 30 "$I/c2/state" running
assert_file "$I/c1/state" 'running\n'
echo 'stopped force' >"$I/c1/state"
echo 'stopped force' >"$I/c2/state"
