#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# On a host without the controllers of memory and processes instances start all the same, and runtime/warnings says what is missing.
[ -n "${WITHOUT:-}" ] || [ "$(id -u)" != 0 ] || WITHOUT=1 exec unshare -m --propagation private bash "$0"
. "$(dirname "$0")/../../lib/case.sh"

for c in memory pids; do
	umount "/sys/fs/cgroup/$c" 2>/dev/null || skip "control groups of version 1 are not mounted one by one"
done
lxc_ready
start_instfs
make_instance c1
echo 64MiB >"$I/c1/config/limits.memory"
echo 50 >"$I/c1/config/limits.processes"
echo running >"$I/c1/state"
for key in limits.memory:memory limits.processes:pids; do
	assert_match "$(cat "$I/c1/runtime/warnings")" "^${key%:*}: not enforced: this kernel offers no ${key#*:} controller$"
done
echo 32MiB >"$I/c1/config/limits.memory"
grep -r . "$I/c1/usage" >/dev/null
grep -q ^MemTotal "$I/c1/proc/meminfo"
assert_match "$(run c1 'cat /proc/meminfo')" MemTotal
echo 'stopped force' >"$I/c1/state"
assert_file "$I/c1/error" ''
