#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A snapshot of a running instance, and a restore, which needs a stopped one or is refused with EBUSY.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1 running
echo one >"$M/rootfs/c1/file"
mkdir "$I/c1/snapshots/s0"
assert_file "$I/c1/state" 'running\n'
echo two >"$M/rootfs/c1/file"
assert_file "$M/rootfs/c1@s0/file" 'one\n'
if "$SYS" open "$I/c1/restore" w , write 's0\n' 2>"$T/out"; then
	assert_file "$M/rootfs/c1/file" 'one\n'
else
	assert_match "$(cat "$T/out")" EBUSY
	assert_file "$M/rootfs/c1/file" 'two\n'
	assert_error_matches "$I/c1/error" 'running|stop'
fi
