#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Hard links, xattrs, sparse files, owners and modes come through snapshot, restore and copy.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
make_instance c1
cd "$M/rootfs/c1"
mkdir d
echo x >d/a
ln d/a d/b
ln -s a d/link
truncate -s 100M d/sparse
chown 1000:1001 d/a
chmod 4750 d/a
mkfifo d/fifo
setfattr -n user.k -v v d/a 2>/dev/null || echo "no user xattrs here"
cd "$T"
mkdir "$I/c1/snapshots/s0"
mkdir "$I/c2"
echo instances/c1/snapshots/s0 >"$I/c2/source"
rm -rf "$M/rootfs/c1/d"
echo s0 >"$I/c1/restore"
for r in c1 c2 c1@s0; do
	r=$M/rootfs/$r/d
	assert_eq "$(stat -c '%u %g %a %h' "$r/a")" "1000 1001 4750 2" "$r/a"
	assert_eq "$(ino "$r/a")" "$(ino "$r/b")" "inode of the hard link"
	assert_eq "$(readlink "$r/link")" a
	assert_eq "$(size "$r/sparse")" 104857600
	[ "$(stat -c %b "$r/sparse")" -lt 1000 ] || fail "the hole was filled"
	[ -p "$r/fifo" ] || fail "no fifo"
done
