#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Servers killed at any moment of a start or stop: the writer sees no error, and there is one monitor or nothing.
. "$(dirname "$0")/../../lib/case.sh"

# The lists of processes of a group, in every hierarchy that has it.
find_groups() {
	find /sys/fs/cgroup -maxdepth 4 -path "*/$1/cgroup.procs"
}

lxc_ready
allow_log 'killed by signal 9'
start_instfs
make_instance c1
for i in 1 2 3 4 5 6 7 8; do
	background "$SYS" open "$I/c1/state" w , write 'running\n' , close
	sleep "0.00$i"
	kill_server
	wait "$BG"
	assert_file "$I/c1/state" 'running\n'
	pid=$(cat "$I/c1/runtime/pid")
	group=$(cat "$I/c1/runtime/cgroup")
	[ -d "/proc/$pid" ] || fail "round $i: no process $pid"
	assert_eq "$(find_groups "${group/instfs/instfs.monitor}" | xargs cat | sort -u | wc -l)" 1 "round $i: monitors"
	background "$SYS" open "$I/c1/state" w , write 'stopped force\n' , close
	sleep "0.00$i"
	kill_server
	wait "$BG"
	assert_file "$I/c1/state" 'stopped\n'
	[ ! -d "/proc/$pid" ] || fail "round $i: $pid still runs"
	assert_eq "$(find_groups "$group")" '' "round $i: groups"
done
