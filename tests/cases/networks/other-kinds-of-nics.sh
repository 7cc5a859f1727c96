#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# routed, macvlan and physical nics, at the start and on a running container; a physical one is given back as it was.
# needs: lxc
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"
lxc_ready
net_ready
D=$I/c1/devices R=$I/c1/runtime/devices

start_instfs
ip link add name e0 type veth peer name e1
ip link add name phys0 type veth peer name phys1
ip link set e0 up
ip link set e1 up
make_instance c1
# the image's DHCP client would take the address away
chmod -x "$M/rootfs/c1/etc/udhcpc/default.script"
printf 'type=nic\nnictype=routed\nipv4.address=10.82.0.5\nname=rt0\n' >"$D/r"
echo running >"$I/c1/state"
assert_match "$(cat "$R/r")" '^attached host_name=veth.* name=rt0'
busybox ping -c 1 -W 3 10.82.0.5 >/dev/null || fail "the routed address does not answer"
run_in c1 'ip route' >"$T/routes"
assert_match "$(cat "$T/routes")" 'default via 169.254.0.1 dev rt0'
printf 'type=nic\nnictype=routed\nipv4.address=10.82.0.6\nname=rt0\n' >"$D/r"
busybox ping -c 1 -W 3 10.82.0.6 >/dev/null || fail "the new routed address does not answer"
printf 'type=nic\nnictype=routed\nipv4.address=10.82.0.7\nname=r2\nipv4.gateway=none\nipv4.host_address=169.254.7.1\nqueue.tx.length=77
ipv4.routes=10.83.0.0/24\nipv6.address=fd42:82::7\nipv6.routes=fd42:83::/64\n' >"$D/r2"
busybox ping -c 1 -W 3 10.82.0.7 >/dev/null || fail "the hot routed nic does not answer"
assert_match "$(ip route)" '10.83.0.0/24 dev veth'
assert_match "$(ip -6 route)" 'fd42:83::/64 dev veth'
assert_match "$(ip -o addr)" '169\.254\.7\.1'
run_in c1 'ip link show r2; ip route; ip -6 route' >"$T/r2"
assert_match "$(cat "$T/r2")" 'qlen 77'
echo connected=false >>"$D/r2"
! ip route | grep -q 10.83.0.0 || fail "a nic that is not connected has a route"
sed -i 's/connected=false/connected=true/' "$D/r2"
busybox ping -c 1 -W 3 10.82.0.7 >/dev/null || fail "the routed nic does not answer when it is connected again"
assert_match "$(ip route)" '10.83.0.0/24 dev veth'
sed -i 's/^queue.*/queue.tx.length=78/; s/name=r2/&\nlimits.priority=3/' "$D/r2"
run_in c1 'ip link show r2' >>"$T/r2"
assert_match "$(cat "$T/r2")" 'qlen 78'
! grep -q 'default .*r2' <(sed '/fd42\|fe80/d' "$T/r2") || fail "ipv4.gateway=none gave a default route"
mac=$(cat /sys/class/net/phys0/address 2>/dev/null || ip -o link show phys0 | sed 's/.*ether \([^ ]*\).*/\1/')
printf 'type=nic\nnictype=physical\nparent=phys0\nname=p0\nhwaddr=00:16:3e:77:00:01\n' >"$D/p"
run_in c1 'ip link show p0' >"$T/p"
assert_match "$(cat "$T/p")" '00:16:3e:77:00:01'
ip link show phys0 >/dev/null 2>&1 && fail "phys0 is still the host's"
rm "$D/p"
wait_for 5 ip link show phys0
if ip link add link e0 name test-m type macvlan mode bridge 2>/dev/null; then
	ip link del test-m
	printf 'type=nic\nnictype=macvlan\nparent=e0\nname=m0\n' >"$D/m"
	run_in c1 'ip link show m0' >/dev/null
	rm "$D/m"
	wait_for 5 test ! -e "$R/m"
	run_in c1 'ip link show m0' >/dev/null 2>&1 && fail "m0 is still there"
fi
assert_write_fails EINVAL "$D/bad" 'type=nic\nnictype=macvlan'
assert_write_fails ENOENT "$D/bad" 'type=nic\nnictype=bridged\nparent=nothere'
assert_write_fails EOPNOTSUPP "$D/bad" 'type=nic\nnictype=ipvlan\nparent=e0'
assert_error_matches "$I/c1/error" 'ipvlan'
