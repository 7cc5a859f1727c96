#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A device of a profile comes to all running users or to none; none masks it; one that moves to another path goes first.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$M/profiles/p"
for i in a b c; do
	make_instance $i
	echo p >"$I/$i/profiles"
done
echo running >"$I/a/state"
echo running >"$I/b/state"
printf 'type=disk\nsource=/srv\npath=/x\n' >"$M/profiles/p/devices/d"
assert_file "$I/a/runtime/devices/d" 'attached type=disk\n'
assert_file "$I/b/runtime/devices/d" 'attached type=disk\n'
assert_missing "$I/c/runtime/devices/d"
assert_file "$I/a/runtime/pending" ''
mock_fail b attach
assert_write_fails EIO "$M/profiles/p/devices/e" "$(printf 'type=disk\nsource=/srv\npath=/y')"
assert_error_matches "$M/profiles/p/error" 'instance b'
assert_missing "$I/a/runtime/devices/e"
mock_fail b
printf 'type=none\n' >"$I/a/devices/d"
assert_missing "$I/a/runtime/devices/d"
assert_exists "$I/b/runtime/devices/d"
rm "$I/a/devices/d"
wait_for 5 test -e "$I/a/runtime/devices/d"
assert_write_fails EINVAL "$I/a/devices/twin" "$(printf 'type=disk\nsource=/etc\npath=/x')"
assert_error_matches "$I/a/error" 'd \(profile:p\) and twin \(instance\) have the same path'
printf 'type=disk\npath=/\nsize=1GB\n' >"$I/a/devices/root"
assert_file "$I/a/runtime/pending" 'devices/root\n'
kill_server
assert_file "$I/a/runtime/devices/d" 'attached type=disk\n'
