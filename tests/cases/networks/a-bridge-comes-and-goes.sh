#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# mkdir makes a bridge without any subnet; addresses, DHCP, NAT come live as keys are written, or all at once with a document; mv
# renames, rmdir leaves nothing.
# needs: lxc
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"
net_ready
N=$M/networks

start_instfs
mkdir "$N/br0"
assert_eq "$(state_of br0 status)" up
assert_eq "$(state_of br0 ipv4)$(state_of br0 ipv6)$(state_of br0 dnsmasq)" "" "what nobody asked for"
assert_eq "$(cat "$N/br0/volatile/bridge.hwaddr")" "$(state_of br0 hwaddr)"
echo auto >"$N/br0/config/ipv4.address"
assert_file "$N/br0/config/ipv4.address" 'auto\n'
assert_eq "$(cat "$N/br0/volatile/ipv4.address")" "$(state_of br0 ipv4)"
assert_match "$(nft list ruleset)" masquerade
echo false >"$N/br0/config/ipv4.nat"
[[ $(nft list ruleset) != *masquerade* ]] || fail "NAT is still there"
echo fd42:77::1/64 >"$N/br0/config/ipv6.address"
assert_eq "$(state_of br0 ipv6)" fd42:77::1/64
echo 1400 >"$N/br0/config/bridge.mtu"
assert_eq "$(state_of br0 mtu)" 1400
assert_eq "$(ip -o link show br0 | grep -c 'mtu 1400')" 1
assert_match "$(cat "$N/br0/config.yaml")" '^  ipv4.address: auto$'
# What is printed is taken, and changes nothing; comments stay, what is not mentioned goes.
cat "$N/br0/config.yaml" >"$T/doc"
cp "$T/doc" "$N/br0/config.yaml"
assert_eq "$(cat "$N/br0/config.yaml")" "$(cat "$T/doc")"
sed -e '/ipv4\.\|bridge.mtu/d' -e 's/^  ipv6.address: .*/  ipv6.address: fd42:78::1\/64 # moved/' "$T/doc" >"$N/br0/config.yaml"
assert_eq "$(state_of br0 ipv6) $(state_of br0 ipv4) $(state_of br0 mtu)" "fd42:78::1/64  1500" "what the document left"
assert_eq "$(ls "$N/br0/config" "$N/br0/volatile")" "$(printf '%s\n' "$N/br0/config:" ipv6.address '' "$N/br0/volatile:" bridge.hwaddr)"
echo fd42:77::1/64 >"$N/br0/config/ipv6.address"
assert_match "$(cat "$N/br0/config.yaml")" '^  ipv6.address: fd42:77::1/64 # moved$'
mv "$N/br0" "$N/br1"
assert_eq "$(state_of br1 ipv6)" fd42:77::1/64
ip link show br0 2>/dev/null && fail "the bridge of the old name is still there"
ip link add name other type bridge
assert_fails EEXIST mkdir "$N/other"
rm -r "$N/br1"
ip link show br1 2>/dev/null && fail "the bridge is still there"
assert_eq "$(nft list ruleset)" "" "what nft has"
assert_eq "$(ls "$(run_dir)/networks")" "" "what is left"
