#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# While no daemon runs containers read their files, new and long open ones; the view server ends when neither is there any more.
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/views.sh"

lxc_ready
start_instfs
make_instance c1 running
pid=$(cat "$I/c1/runtime/pid")
exec 7<"/proc/$pid/root/proc/uptime"
stop_instfs
server=$(views_pid server)
allow_log 'server .* signal 9|starting another'
kill -KILL "$server"
grep -qE '^[0-9.]+ [0-9.]+ *$' <&7 || fail "an open file cannot be read"
guest_of "$pid" grep -q MemTotal /proc/meminfo
sleep 2
assert_ne "$(views_pid server)" "$server"
start_instfs
assert_eq "$(cat "$I/c1/runtime/pid")" "$pid"
grep -q MemTotal "/proc/$pid/root/proc/meminfo"
echo 'stopped force' >"$I/c1/state"
exec 7<&-
stop_instfs
wait_for 10 eval '! views_pid server && ! views_pid holder'
! grep -q "$(run_dir)/views" /proc/self/mounts || fail "the views are still mounted"
