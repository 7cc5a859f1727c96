#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Several containers at once, started together; the tree stays responsive meanwhile.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
for n in 1 2 3 4; do
	make_instance "c$n"
done
pids=()
for n in 1 2 3 4; do
	"$SYS" open "$I/c$n/state" w , write 'running\n' &
	pids+=($!)
done
begin=${EPOCHREALTIME/./}
cat "$I"/c*/state >/dev/null
[ $((${EPOCHREALTIME/./} - begin)) -lt 500000 ] || fail "reading took $(((${EPOCHREALTIME/./} - begin) / 1000)) ms meanwhile"
for p in "${pids[@]}"; do
	wait "$p"
done
assert_eq "$(cat "$I"/c?/state | sort | uniq -c | tr -s ' ')" " 4 running"
for n in 1 2 3 4; do
	echo 'stopped force async' >"$I/c$n/state"
done
for n in 1 2 3 4; do
	wait_file 10 "$I/c$n/state" stopped
done
