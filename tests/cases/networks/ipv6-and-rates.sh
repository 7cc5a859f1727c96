#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# IPv6 advertised and given by DHCPv6, through a port of the host's too; filters drop foreign addresses; rates bound what is transferred.
# needs: lxc
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"
lxc_ready
net_ready dhclient
N=$M/networks/br0 D=$I/c1/devices

start_instfs
mkdir "$N"
echo fd42:79::1/64 >"$N/config/ipv6.address"
assert_write_fails EINVAL "$N/config/raw.dnsmasq" 'no-such-option=1'
assert_error_matches "$N/error" 'dnsmasq: bad option'
assert_missing "$N/config/raw.dnsmasq"
ip link add name out0 type veth peer name out1
far_namespace
ip link set out1 netns "$FAR"
far() {
	nsenter --net="/proc/$FAR/ns/net" "$@"
}
advertised() {
	far ip -6 address show dev out1 | grep -q 'inet6 fd42:79:'
}
far ip link set out1 up
echo out0 >"$N/config/bridge.external_interfaces"
wait_for 10 advertised

echo true >"$N/config/ipv6.dhcp.stateful"
make_instance c1
printf 'type=nic\nnetwork=br0\nipv6.address=fd42:79::50\nlimits.max=8Mbit\n' >"$D/eth0"
echo running >"$I/c1/state"
# A client of the host's in the container's network gets the static address, as any in the container would.
printf '#!/bin/sh\n[ -z "$new_ip6_address" ] || echo "$new_ip6_address" >"%s/given"\n' "$T" >"$T/given.sh"
chmod 755 "$T" "$T/given.sh"
run_in c1 'echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad; ip link set eth0 down; ip link set eth0 up'
background nsenter --net="/proc/$(cat "$I/c1/runtime/pid")/ns/net" dhclient -6 -d -sf "$T/given.sh" -lf "$T/client.leases" -pf "$T/client.pid" \
	-cf /dev/null eth0 >"$T/client.log" 2>&1
wait_for 60 test -s "$T/given"
assert_file "$T/given" 'fd42:79::50\n'
kill "$BG"
# asks ADDRESS [TIMES]: whether the host answers under it
asks() {
	run_in c1 "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad; ip link set eth0 up; ip addr flush dev eth0 scope global
		ip addr add $1/64 dev eth0; for i in \$(seq ${2:-10}); do ping -6 -c 1 -W 1 -I $1 fd42:79::1 && exit 0; done; exit 1" >/dev/null
}
asks fd42:79::66 || fail "without filters any address must do"
assert_match "$(cat "$N/leases")" "^fd42:79::50 $(cat "$I/c1/volatile/eth0.hwaddr") c1 static"
# 1.5 MB at 1 MB/s, of which 1 MiB may pass at once
head -c 1500000 /dev/zero >"$T/big"
cp "$T/big" "$M/rootfs/c1/big"
background busybox httpd -f -p '[fd42:79::1]:7001' -h "$T"
run_in c1 'httpd -p 7002 -h /'
# lasts COMMAND: that it brings everything, and not sooner than the rate allows
lasts() {
	local start=${EPOCHREALTIME/[.,]/}
	assert_eq "$("$@" | wc -c)" 1500000
	[ $((${EPOCHREALTIME/[.,]/} - start)) -ge 400000 ] || fail "$*: faster than the limit"
}
lasts run_in c1 'wget -q -O - http://[fd42:79::1]:7001/big'
lasts busybox wget -q -O - 'http://[fd42:79::66]:7002/big'
printf 'type=nic\nnetwork=br0\nipv6.address=fd42:79::50\nsecurity.ipv6_filtering=true\n' >"$D/eth0"
asks fd42:79::50 || fail "the own address does not pass"
if asks fd42:79::66 1; then
	fail "a foreign address passed"
fi
