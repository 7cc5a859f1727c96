#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# unix-hotplug: nodes appear inside when hardware with the ids is plugged in, and go when it is pulled out; after kill -9 too. The
# hardware is a tree in place of /sys/dev, in mounts of the test's own; events are the kernel's, of a device that is always there.
# needs: lxc
[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
[ -n "${INSTFS_TEST_MOUNTS:-}" ] || INSTFS_TEST_MOUNTS=1 exec unshare --mount --propagation private "$0" "$@"
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
[ -w /sys/class/mem/full/uevent ] || skip "no events can be made"
needs_program losetup
truncate -s 1M "$T/disk"
printf stick | dd of="$T/disk" conv=notrunc status=none
LOOP=$(losetup -f --show "$T/disk" 2>/dev/null) || skip "no loop devices"
at_exit "losetup -d '$LOOP'"
NUMBER=$(stat -c '%Hr:%Lr' "$LOOP")
mkdir -p "$T/dev/char" "$T/dev/block" "$T/usb/1-1/block/sdx"
echo 1a86 >"$T/usb/1-1/idVendor"
echo 7523 >"$T/usb/1-1/idProduct"
printf 'DEVNAME=sdx\n' >"$T/usb/1-1/block/sdx/uevent"
# the kernel lets containers mount sysfs only where the whole of it can be seen somewhere
mkdir "$T/sys"
mount -t sysfs sysfs "$T/sys"
mount --bind "$T/dev" /sys/dev
at_exit 'umount /sys/dev'
plug() { ln -s "$T/usb/1-1/block/sdx" "$T/dev/block/$NUMBER"; echo add >/sys/class/mem/full/uevent; }
pull() { rm "$T/dev/block/$NUMBER"; echo remove >/sys/class/mem/full/uevent; }
inside() { run c1 "$1"; }
R=
shows() { [[ $(cat "$R") =~ $1 ]]; }

start_instfs
make_instance c1 running
D=$I/c1/devices R=$I/c1/runtime/devices/usb
assert_write_fails EINVAL "$D/usb" type=unix-hotplug
printf 'type=unix-hotplug\nvendorid=1a86\nproductid=7523\nrequired=true\n' >"$T/text"
assert_fails ENODEV cp "$T/text" "$D/usb"
printf 'type=unix-hotplug\nvendorid=1a86\nproductid=7523\nuid=1000\nmode=0640\n' >"$D/usb"
assert_match "$(cat "$R")" 'nothing with these ids'
plug
wait_for 60 shows "b$NUMBER=/dev/sdx"
assert_eq "$(inside 'stat -c "%F %u %a" /dev/sdx; head -c 5 /dev/sdx')" 'block special file 1000 640
stick'
# another device that is the same one of the host may go: this one still has it
printf 'type=unix-block\nsource=%s\npath=/dev/same\n' "$LOOP" >"$D/same"
rm "$D/same"
wait_for 60 test ! -e "$I/c1/runtime/devices/same"
assert_eq "$(inside 'head -c 5 /dev/sdx')" stick
pull
wait_for 60 shows 'nothing with these ids'
assert_eq "$(inside 'ls /dev/sdx 2>/dev/null')" ''
# What came while no server ran, or before the start, is there as well.
kill_server
plug
wait_for 60 shows "b$NUMBER=/dev/sdx"
echo restarted force >"$I/c1/state"
assert_eq "$(inside 'head -c 5 /dev/sdx')" stick
rm "$D/usb"
wait_for 60 test ! -e "$R"
assert_eq "$(inside 'ls /dev/sdx 2>/dev/null')" ''
