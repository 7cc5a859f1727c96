#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks that are file systems on block devices or memory come to a running container, with their options, and leave it.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
needs_program losetup mkfs.ext4
truncate -s 8M "$T/disk"
mkdir "$T/content"
head -c 1536K /dev/urandom >"$T/content/file"
mkfs.ext4 -q -d "$T/content" "$T/disk"
LOOP=$(losetup -f --show "$T/disk" 2>/dev/null) || skip "no loop devices"
at_exit "losetup -d '$LOOP'"
start_instfs
make_instance c1 running
D=$I/c1/devices
inside() { run c1 "$1"; }

printf 'type=disk\nsource=%s\npath=/mnt/block\n' "$LOOP" >"$T/text"
cp "$T/text" "$D/block"
assert_match "$(inside 'grep " /mnt/block " /proc/mounts')" '^/dev/loop[0-9]+ /mnt/block ext4 .*nodev'
printf 'type=disk\nsource=tmpfs:\npath=/mnt/memory\nsize=4MiB\n' >"$T/text"
cp "$T/text" "$D/memory"
assert_match "$(inside 'grep " /mnt/memory " /proc/mounts')" '^tmpfs .*size=4096k'
inside 'echo x >/mnt/memory/file'
printf 'type=disk\nsource=tmpfs:\npath=/mnt/memory\nsize=8MiB\n' >"$T/text"
cp "$T/text" "$D/memory"
assert_match "$(inside 'grep " /mnt/memory " /proc/mounts')" '^tmpfs .*size=8192k'
assert_eq "$(inside 'cat /mnt/memory/file')" x

# rates of the block device: of two disks on it the average, seen by dd, gone with them
printf 'type=disk\nsource=%s\npath=/mnt/block\nlimits.read=1MiB\nlimits.write=40iops\n' "$LOOP" >"$T/text"
cp "$T/text" "$D/block"
N=$(stat -c '%Hr:%Lr' "$LOOP")
assert_match "$(cat "$I/c1/runtime/devices/block")" "^limits on block device $N: read=1048576B/s write=40iops"
begin=${EPOCHREALTIME/./}
inside 'dd if=/mnt/block/file of=/dev/null bs=64k iflag=direct 2>&1'
took=$((${EPOCHREALTIME/./} - begin))
[ "$took" -gt 900000 ] || fail "1.5 MiB at 1 MiB/s were read in $took us"
printf 'type=disk\nsource=%s\npath=/mnt/second\nlimits.max=3MiB\n' "$LOOP" >"$T/text"
cp "$T/text" "$D/second"
assert_match "$(cat "$I/c1/runtime/devices/second")" 'read=2097152B/s \(average of 2 disks\) write=3145728B/s write=40iops'
printf 'type=disk\nsource=%s\npath=/mnt/second\nlimits.max=fast\n' "$LOOP" >"$T/text"
! cp "$T/text" "$D/second" 2>/dev/null || fail "a bad rate was taken"
assert_match "$(cat "$I/c1/runtime/devices/second")" 'read=2097152B/s'
rm "$D/second"
sync "$D"
assert_missing "$I/c1/runtime/devices/second"
assert_match "$(cat "$I/c1/runtime/devices/block")" "read=1048576B/s write=40iops"
rm "$D/block"
sync "$D"
assert_missing "$I/c1/runtime/devices/block"
rm "$D/memory"
sync "$D"
assert_missing "$I/c1/runtime/devices/memory"
assert_eq "$(inside 'grep -c " /mnt/" /proc/mounts')" 0
