#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# restore brings disk and configuration back; it reads as the name last restored.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
echo one >"$M/rootfs/c1/file"
mkdir "$I/c1/snapshots/s0"
echo two >"$M/rootfs/c1/file"
echo new >"$M/rootfs/c1/other"
echo 128MiB >"$I/c1/config/limits.memory"
echo 1 >"$I/c1/config/limits.cpu"
echo s0 >"$I/c1/restore"
assert_file "$M/rootfs/c1/file" 'one\n'
assert_missing "$M/rootfs/c1/other"
assert_file "$I/c1/config/limits.memory" '64MiB\n'
assert_missing "$I/c1/config/limits.cpu"
assert_file "$I/c1/restore" 's0\n'
assert_fails 'ENOENT|EINVAL' "$SYS" open "$I/c1/restore" w , write 'nosuch\n'
assert_error_matches "$I/c1/error" 'nosuch'
assert_file "$M/rootfs/c1@s0/file" 'one\n'
