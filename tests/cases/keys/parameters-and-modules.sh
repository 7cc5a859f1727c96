#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# linux.sysctl.* are the instance's own; what is the host's is refused; modules that are there are no obstacle.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

lxc_ready
start_instfs
make_instance c1
set_key c1 linux.sysctl.net.ipv4.ip_forward 1
set_key c1 linux.sysctl.net.ipv4.ping_group_range '0 100'
set_key c1 linux.sysctl.kernel.msgmax 4321
set_key c1 linux.kernel_modules fuse
echo running >"$I/c1/state"
assert_eq "$(run c1 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/ping_group_range /proc/sys/kernel/msgmax' | tr '\t\n' '  ')" '1 0 100 4321 '
assert_ne "$(cat /proc/sys/kernel/msgmax)" 4321 "the host's msgmax"
for k in vm.swappiness kernel.panic net.ipv4.tcp_mem kernel.hostname; do
	if (echo 1 >"$I/c1/config/linux.sysctl.$k") 2>/dev/null; then
		fail "$k was accepted"
	fi
	assert_error_matches "$I/c1/error" "whole host|host name"
done
echo 'stopped force' >"$I/c1/state"
set_key c1 linux.kernel_modules instfs_no_such_module
assert_fails EIO "$SYS" open "$I/c1/state" w , write 'running\n'
assert_error_matches "$I/c1/error" 'linux.kernel_modules: instfs_no_such_module'
assert_eq "$(cat "$I/c1/state")" stopped
