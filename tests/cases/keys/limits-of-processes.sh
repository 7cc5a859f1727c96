#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limits.kernel.* and the priority when memory is out: at a start, live for those who have them from init, taken back.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

lxc_ready
start_instfs
make_instance c1
set_key c1 limits.kernel.nofile 900:1000
set_key c1 limits.memory.oom_priority 300
echo running >"$I/c1/state"
assert_eq "$(run c1 'ulimit -Sn; ulimit -Hn; cat /proc/1/oom_score_adj' | tr '\n' ' ')" "900 1000 300 "
mkdir "$I/c1/exec/own"
echo 'ulimit -Sn 100; exec sleep 1000' >"$I/c1/exec/own/command"
pid=$(cat "$I/c1/runtime/pid")
limit() { awk '/open files/ { print $4, $5 }' "/proc/$1/limits"; }
wait_for 5 eval '[ -n "$(pgrep -f "^sleep 1000")" ]'
own=$(pgrep -nf '^sleep 1000')
set_key c1 limits.kernel.nofile 500:600
assert_eq "$(limit "$pid")" "500 600" "the limit of init"
assert_eq "$(limit "$own")" "100 1000" "the limit of one that chose its own"
assert_match "$(effective c1)" '^each process, nofile: soft, 500, hard, 600$'
set_key c1 limits.memory.oom_priority 400
assert_eq "$(cat "/proc/$pid/oom_score_adj") $(cat "/proc/$own/oom_score_adj")" "400 400"
# below what it had needs a privilege that not every host's root has
if (echo -50 >"/proc/$pid/oom_score_adj") 2>/dev/null; then
	set_key c1 limits.memory.oom_priority -50
	assert_eq "$(cat "/proc/$pid/oom_score_adj")" -50
else
	assert_write_fails EACCES "$I/c1/config/limits.memory.oom_priority" -50
	assert_file "$I/c1/config/limits.memory.oom_priority" '400\n'
fi
assert_write_fails ERANGE "$I/c1/config/limits.kernel.nofile" 9:8
assert_write_fails EINVAL "$I/c1/config/limits.kernel.nofile" many
assert_eq "$(limit "$pid")" "500 600" "the limit of init"
if prlimit --pid "$own" --nofile=100:1001 2>/dev/null; then
	unset_key c1 limits.kernel.nofile
	wait_for 4 eval "[ \"\$(awk '/open files/ { print \$5 }' /proc/$pid/limits)\" -gt 600 ]"
else
	# the same privilege: then it stays as it is, and says why
	if (unset_key c1 limits.kernel.nofile) 2>/dev/null; then
		fail "more was given back than the kernel allows"
	fi
	assert_error_matches "$I/c1/error" 'kernel refuses the default'
	assert_eq "$(limit "$pid")" "500 600" "the limit of init"
fi
set_key c1 limits.kernel.memlock 1MiB:2MiB
assert_eq "$(run c1 'ulimit -l')" 1024
assert_eq "$(cat "$I/c1/runtime/pending")" ""
# A guest that reboots has what is configured now, not what it was started with.
set_key c1 limits.kernel.nofile 400:450
kill -INT "$pid"
wait_for 20 eval "[ \"\$(cat '$I/c1/runtime/pid')\" != '' ] && [ \"\$(cat '$I/c1/runtime/pid')\" != $pid ]"
pid=$(cat "$I/c1/runtime/pid")
wait_for 5 eval "[ \"\$(awk '/open files/ { print \$4, \$5 }' /proc/$pid/limits)\" = '400 450' ]"
