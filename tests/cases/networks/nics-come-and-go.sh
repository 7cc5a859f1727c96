#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Nics are attached to, changed on and taken from a running container; rates are what tc says; a reboot and kill -9 keep them.
# needs: lxc
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"
lxc_ready
net_ready tc
N=$M/networks D=$I/c1/devices R=$I/c1/runtime/devices

start_instfs
mkdir "$N/br0"
echo 10.80.0.1/24 >"$N/br0/config/ipv4.address"
make_instance c1
printf 'type=nic\nnetwork=br0\nlimits.ingress=10Mbit\n' >"$D/eth0"
echo running >"$I/c1/state"
host=$(sed -n 's/.*host_name=\([^ ]*\).*/\1/p;q' "$R/eth0")
assert_match "$(tc class show dev "$host")" 'htb .*rate 10Mbit'
printf 'type=nic\nnetwork=br0\nlimits.ingress=20Mbit\nlimits.egress=5Mbit\n' >"$D/eth0"
assert_match "$(tc class show dev "$host")" 'htb .*rate 20Mbit'
assert_match "$(tc class show dev "ifb${host#veth}")" 'htb .*rate 5Mbit'
assert_match "$(cat "$R/eth0")" 'egress 5000000'
# hot
printf 'type=nic\nnictype=p2p\nhost_name=p2p0\n' >"$D/second"
assert_match "$(cat "$R/second")" '^attached host_name=p2p0 name=eth1'
run_in c1 'ip link show eth1' >/dev/null
ip link show p2p0 >/dev/null
ls "$I/c1/usage/network" | grep -q '^eth1.rx_bytes$' || fail "usage of eth1 is not there"
printf 'type=nic\nnictype=p2p\nhost_name=p2p1\nname=net7\n' >"$D/second"
run_in c1 'ip link show net7' >/dev/null
run_in c1 'ip link show eth1' >/dev/null 2>&1 && fail "eth1 is still there"
ip link show p2p0 >/dev/null 2>&1 && fail "p2p0 is still there"
kill_server
assert_match "$(cat "$R/second")" 'host_name=p2p1'
# the guest reboots: what was there at the start comes again by liblxc, what came later by us
pid=$(cat "$I/c1/runtime/pid")
run_in c1 'reboot -f' >/dev/null 2>&1 || true
wait_for 20 eval '[ "$(cat "$I/c1/runtime/pid")" -gt 0 ] && [ "$(cat "$I/c1/runtime/pid")" != '"$pid"' ]'
wait_for 10 run_in c1 'ip link show eth0 && ip link show net7'
rm "$D/second"
wait_for 5 test ! -e "$R/second"
run_in c1 'ip link show net7' >/dev/null 2>&1 && fail "net7 is still there"
ip link show p2p1 >/dev/null 2>&1 && fail "p2p1 is still there"
# so does one whose first nic is another one now, and one that lost it
reboot() {
	pid=$(cat "$I/c1/runtime/pid")
	run_in c1 'reboot -f' >/dev/null 2>&1 || true
	wait_for 20 eval '[ "$(cat "$I/c1/runtime/pid")" -gt 0 ] && [ "$(cat "$I/c1/runtime/pid")" != '"$pid"' ]'
}
inside() { run c1 'ls /sys/class/net' | tr '\n' ' '; }
sed -i 's/20Mbit/30Mbit\nmtu=1400/' "$D/eth0"
reboot
wait_for 10 eval '[ "$(inside)" = "eth0 lo " ]'
assert_eq "$(run c1 'cat /sys/class/net/eth0/mtu')" 1400
rm "$D/eth0"
wait_for 5 test ! -e "$R/eth0"
assert_eq "$(inside)" 'lo '
reboot
wait_for 10 eval '[ "$(inside)" = "lo " ]'
printf 'type=nic\nnetwork=br0\n' >"$D/eth0"
wait_for 10 eval '[ "$(inside)" = "eth0 lo " ]'
echo stopped force >"$I/c1/state"
assert_eq "$(ip -o link show | grep -E 'inst|hold' || true)" ''
ip link show "$host" >/dev/null 2>&1 && fail "$host is still there"
ip link show "ifb${host#veth}" >/dev/null 2>&1 && fail "the ifb is still there"
rm "$D/eth0"
sleep 1.2
rmdir "$N/br0"
