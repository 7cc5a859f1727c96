#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# With filtering a guest reaches others under its own MAC and IP address only; isolated ports do not reach each other.
# needs: lxc
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"
lxc_ready
net_ready
N=$M/networks D=$I/c1/devices

start_instfs
mkdir "$N/br0"
echo 10.81.0.1/24 >"$N/br0/config/ipv4.address"
make_instance c1
printf 'type=nic\nnetwork=br0\nipv4.address=10.81.0.5\n' >"$D/eth0"
echo running >"$I/c1/state"
mac=$(cat "$I/c1/volatile/eth0.hwaddr")

# under ADDRESS MAC [SECONDS]: whether the host answers to one of three
under() {
	run_in c1 "ip addr flush dev eth0; ip link set eth0 down; ip link set eth0 address $2; ip link set eth0 up
		ip addr add $1/24 dev eth0; for i in 1 2 3; do ping -c 1 -W ${3:-3} 10.81.0.1 && exit 0; done; exit 1" >/dev/null
}
under 10.81.0.66 "$mac" || fail "without filters any address must do"
printf 'type=nic\nnetwork=br0\nipv4.address=10.81.0.5\nsecurity.ipv4_filtering=true\n' >"$D/eth0"
under 10.81.0.5 "$mac" || fail "the own address does not pass"
under 10.81.0.66 "$mac" 1 && fail "a foreign IP address passed"
under 10.81.0.5 00:16:3e:00:00:99 1 && fail "a foreign MAC address passed"
printf 'type=nic\nnetwork=br0\nipv4.address=10.81.0.5\n' >"$D/eth0"
under 10.81.0.66 "$mac" || fail "the filter is still there"
assert_eq "$(nft list tables bridge)" ""

make_instance c2
printf 'type=nic\nnetwork=br0\nipv4.address=10.81.0.6\nsecurity.port_isolation=true\n' >"$I/c2/devices/eth0"
echo running >"$I/c2/state"
# the guest's own DHCP client may take the address away meanwhile
run_in c2 'ip link set eth0 up; for i in 1 2 3 4 5 6 7 8; do ip addr add 10.81.0.6/24 dev eth0 2>/dev/null; ping -c 1 -W 3 10.81.0.66 && exit 0; done; exit 1' >/dev/null || fail "one isolated port is not enough"
printf 'type=nic\nnetwork=br0\nipv4.address=10.81.0.5\nsecurity.port_isolation=true\n' >"$D/eth0"
run_in c2 'ping -c 1 -W 1 10.81.0.66' >/dev/null && fail "isolated ports reach each other"
run_in c2 'for i in 1 2 3 4 5; do ping -c 1 -W 5 10.81.0.1 && exit 0; done; exit 1' >/dev/null || fail "an isolated port does not reach the host"
