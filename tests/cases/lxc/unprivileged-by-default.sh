#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Processes run with ids of the subuid range; the disk and rootfs/ have the guest's ids; privileged is on request.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
pid=$(cat "$I/c1/runtime/pid")
[ "$(stat -c %u "/proc/$pid")" -ge 65536 ] || fail "init runs as uid $(stat -c %u "/proc/$pid")"
assert_eq "$(stat -c %u "$M/rootfs/c1/etc")" 0
mkdir "$I/c1/exec/t"
echo 'touch /made; chown 7:8 /made; stat -c "%u %g" /made /etc' >"$I/c1/exec/t/command"
timeout 60 cat "$I/c1/exec/t/wait" >/dev/null
assert_file "$I/c1/exec/t/stdout" '7 8\n0 0\n'
assert_eq "$(stat -c '%u %g' "$M/rootfs/c1/made")" "7 8"
echo x >"$M/rootfs/c1/from-host"
chown 9:9 "$M/rootfs/c1/from-host"
mkdir "$I/c1/exec/u"
echo 'stat -c "%u %g" /from-host' >"$I/c1/exec/u/command"
timeout 60 cat "$I/c1/exec/u/wait" >/dev/null
assert_file "$I/c1/exec/u/stdout" '9 9\n'
assert_match "$(cat "$I/c1/volatile/idmap")" '65536|1000000000|[0-9]{5}'
make_instance c2
echo true >"$I/c2/config/security.privileged"
echo running >"$I/c2/state"
assert_eq "$(stat -c %u "/proc/$(cat "$I/c2/runtime/pid")")" 0
echo 'stopped force' >"$I/c1/state"
assert_eq "$(stat -c '%u %g' "$M/rootfs/c1/made")" "7 8"
