#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A root file system without /sbin/init does not start; liblxc's own words are in error; nothing is left.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
mkdir "$I/c1"
echo none >"$I/c1/source"
if timeout 60 "$SYS" open "$I/c1/state" w , write 'running\n' 2>"$T/out"; then
	fail "started"
fi
assert_error_matches "$I/c1/error" 'init|exec|rootfs|No such file'
assert_file "$I/c1/state" 'stopped\n'
assert_file "$I/c1/runtime/pid" ''
make_image bb
mkdir "$I/c2"
echo images/bb >"$I/c2/source"
rm "$M/rootfs/c2/sbin/init"
assert_fails 'ENOENT|EIO|ENOEXEC|EINVAL|ECHILD' timeout 60 "$SYS" open "$I/c2/state" w , write 'running\n'
[ -s "$I/c2/error" ] || fail "no sentence"
