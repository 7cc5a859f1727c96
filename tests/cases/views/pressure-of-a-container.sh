#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# /proc/pressure in a container is its own: it counts what the container waits for, and a trigger written there by its root or by
# anybody else inside wakes a poller; a container that does nothing has little of it.
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/views.sh"

lxc_ready
needs_program gcc
[ -e /proc/pressure/cpu ] || skip "this kernel keeps no pressure stall information"
READER=$BUILDS/build-normal/tests/procread
[ "$READER" -nt "$TESTS/bench/procread.c" ] || gcc -O2 -Wall -Wextra -o "$READER" "$TESTS/bench/procread.c" -lpthread
start_instfs
make_instance c1
make_instance c2
echo 10ms/100ms >"$I/c1/config/limits.cpu.allowance"
for n in c1 c2; do
	echo running >"$I/$n/state"
	grep -q ' /proc/pressure/cpu .* cgroup2 ' "/proc/$(cat "$I/$n/runtime/pid")/mountinfo" || skip "no pressure of groups"
done
# Two threads that want a CPU of which they get a tenth together.
mkdir "$I/c1/exec/busy"
echo '(while :; do :; done) & while :; do :; done' >"$I/c1/exec/busy/command"
assert_eq "$("$READER" "$(cat "$I/c1/runtime/pid")" poll 15 1 /proc/pressure/cpu)" event
assert_eq "$(guest c1 stat -c %a /proc/pressure/memory)" 666
sleep 1
waited() { guest "$1" sed -n 's/^some.*total=//p' /proc/pressure/cpu; }
[ "$(waited c1)" -gt 100000 ] && [ "$(waited c1)" -gt "$(waited c2)" ] || fail "waited: $(waited c1), and c2, which is idle, $(waited c2)"
rmdir "$I/c1/exec/busy"
