#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Keys that contradict each other are refused on every route, profiles included; what LXD has and we have not, with the reason.
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

start_instfs
make_instance c1
printf 'read\nwrite\n' >"$I/c1/config/security.syscalls.allow"
assert_write_fails EINVAL "$I/c1/config/security.syscalls.deny" mkdir
mkdir "$M/profiles/p"
printf 'default\np\n' >"$I/c1/profiles"
assert_write_fails EINVAL "$M/profiles/p/config/security.syscalls.deny" mkdir
assert_error_matches "$M/profiles/p/error" 'c1: .*exclude each other'
assert_missing "$M/profiles/p/config/security.syscalls.deny"
for k in nvidia.runtime cluster.evacuate security.devlxd security.secureboot security.syscalls.intercept.mount; do
	assert_fails 'EOPNOTSUPP|EINVAL' "$SYS" open "$I/c1/config/$k" wct , write 'true\n'
	assert_error_matches "$I/c1/error" "$k is not supported: "
done
if [ ! -e /sys/kernel/security/apparmor/profiles ]; then
	assert_write_fails EOPNOTSUPP "$I/c1/config/raw.apparmor" 'deny mount,'
	assert_error_matches "$I/c1/error" 'no AppArmor'
fi
assert_fails EINVAL "$SYS" open "$I/c1/config/limits.kernel.nofiles" wct , write '1\n'
assert_fails 'EPERM|EINVAL' "$SYS" open "$I/c1/config/linux.sysctl.vm.swappiness" wct , write '1\n'
