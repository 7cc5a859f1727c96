#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# unix-block and unix-char: nodes with the guest's owner and leave to use them, at start and while it runs; none without.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
needs_program losetup
truncate -s 1M "$T/disk"
printf 'written on the host' | dd of="$T/disk" conv=notrunc status=none
LOOP=$(losetup -f --show "$T/disk" 2>/dev/null) || skip "no loop devices"
at_exit "losetup -d '$LOOP'"
start_instfs
make_instance c1 running
D=$I/c1/devices
inside() { run c1 "$1"; }

printf 'type=unix-block\nsource=%s\npath=/dev/inner\nuid=1000\nmode=0640\n' "$LOOP" >"$T/text"
cp "$T/text" "$D/d1"
assert_eq "$(inside 'stat -c "%F %u %g %a" /dev/inner; dd if=/dev/inner bs=19 count=1 2>/dev/null')" 'block special file 1000 0 640
written on the host'
assert_match "$(cat "$I/c1/runtime/devices/d1")" '^attached .*device=7:'
kill_server
# somebody inside keeps the node, in mounts of his own: it is of no use once the device is gone
mkdir "$I/c1/exec/keeps"
echo 'unshare -m sh -c "touch /kept; mount -o bind /dev/inner /kept; touch /ready; until [ -e /gone ]; do sleep 0.1; done; dd if=/kept bs=19 count=1"' >"$I/c1/exec/keeps/command"
wait_for 10 test -e "$M/rootfs/c1/ready"
rm "$D/d1"
wait_for 5 test ! -e "$I/c1/runtime/devices/d1"
touch "$M/rootfs/c1/gone"
timeout 60 cat "$I/c1/exec/keeps/wait" >/dev/null
assert_match "$(cat "$I/c1/exec/keeps/output")" 'not permitted'
assert_eq "$(inside 'ls /dev/inner 2>/dev/null')" ''
# two nodes of one device come at once, and one goes again
sed "s|^devices: {}|devices:\n  d1: {type: unix-block, source: $LOOP, path: /dev/inner}\n  d4: {type: unix-block, source: $LOOP, path: /dev/other}|" \
	"$I/c1/config.yaml" >"$T/yaml"
cp "$T/yaml" "$I/c1/config.yaml"
assert_eq "$(inside 'dd if=/dev/other bs=19 count=1 2>/dev/null')" 'written on the host'
rm "$D/d4"
wait_for 5 test ! -e "$I/c1/runtime/devices/d4"
assert_eq "$(inside 'dd if=/dev/inner bs=19 count=1 2>/dev/null')" 'written on the host'

# at the start, and one that need not be there
echo stopped force >"$I/c1/state"
cp "$T/text" "$D/d1"
printf 'type=unix-char\npath=/dev/nosuch\nrequired=false\n' >"$D/d2"
echo running >"$I/c1/state"
assert_eq "$(inside 'dd if=/dev/inner bs=19 count=1 2>/dev/null')" 'written on the host'
assert_match "$(cat "$I/c1/runtime/devices/d2")" '^missing: .*nosuch'

# what is refused
assert_write_fails EINVAL "$D/d3" 'type=unix-char'
assert_write_fails EINVAL "$D/d3" "$(printf 'type=unix-char\npath=/dev/x\nmajor=1')"
assert_write_fails ERANGE "$D/d3" "$(printf 'type=unix-char\npath=/dev/x\nmajor=4096\nminor=1')"
if printf 'type=unix-char\nsource=%s\n' "$LOOP" >"$T/text" && cp "$T/text" "$D/d3" 2>/dev/null; then
	fail "a block device as a character device"
fi
assert_error_matches "$I/c1/error" 'not a character device'
assert_missing "$D/d3"
