#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limits.memory, limits.cpu and limits.processes of a running container are in its cgroup when the write returns.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
find_cgroup() {
	local pid=$(cat "$I/c1/runtime/pid") controller=$1 file=$2 root path
	path=$(sed -n "s/^[0-9]*:\([^:]*,\)\?$controller\(,[^:]*\)\?://p" "/proc/$pid/cgroup")
	if [ -n "$path" ]; then
		root=$(awk -v c="$controller" '$3 == "cgroup" && $4 ~ "(^|,)" c "(,|$)" { print $2; exit }' /proc/mounts)
	else
		path=$(sed -n 's/^0:://p' "/proc/$pid/cgroup")
		root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	fi
	while [ "$path" != / ] && [ -n "$path" ]; do
		[ ! -e "$root$path/$file" ] || cat "$root$path/$file"
		path=${path%/*}
	done
}
echo 64MiB >"$I/c1/config/limits.memory"
find_cgroup memory memory.limit_in_bytes >"$T/v1"
find_cgroup memory memory.max >"$T/v2"
grep -qx 67108864 "$T/v1" "$T/v2" || fail "64 MiB is nowhere: $(cat "$T/v1" "$T/v2")"
echo 50 >"$I/c1/config/limits.processes"
{ find_cgroup pids pids.max; } | grep -qx 50 || fail "50 processes are nowhere"
echo 0-0 >"$I/c1/config/limits.cpu"
{ find_cgroup cpuset cpuset.cpus; } | grep -qx 0 || fail "CPU 0 is nowhere"
assert_match "$(cat "$I/c1/runtime/effective")" '67108864|64'
assert_file "$I/c1/usage/memory.limit" '67108864\n'
assert_fails 'EBUSY|EINVAL|ENOMEM|EAGAIN' "$SYS" open "$I/c1/config/limits.memory" wt , write '4096\n'
assert_file "$I/c1/config/limits.memory" '64MiB\n'
rm "$I/c1/config/limits.memory"
wait_for 4 eval "! grep -qx 67108864 '$I/c1/usage/memory.limit'"
