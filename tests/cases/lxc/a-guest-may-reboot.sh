#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# A reboot from inside: the instance keeps running with another init, its limits of now, and nobody is told that it stopped.
# Its clock since boot, start times of processes and /proc/uptime begin with each init.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
pid=$(cat "$I/c1/runtime/pid")

# in hundredths of a second, all read by a process of the guest; the shell is younger than init, and not from the future
begins_with_init() {
	[ -e /proc/self/ns/time ] || return 0
	run c1 'read -r up _ </proc/uptime; read -r _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ own _ </proc/self/stat
		init=$(cut -d" " -f22 /proc/1/stat); echo "${up%.*}${up#*.} $own $init"' >"$T/times"
	read -r up own init <"$T/times"
	[ "$init" -lt $((200 * SLOW)) ] && [ "$own" -ge "$init" ] && [ "$((up + 20))" -ge "$own" ] && [ "$up" -lt "$1" ] ||
		fail "uptime $up, this process $own, init $init"
}
begins_with_init $((3000 * SLOW))
echo 80MiB >"$I/c1/config/limits.memory"
mkdir "$I/c1/exec/r"
echo 'reboot -f' >"$I/c1/exec/r/command"
timeout 60 cat "$I/c1/exec/r/wait" >/dev/null
wait_for 10 eval "[ \"\$(cat $I/c1/runtime/pid)\" != $pid ]"
assert_file "$I/c1/state" 'running\n'
begins_with_init $((2000 * SLOW))
wait_for 5 grep -qx 'memory: hard, 83886080 bytes' "$I/c1/runtime/effective"
mkdir "$I/c1/exec/a"
echo 'echo alive' >"$I/c1/exec/a/command"
timeout 60 cat "$I/c1/exec/a/wait" >/dev/null
assert_file "$I/c1/exec/a/stdout" 'alive\n'
assert_eq "$(grep -c '"instance-stopped"' "$M/events.log" || true)" 0
kill_server
assert_ne "$(cat "$I/c1/runtime/pid")" "$pid" pid
allow_log 'killed by signal 9'
echo 'stopped force' >"$I/c1/state"
