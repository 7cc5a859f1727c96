#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Readers in several containers see no error and nothing torn while every process of ours is killed, the daemon is upgraded, unmounted and
# mounted again. CONTAINERS=50 for more of them.
# needs: lxc
# timeout: 300
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/views.sh"

lxc_ready
needs_program gcc
READER=$BUILDS/build-normal/tests/procread
[ "$READER" -nt "$TESTS/bench/procread.c" ] || gcc -O2 -Wall -Wextra -o "$READER" "$TESTS/bench/procread.c" -lpthread
N=${CONTAINERS:-5}
start_instfs
make_image
pids=()
for ((i = 1; i <= N; i++)); do
	make_instance "c$i" running
	pids+=("$(cat "$I/c$i/runtime/pid")")
done

readers=()
for ((i = 0; i < N; i++)); do
	timeout 280 "$READER" "${pids[i]}" check "${READ_SECONDS:-12}" 1 /proc/{meminfo,stat,uptime,loadavg,cpuinfo,diskstats,swaps} \
		/sys/devices/system/cpu/online >"$T/reader.$i" 2>&1 &
	readers+=($!)
	BACKGROUND+=($!)
done
allow_log 'killed|died|starting another|version .* took over'
sleep 1
for i in 1 2 3 4 5 6; do
	kill -KILL "$(views_pid server)"
	sleep 0.3
done
for i in 1 2; do
	kill -KILL "$(views_pid holder)"
	wait_for 5 views_pid holder
	sleep 0.3
done
kill_server
"$INSTFS" --upgrade "$M"
stop_instfs
kill -KILL "$(views_pid server)"
sleep 0.3
start_instfs

for ((i = 0; i < N; i++)); do
	wait "${readers[i]}" || fail "a reader ended: $(tail -3 "$T/reader.$i")"
	read -r reads errors torn < <(tail -1 "$T/reader.$i")
	[ "$reads" -gt 100 ] || fail "only $reads reads"
	[ "$errors $torn" = '0 0' ] || fail "c$((i + 1)): $errors errors, $torn torn in $reads reads: $(head -3 "$T/reader.$i")"
done
