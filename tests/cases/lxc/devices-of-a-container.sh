#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Disks are there with the guest's ids, nics have names and addresses that last, a missing source is told.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1
mkdir "$T/a dir"
echo shared >"$T/a dir/f"
echo fixed >"$T/file"
printf 'type=disk\nsource=%s/a dir\npath=/mnt/a b\nshift=true\n' "$T" >"$I/c1/devices/dir"
printf 'type=disk\nsource=%s/file\npath=/etc/file\nreadonly=true\n' "$T" >"$I/c1/devices/file"
printf 'type=disk\nsource=/nonexistent\npath=/x\noptional=true\n' >"$I/c1/devices/maybe"
printf 'type=nic\nnictype=p2p\n' >"$I/c1/devices/n1"
printf 'type=nic\nnictype=p2p\nname=eth0\nmtu=1400\n' >"$I/c1/devices/n2"
echo running >"$I/c1/state"
mkdir "$I/c1/exec/a"
echo 'stat -c "%u %n" "/mnt/a b/f"; echo more >"/mnt/a b/g"; cat /etc/file; echo x >/etc/file; cat /sys/class/net/eth0/mtu' \
	>"$I/c1/exec/a/command"
timeout 60 cat "$I/c1/exec/a/wait" >/dev/null
assert_file "$I/c1/exec/a/stdout" '0 /mnt/a b/f\nfixed\n1400\n'
assert_match "$(cat "$I/c1/exec/a/stderr")" 'Read-only'
assert_eq "$(stat -c '%u' "$T/a dir/g")" 0
mac=$(cat "$I/c1/volatile/n1.hwaddr")
assert_match "$mac" '^00:16:3e(:[0-9a-f]{2}){3}$'
[ -s "$I/c1/usage/network/eth0.rx_bytes" ] && [ -s "$I/c1/usage/network/eth1.rx_bytes" ] || fail "no usage of the nics"
assert_match "$(cat "$I/c1/runtime/addresses")" '^lo inet 127.0.0.1/8$'
echo 'restarted force' >"$I/c1/state"
assert_eq "$(cat "$I/c1/volatile/n1.hwaddr")" "$mac"
echo 'stopped force' >"$I/c1/state"
printf 'type=disk\nsource=/nonexistent\npath=/x\n' >"$I/c1/devices/maybe"
assert_fails ENOENT "$SYS" open "$I/c1/state" w , write 'running\n'
assert_error_matches "$I/c1/error" 'device maybe.*nonexistent'
assert_file "$I/c1/state" 'stopped\n'
