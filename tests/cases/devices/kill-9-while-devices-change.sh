#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# Attached devices are known to the next server; a write that was cut off is done once; what was half done is not left, of nics,
# proxies and nodes neither.
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
d=$I/c1/devices r=$I/c1/runtime/devices
pid=$(cat "$I/c1/runtime/pid")
mounts() {
	grep -c " $1 " "/proc/$pid/mountinfo" || true
}
mkdir "$T/a" "$T/b"
printf 'type=disk\nsource=%s/a\npath=/mnt/a\n' "$T" >"$d/a"
kill_server
assert_file "$r/a" "attached source=$T/a path=/mnt/a\n"
for i in 1 2 3 4 5 6; do
	(printf 'type=disk\nsource=%s/b\npath=/mnt/b\nreadonly=true\n' "$T" >"$d/b") &
	sleep "0.0$((i * 7 % 10))"
	kill_server
	wait $! || fail "the writer saw an error"
	assert_eq "$(mounts /mnt/b)" 1
	assert_match "$(cat "$r/b")" '^attached'
	rm "$d/b" &
	sleep "0.00$i"
	kill_server
	wait $!
	wait_for 60 test ! -e "$r/b"
	assert_eq "$(mounts /mnt/b)" 0
done
# As if it had been killed with the record written and the rest not: the next server puts it right.
rec=$(run_dir)/lxc/c1/devices
sed -i 's/"attached"/"busy"/' "$rec/a"
printf '{"state":"busy","text":"type=disk\\nsource=%s/b\\npath=/mnt/b\\n","facts":"","reason":"","init_start":0}' "$T" >"$rec/half"
kill_server
assert_match "$(cat "$r/a")" '^attached'
assert_missing "$r/half"
assert_eq "$(mounts /mnt/a)" 1
rm "$d/a"
sync "$d"
assert_eq "$(ls "$r")" ''
assert_eq "$(mounts /mnt/a)" 0

before=$(ip -br link | cut -d' ' -f1)$(nft list ruleset 2>/dev/null)$(run c1 'find /dev; ip -o link; cat /proc/mounts')
give() {
	printf 'type=nic\nnictype=p2p\nname=n0\nlimits.max=10Mbit\n' >"$d/n"
	printf 'type=proxy\nlisten=udp:127.0.0.1:7100\nconnect=udp:127.0.0.1:81\n' >"$d/p"
	printf 'type=unix-char\npath=/dev/fuse\n' >"$d/u"
}
for i in 1 2 3; do
	give &
	sleep "0.0$((i * 3))"
	kill_server
	wait $! || fail "the writer saw an error"
	wait_for 60 eval '[ "$(ls "$r" | tr -d "\n")" = npu ]'
	(rm "$d/n" "$d/p" "$d/u" && sync "$d") &
	sleep "0.0$((i * 3))"
	kill_server
	wait $! || fail "a removal saw an error"
	wait_for 60 eval '[ -z "$(ls "$r")" ]'
done
assert_eq "$(ip -br link | cut -d' ' -f1)$(nft list ruleset 2>/dev/null)$(run c1 'find /dev; ip -o link; cat /proc/mounts')" "$before"
! pgrep -f '^instfs-proxy p .*7100' || fail "a forwarder is left"
