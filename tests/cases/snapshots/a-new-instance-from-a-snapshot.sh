#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# source instances/NAME/snapshots/SNAP and instances/NAME copy the disk; later changes do not mix.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo one >"$M/rootfs/c1/file"
mkdir "$I/c1/snapshots/s0"
echo two >"$M/rootfs/c1/file"
mkdir "$I/c2" "$I/c3" "$I/c4"
echo instances/c1/snapshots/s0 >"$I/c2/source"
echo instances/c1 >"$I/c3/source"
ln -sf instances/c1/snapshots/s0 "$I/c4/source"
assert_file "$M/rootfs/c2/file" 'one\n'
assert_file "$M/rootfs/c3/file" 'two\n'
assert_file "$M/rootfs/c4/file" 'one\n'
echo three >"$M/rootfs/c2/file"
assert_file "$M/rootfs/c1/file" 'two\n'
assert_file "$M/rootfs/c1@s0/file" 'one\n'
rm -r "$I/c1"
rmdir "$M"/trash/*
assert_file "$M/rootfs/c2/file" 'three\n'
assert_file "$M/rootfs/c3/file" 'two\n'
assert_ne "$(cat "$I/c2/volatile/uuid")" "$(cat "$I/c3/volatile/uuid")" uuid
