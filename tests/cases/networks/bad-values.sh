#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Bad names, keys and values of networks are refused with a sentence, and change nothing.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
for name in a . 'a b' lo all a-name-of-17-bytes .br -br 'br/0'; do
	mkdir "$M/networks/$name" 2>/dev/null && fail "networks/$name was made"
done
mkdir "$M/networks/br0" "$M/networks/br1"
assert_fails EEXIST mkdir "$M/networks/br0"
C=$M/networks/br0/config
echo 10.1.0.1/24 >"$C/ipv4.address"

# KEY VALUE ERRNO WORDS
while read -r key value errno words; do
	assert_write_fails "$errno" "$C/$key" "$value"
	assert_error_matches "$M/networks/br0/error" "$words"
	[ "$key" = ipv4.address ] || assert_missing "$C/$key"
done <<'END'
ipv4.address 10.1.0.1 EINVAL prefix
ipv4.address 10.1.0.0/24 EINVAL network.itself
ipv4.address fd42::1/64 EINVAL IPv4
ipv4.dhcp maybe EINVAL true
ipv4.dhcp.ranges 10.2.0.5-10.2.0.9 EINVAL not.within
ipv4.dhcp.ranges 10.1.0.9 EINVAL range
ipv4.dhcp.expiry 5s ERANGE 120
ipv6.address fd42::1/72 EINVAL 64
bridge.mtu 99999 ERANGE 16384
bridge.hwaddr 00:16:3e EINVAL MAC
dns.mode some EINVAL managed
dns.domain a..b EINVAL domain
limits.memory 1GiB EINVAL not.a.key.of.networks
bridge.driver openvswitch EOPNOTSUPP not.supported
END
assert_file "$C/ipv4.address" '10.1.0.1/24\n'
assert_write_fails EEXIST "$M/networks/br1/config/ipv4.address" 10.1.0.77/25
assert_error_matches "$M/networks/br1/error" 'br0'
make_instance c1
assert_fails EINVAL cp /dev/stdin "$I/c1/config/ipv4.address" <<<"10.0.0.1/24"

# A document with one thing that cannot be, whatever else it says, changes nothing.
before=$(cat "$M/networks/br1/config.yaml")
while read -r errno words line; do
	assert_fails "$errno" cp /dev/stdin "$M/networks/br1/config.yaml" <<<"$(printf 'description: all\nconfig:\n  user.a: b\n%b' "$line")"
	assert_error_matches "$M/networks/br1/error" "$words"
	assert_eq "$(cat "$M/networks/br1/config.yaml")" "$before" "after a refused document"
done <<'END'
EINVAL line.4.*network.itself \x20 ipv4.address: 10.9.0.0/24
EEXIST overlaps \x20 ipv4.address: 10.1.0.1/24
EINVAL not.within \x20 ipv4.address: 10.9.0.1/24\n  ipv4.dhcp.ranges: 10.8.0.1-10.8.0.2
EINVAL line.4.*devices devices: {}
EINVAL line.4.*type.is.bridge type: ovn
EINVAL not.a.key.of.networks \x20 limits.cpu: 1
END
# a program behind a redirection of bash is told at its close
printf 'config: {ipv4.address: 10.9.0.1/24, ipv4.dhcp.ranges: 10.8.0.1-10.8.0.2}\n' >"$T/doc"
assert_fails EINVAL bash -c 'cat "$0" >"$1"; s=$?; :; exit $s' "$T/doc" "$M/networks/br1/config.yaml"
printf 'name: br0\ntype: bridge\nmanaged: true\nconfig: {ipv4.address: 10.9.0.1/24}\n' >"$M/networks/br1/config.yaml"
assert_file "$M/networks/br1/config/ipv4.address" '10.9.0.1/24\n'
