#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mv keeps everything but the name; onto an existing name and while running it is refused, never with EXDEV.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
echo data >"$M/rootfs/c1/file"
number=$(ino "$I/c1")
mv "$I/c1" "$I/c2"
assert_missing "$I/c1"
assert_eq "$(ino "$I/c2")" "$number"
assert_file "$I/c2/config/limits.memory" '64MiB\n'
assert_file "$M/rootfs/c2/file" 'data\n'
make_instance c3
assert_fails 'EEXIST|EOPNOTSUPP|ENOTEMPTY' "$SYS" rename "$I/c2" "$I/c3"
assert_fails 'EEXIST|EOPNOTSUPP|ENOTEMPTY' mv -T "$I/c2" "$I/c3"
mv "$I/c2" "$I/c3" 2>/dev/null && fail "mv into an existing instance"
assert_exists "$I/c2/config/limits.memory"
stop_instfs
start_instfs
assert_exists "$I/c2"
