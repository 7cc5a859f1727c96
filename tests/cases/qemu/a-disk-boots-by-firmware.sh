#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# A disk without a kernel beside it is given to UEFI, which looks for something to boot on it; its variables stay with the disk.
. "$(dirname "$0")/../../lib/case.sh"

needs_root
needs_program qemu-system-x86_64 qemu-img
[ -e /usr/share/OVMF/OVMF_CODE_4M.fd ] || skip "ovmf is not installed"
start_instfs
printf 'architecture: x86_64\ncreation_date: 1700000000\n' >"$T/metadata.yaml"
qemu-img create -q -f qcow2 "$T/rootfs.img" 16M
tar -C "$T" -cf "$T/vm.tar" metadata.yaml rootfs.img
mkdir "$M/images/vm"
cp "$T/vm.tar" "$M/images/vm/image"
mkdir "$I/v"
echo images/vm >"$I/v/source"
echo 128MiB >"$I/v/config/limits.memory"
echo running >"$I/v/state"
wait_for 60 grep -q 'BdsDxe' "$I/v/console"
echo stopped force >"$I/v/state"
[ "$(stat -c %s "$S/instances/v/disk/vars.fd")" -gt 100000 ]

# A disk that wants another file of the host is not taken in.
qemu-img create -q -f qcow2 -u -b /etc/passwd -F raw "$T/rootfs.img" 16M
tar -C "$T" -cf "$T/evil.tar" metadata.yaml rootfs.img
mkdir "$M/images/evil"
! cp "$T/evil.tar" "$M/images/evil/image" 2>/dev/null || wait_for 10 test -s "$M/images/evil/error"
assert_error_matches "$M/images/evil/error" 'a layer over another file'
