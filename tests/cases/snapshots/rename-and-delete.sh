#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mv renames a snapshot, rmdir deletes it; others stay readable.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
make_instance c1
for n in 1 2 3; do
	echo "$n" >"$M/rootfs/c1/file"
	mkdir "$I/c1/snapshots/s$n"
done
mv "$I/c1/snapshots/s1" "$I/c1/snapshots/first"
assert_fails 'EEXIST|EOPNOTSUPP|ENOTEMPTY' "$SYS" rename "$I/c1/snapshots/first" "$I/c1/snapshots/s3"
assert_fails 'EINVAL|EPERM' "$SYS" rename "$I/c1/snapshots/first" "$I/c1/snapshots/-bad"
assert_file "$M/rootfs/c1@first/file" '1\n'
rmdir "$I/c1/snapshots/s2"
assert_missing "$M/rootfs/c1@s2"
assert_eq "$(ls "$I/c1/snapshots" | tr '\n' ' ')" "first s3 "
assert_file "$M/rootfs/c1@s3/file" '3\n'
assert_file "$M/rootfs/c1@first/file" '1\n'
assert_file "$M/rootfs/c1/file" '3\n'
echo first >"$I/c1/restore"
assert_file "$M/rootfs/c1/file" '1\n'
rm -r "$I/c1/snapshots/s3"
assert_missing "$I/c1/snapshots/s3"
