#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# DHCP inside, a static address, ping between two containers, names in DNS, NAT to another namespace, leases, used_by, EBUSY.
# needs: lxc
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"
lxc_ready
net_ready
N=$M/networks

start_instfs
mkdir "$N/br0"
echo 10.79.0.1/24 >"$N/br0/config/ipv4.address"
echo true >"$N/br0/config/ipv4.nat"
make_instance c1
make_instance c2
printf 'type=nic\nnetwork=br0\n' >"$I/c1/devices/eth0"
printf 'type=nic\nnetwork=br0\nipv4.address=10.79.0.50\n' >"$I/c2/devices/eth0"
echo running >"$I/c1/state"
echo running >"$I/c2/state"
assert_match "$(cat "$I/c1/runtime/devices/eth0")" '^attached host_name=veth.* mac=00:16:3e:'
for c in c1 c2; do
	cat >"$M/rootfs/$c/dhcp" <<-'END'
		#!/bin/sh
		[ "$1" = bound ] || exit 0
		ip addr flush dev eth0
		ip addr add "$ip/$mask" dev eth0
		ip route add default via "$router"
	END
	chmod +x "$M/rootfs/$c/dhcp"
	run_in "$c" 'udhcpc -i eth0 -n -q -t 5 -T 1 -s /dhcp && ip addr show eth0' >"$T/$c"
done
assert_match "$(cat "$T/c2")" 'inet 10.79.0.50/24'
ip1=$(sed -n 's/.*inet \(10\.79\.0\.[0-9]*\).*/\1/p' "$T/c1")
run_in c2 "ping -c 3 -W 3 $ip1" >/dev/null
assert_match "$(cat "$I/c1/runtime/addresses")" "eth0 inet $ip1/24"
assert_match "$(cat "$N/br0/leases")" "^$ip1 $(cat "$I/c1/volatile/eth0.hwaddr") c1 dynamic 20"
assert_match "$(cat "$N/br0/leases")" "^10.79.0.50 $(cat "$I/c2/volatile/eth0.hwaddr") c2 static 20"
run_in c2 'nslookup c1.instfs 10.79.0.1' >"$T/dns"
assert_match "$(cat "$T/dns")" "$ip1"
assert_eq "$(readlink "$N/br0/used_by/c1")" ../../../instances/c1
assert_fails EBUSY rmdir "$N/br0"
assert_error_matches "$N/br0/error" 'c1|c2'
# another network, behind the host: it knows no way back
ip link add name out0 type veth peer name out1
far_namespace
ip link set out1 netns "$FAR"
ip address add 192.0.2.1/24 dev out0
ip link set out0 up
nsenter --net="/proc/$FAR/ns/net" ip address add 192.0.2.2/24 dev out1
nsenter --net="/proc/$FAR/ns/net" ip link set out1 up
run_in c1 'ping -c 3 -W 3 192.0.2.2' >/dev/null
echo false >"$N/br0/config/ipv4.nat"
if run_in c1 'ping -c 1 -W 1 192.0.2.2' >/dev/null; then
	fail "got out without NAT"
fi
