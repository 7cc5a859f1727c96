#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# limits.cpu as a number spreads instances over the CPUs, and moves them when others come, go and change; a set pins.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/keys.sh"

lxc_ready
[ "$(nproc)" -ge 2 ] || skip "one CPU only"
start_instfs
for i in a b c d; do
	make_instance "$i"
	set_key "$i" limits.cpu 1
	echo running >"$I/$i/state"
done
g=$(group cpuset a)
[ -n "$g" ] || skip "no cpuset controller"
on() { cat "$(group cpuset "$1")/cpuset.cpus"; }
spread() { for i; do on "$i"; done | sort | uniq -c | awk '{ print $1 }' | sort -u | tr '\n' ' '; }
assert_eq "$(spread a b c d)" "2 " "instances on each of the two CPUs"
assert_eq "$(run a nproc)" 1
assert_match "$(effective a)" "^cpu: runs on CPUs $(on a)\$"

# Two that are pinned to where `a` is push others away.
busy=$(on a)
set_key b limits.cpu "$busy-$busy"
set_key c limits.cpu "$busy-$busy"
assert_eq "$(on b) $(on c)" "$busy $busy"
assert_ne "$(on a)" "$busy" "the CPU of a"
assert_ne "$(on d)" "$busy" "the CPU of d"
# They go: it is even again.
echo 'stopped force' >"$I/b/state"
echo 'stopped force' >"$I/c/state"
assert_ne "$(on a)" "$(on d)" "the CPU of a and d"
# A server that is new to them knows where they are.
kill_server
echo running >"$I/b/state"
echo running >"$I/c/state"
assert_eq "$(on b) $(on c)" "$busy $busy"
assert_eq "$(spread a b c d)" "2 " "instances on each of the two CPUs"
set_key a limits.cpu 2
assert_eq "$(on a)" 0-1
unset_key a limits.cpu
wait_for 4 eval "[ \"\$(run a nproc)\" = \"$(nproc)\" ]"
assert_write_fails ERANGE "$I/a/config/limits.cpu" 7000-7001
