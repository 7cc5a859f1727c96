#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# rootfs/NAME: hard links, renames, xattrs, locks, holes, nodes and big files behave as on a disk.
# needs: rootfs
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
needs_root
make_instance c1
cd "$M/rootfs/c1"
echo x >a
ln a b
assert_eq "$(stat -c %h a)" 2
mkdir -p d/e
mv a d/e/a
mv -T d f
ln -s f/e/a l
assert_file l 'x\n'
truncate -s 5G big
assert_eq "$(size big)" 5368709120
dd if=/dev/zero of=f/data bs=1M count=20 status=none
assert_eq "$(cksum <f/data)" "$(head -c 20971520 /dev/zero | cksum)"
mkfifo p
mknod n c 1 3
chown 5:6 b
chmod 2755 f
touch -d '2001-01-01 UTC' b
assert_eq "$(stat -c '%u %g %Y' b)" "5 6 978307200"
assert_fails ENOTEMPTY rmdir f
assert_fails EEXIST mkdir f
assert_fails ENOTDIR ls b/c
"$SYS" open b rwt , write 'abcdef' , pwrite 2 'XY' , pread 0 6 >"$T/out"
assert_file "$T/out" 'abXYef'
flock -n b true
tar -cSf "$T/t" . # of the 5 GiB only what is there
[ "$(size "$T/t")" -lt 50000000 ] || fail "holes were read as data"
rm -rf f b l p n big
assert_eq "$(ls -A | grep -xE 'f|b|l|p|n|big' || true)" ""
