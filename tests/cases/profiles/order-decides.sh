#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Later profiles override earlier ones, the instance overrides all; devices override as a whole, type=none hides.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$M/profiles/a" "$M/profiles/b"
echo 1 >"$M/profiles/a/config/limits.cpu"
echo 10 >"$M/profiles/a/config/limits.processes"
echo 20 >"$M/profiles/b/config/limits.processes"
printf 'type=nic\nnictype=bridged\nparent=br0\n' >"$M/profiles/a/devices/eth0"
printf 'type=nic\nnictype=bridged\nparent=br1\n' >"$M/profiles/b/devices/eth0"
make_instance c1
printf 'a\nb\n' >"$I/c1/profiles"
assert_file "$I/c1/expanded/config/limits.processes" '20\n'
assert_file "$I/c1/expanded/config/limits.cpu" '1\n'
grep -q br1 "$I/c1/expanded/devices/eth0"
printf 'b\na\n' >"$I/c1/profiles"
assert_file "$I/c1/expanded/config/limits.processes" '10\n'
grep -q br0 "$I/c1/expanded/devices/eth0"
echo type=none >"$I/c1/devices/eth0"
wait_for 3 test -e "$I/c1/devices/eth0"
! grep -q bridged "$I/c1/expanded/devices/eth0" 2>/dev/null || fail "not hidden"
grep -q 'limits.processes: "\?10' "$I/c1/expanded/config.yaml"
assert_file "$I/c1/profiles" 'b\na\n'
