#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Very many real containers whose files nobody reads: nothing of ours wakes up. CONTAINERS=500 by default; not in run.sh, it takes minutes.
# needs: lxc
# timeout: 1200
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/bench.sh"
. "$TESTS/lib/views.sh"

lxc_ready
N=${CONTAINERS:-500}
start_instfs
make_instance c1
for ((i = 2; i <= N; i++)); do
	mkdir "$I/c$i"
	cp "$I/c1/source" "$I/c$i/source"
done

start_all() {
	for ((i = 1; i <= N; i++)); do
		echo running >"$I/c$i/state"
		[ $((i % 50)) != 0 ] || echo "$i containers run" >&2
	done
}
started=$( { ms start_all; } 2> >(cat >&2))
# each is looked at once, so that its sources are open, and loadavg's sampler runs
for ((i = 1; i <= N; i++)); do
	cat "/proc/$(cat "$I/c$i/runtime/pid")/root/proc/"{loadavg,meminfo,stat} >/dev/null
done

ours() { echo "$HOLDER"; pgrep -P "$HOLDER"; views_pid holder; views_pid server; }
monitors() { pgrep -f '^\[instfs monitor\] c[0-9]+' | head -n "$N"; }
# wakeups PID...: of all their threads, up to now
wakeups() {
	local p
	for p; do
		cat /proc/"$p"/task/*/status
	done | awk '/^voluntary_ctxt_switches/ { n += $2 } END { print n + 0 }'
}
resident() {
	local p
	for p; do
		cat "/proc/$p/status"
	done | awk '/^VmRSS/ { n += $2 } END { printf "%.1f", n / 1024 }'
}
# the sampler goes on for a while after the last reader
KEEP=$(sed -n 's/^#define PROC_LOAD_KEEP \([0-9]*\).*/\1/p' "$SOURCE"/backends/proc/*.h)
sleep $((${KEEP:-60} + 10))
before=$(wakeups $(ours)) before_monitors=$(wakeups $(monitors))
sleep 10
heading "$N idle containers" "monitors"
row "wakeups in 10 s" $(($(wakeups $(ours)) - before)) $(($(wakeups $(monitors)) - before_monitors)) "0" 'o == 0'
row "resident, MiB" "$(resident $(ours))" "$(resident $(monitors))" "no figure" 1
row "start of each, ms" "$(awk -v t="$started" -v n="$N" 'BEGIN { printf "%.1f", t / n }')" - "no figure" 1
benched
