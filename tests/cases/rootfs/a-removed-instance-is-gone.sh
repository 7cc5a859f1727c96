#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What stood in rootfs/NAME when the instance was removed gets ESTALE or ENOENT; out of the trash it is all there again.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
make_instance c1
echo x >"$M/rootfs/c1/f"
mkdir "$M/rootfs/c1/d"
exec 7<"$M/rootfs/c1/d"
rmdir "$I/c1"
assert_missing "$M/rootfs/c1"
assert_fails 'ESTALE|ENOENT' ls /proc/self/fd/7/
assert_fails 'ESTALE|ENOENT' touch /proc/self/fd/7/new
exec 7<&-
for t in "$M"/trash/*; do
	mv "$t" "$I/c2"
done
assert_file "$M/rootfs/c2/f" 'x\n'
assert_exists "$M/rootfs/c2/d"
make_instance c3
assert_fails EXDEV "$SYS" rename "$M/rootfs/c2/f" "$M/rootfs/c3/f"
assert_fails EXDEV "$SYS" rename "$M/rootfs/c2/f" "$I/c3/description"
mv "$M/rootfs/c2/f" "$M/rootfs/c3/f"
assert_file "$M/rootfs/c3/f" 'x\n'
