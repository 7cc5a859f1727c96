#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mv out of the trash restores configuration, disk and snapshots, under the old name or another.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
echo words >"$I/c1/description"
echo data >"$M/rootfs/c1/file"
mkdir "$I/c1/snapshots/s0"
number=$(ino "$I/c1/config/limits.memory")
snapshot_of "$I/c1" >"$T/before"
rm -r "$I/c1"
assert_missing "$M/rootfs/c1"
stop_instfs
start_instfs
trashed=$(echo "$M"/trash/c1@*)
assert_match "${trashed##*/}" '^c1@[0-9]{8}T[0-9]{6}'
mv "$trashed" "$I/c1"
snapshot_of "$I/c1" | diff "$T/before" -
assert_eq "$(ino "$I/c1/config/limits.memory")" "$number"
assert_file "$M/rootfs/c1/file" 'data\n'
assert_exists "$I/c1/snapshots/s0"
rmdir "$I/c1"
make_instance c1
assert_fails 'EEXIST|ENOTEMPTY|EOPNOTSUPP' "$SYS" rename "$(echo "$M"/trash/c1@*)" "$I/c1"
mv "$M"/trash/c1@* "$I/c9"
assert_file "$M/rootfs/c9/file" 'data\n'
# Somebody's hold on what was removed does not make what came back a dead directory.
exec 7<"$I/c9" 6<"$I/c9/config"
rm -r "$I/c9"
mv "$M"/trash/c9@* "$I/c9"
echo 1 >"$I/c9/config/user.x"
assert_match "$(ls "$I/c9")" state
assert_exists "$I/c9/config/limits.memory"
exec 7<&- 6<&-
