#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# Everything that serves views is killed at once: another server starts, and running containers have their files again. The same for
# what a guest has unmounted, when a daemon comes.
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/views.sh"

lxc_ready
start_instfs
make_instance c1 running
make_instance c2
echo true >"$I/c2/config/security.privileged"
echo running >"$I/c2/state"
allow_log 'server of views and its holder were killed|holder was killed|starting another'
kill -KILL "$(views_pid holder)" "$(views_pid server)"
for n in c1 c2; do
	for f in proc/meminfo proc/uptime sys/devices/system/cpu; do
		wait_for 10 is_view "$n" "$f"
	done
	! guest "$n" grep -c 'proc/meminfo.* fuse' /proc/mounts | grep -v 1 || fail "$n has two of them"
done
guest c1 umount /proc/meminfo
! is_view c1 proc/meminfo || fail "it was not unmounted"
stop_instfs
start_instfs
wait_for 10 is_view c1 proc/meminfo
