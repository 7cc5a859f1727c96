#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Bridge and dnsmasq go on over kill -9 of the server and over umount; a dnsmasq that dies comes back; after a boot all is made again.
# needs: lxc
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"
net_ready
N=$M/networks

start_instfs
mkdir "$N/br0"
echo 10.78.0.1/24 >"$N/br0/config/ipv4.address"
pid=$(state_of br0 dnsmasq)
kill_server
assert_eq "$(state_of br0 dnsmasq)" "$pid" "dnsmasq after kill -9 of the server"
kill -KILL "$pid"
wait_for 10 eval '[ "$(state_of br0 dnsmasq)" -gt 0 ] && [ "$(state_of br0 dnsmasq)" != '"$pid"' ]'
pid=$(state_of br0 dnsmasq)
stop_instfs
kill -0 "$pid" || fail "dnsmasq ended with the daemon"
assert_match "$(ip -o address show br0)" 10.78.0.1/24
start_instfs
assert_eq "$(state_of br0 dnsmasq)" "$pid" "dnsmasq after umount and mount"
stop_instfs
# as after a boot: nothing of it is there
kill -KILL "$pid"
ip link del br0
rm -rf "$(run_dir)/networks"
start_instfs
assert_eq "$(state_of br0 ipv4)" 10.78.0.1/24
assert_ne "$(state_of br0 dnsmasq)" "$pid"
rmdir "$N/br0"
