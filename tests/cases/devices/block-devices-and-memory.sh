#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks that are file systems on block devices or memory come to a running container, with their options, and leave it.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
needs_program losetup mkfs.ext4
truncate -s 8M "$T/disk"
mkfs.ext4 -q "$T/disk"
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
rm "$D/block"
wait_for 5 test ! -e "$I/c1/runtime/devices/block"
rm "$D/memory"
wait_for 5 test ! -e "$I/c1/runtime/devices/memory"
assert_eq "$(inside 'grep -c " /mnt/" /proc/mounts')" 0
