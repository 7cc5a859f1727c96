#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# nat=true: what comes to an address of the host goes to the static address of a nic by nft, and stops when the device goes.
# needs: lxc
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
net_ready
start_instfs
mkdir "$M/networks/br0"
echo 10.80.0.1/24 >"$M/networks/br0/config/ipv4.address"
make_instance c1
D=$I/c1/devices
printf 'type=nic\nnetwork=br0\nipv4.address=10.80.0.5\n' >"$D/eth0"
printf 'type=proxy\nlisten=tcp:10.80.0.1:8080\nconnect=tcp:0.0.0.0:80\nnat=true\n' >"$D/web"
echo running >"$I/c1/state"
assert_match "$(cat "$I/c1/runtime/devices/web")" '^attached .*nat=10.80.0.5'
wait_for 10 run_in c1 'ip addr show eth0 | grep 10.80.0.5'
mkdir "$I/c1/exec/server"
echo 'nc -ll -p 80 -e echo from the instance' >"$I/c1/exec/server/command"
answer() { exec 3<>/dev/tcp/10.80.0.1/8080 && timeout 60 cat <&3; }
wait_for 10 answer
assert_eq "$(answer)" 'from the instance'
assert_write_fails EINVAL "$D/other" "$(printf 'type=proxy\nlisten=tcp:10.80.0.1:81\nconnect=tcp:10.80.0.6:80\nnat=true')"
assert_error_matches "$I/c1/error" 'no nic .* static address 10.80.0.6'
assert_write_fails EINVAL "$D/other" "$(printf 'type=proxy\nlisten=tcp:0.0.0.0:81\nconnect=tcp:10.80.0.5:80\nnat=true')"
rm "$D/web"
wait_for 5 test ! -e "$I/c1/runtime/devices/web"
! nft list tables | grep instfs-proxy || fail "the rules are still there"
