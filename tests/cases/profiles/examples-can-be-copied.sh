#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# The profiles in examples/ are taken as they are, read back so, and do what they say: a nic on br0, and what Docker needs.
# needs: lxc
. "$(dirname "$0")/../../lib/net.sh"
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
net_ready
grep -qw overlay /proc/filesystems || skip "this kernel has no overlay"
start_instfs
mkdir "$M/networks/br0"
for f in "$SOURCE"/examples/profiles/*.yaml; do
	p=$M/profiles/$(basename "$f" .yaml)
	mkdir -p "$p"
	cp "$f" "$p/config.yaml"
	cmp "$f" "$p/config.yaml"
done
make_instance c1
printf 'default\ndocker\n' >"$I/c1/profiles"
echo running >"$I/c1/state"
run_in c1 'ip link show eth0' >/dev/null
run_in c1 'mount -t tmpfs none /mnt && cd /mnt && mkdir l u w o && mount -t overlay none -o lowerdir=l,upperdir=u,workdir=w o && mount -t proc proc l'
assert_eq "$(ls "$M/networks/br0/used_by")" c1
