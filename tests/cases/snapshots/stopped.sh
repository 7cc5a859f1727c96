#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mkdir in snapshots/ keeps disk and configuration of that moment; inside it nothing can be changed.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
echo one >"$M/rootfs/c1/file"
mkdir "$I/c1/snapshots/s0"
echo two >"$M/rootfs/c1/file"
echo 128MiB >"$I/c1/config/limits.memory"
assert_file "$M/rootfs/c1@s0/file" 'one\n'
assert_file "$I/c1/snapshots/s0/rootfs/file" 'one\n'
grep -q 'limits.memory: 64MiB' "$I/c1/snapshots/s0/config.yaml"
assert_fails EROFS "$SYS" open "$M/rootfs/c1@s0/new" wc
assert_fails EROFS "$SYS" unlink "$M/rootfs/c1@s0/file"
assert_fails EROFS "$SYS" open "$M/rootfs/c1@s0/file" w
assert_match "$(cat "$I/c1/snapshots/s0/created")" '^20'
echo 'before the change' >"$I/c1/snapshots/s0/description"
assert_file "$I/c1/snapshots/s0/description" 'before the change\n'
assert_fails EEXIST mkdir "$I/c1/snapshots/s0"
stop_instfs
start_instfs
assert_file "$M/rootfs/c1@s0/file" 'one\n'
assert_file "$I/c1/snapshots/s0/description" 'before the change\n'
