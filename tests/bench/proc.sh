#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Files of /proc in a container beside those of lxcfs and the kernel's own, read by the same program in the same container.
# needs: lxc
# timeout: 300
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/bench.sh"
. "$TESTS/lib/views.sh"

lxc_ready
needs_program lxcfs gcc strace
READER=$BUILDS/build-normal/tests/procread
[ "$READER" -nt "$TESTS/bench/procread.c" ] || gcc -O2 -Wall -Wextra -o "$READER" "$TESTS/bench/procread.c" -lpthread
SECONDS_EACH=${SECONDS_EACH:-0.5}

mkdir "$T/lxcfs"
lxcfs -l -f -p "$T/lxcfs.pid" "$T/lxcfs" >"$T/lxcfs.log" 2>&1 &
BACKGROUND+=($!)
wait_for 10 test -e "$T/lxcfs/proc/meminfo"
at_exit "umount -l '$T/lxcfs'"

start_instfs
make_instance c1
echo 256MiB >"$I/c1/config/limits.memory"
printf 'type=disk\nsource=%s\npath=/lxcfs\n' "$T/lxcfs" >"$I/c1/devices/lxcfs"
echo true >"$I/c1/config/security.nesting"
echo running >"$I/c1/state"
PID=$(cat "$I/c1/runtime/pid")

# best FILE THREADS: of a few rounds, microseconds.
best() {
	for _ in 1 2 3; do
		"$READER" "$PID" rate "$SECONDS_EACH" "$2" "$1"
	done | sort -n | head -1
}

# Polled: everything that the kernel kept is too old each time. First of all, because load averages that were read are kept up for a while.
heading "one read of meminfo a second later"
strace -f -c -U name,calls -o "$T/calls" -p "$(views_pid server)" &
tracer=$!
sleep 0.5
for _ in 1 2 3 4 5 6 7 8 9 10; do
	sleep 0.3
	"$READER" "$PID" once 0 1 /proc/meminfo >"$T/seen"
done
kill -INT $tracer
wait $tracer || true
calls=$(awk '$1 == "total" { print $2 / 10 }' "$T/calls")
row "system calls of the server" "$calls" 106 "<= 12" 'o <= 12'
row "requests (writev to the kernel)" "$(awk '$1 == "writev" { print $2 / 10 }' "$T/calls")" 5 "<= 3" 'o <= 3'

heading "open + read + close in a container, us" lxcfs
for f in meminfo uptime loadavg cpuinfo stat; do
	ours=$(best "/proc/$f" 1) theirs=$(best "/lxcfs/proc/$f" 1) kernel=$(best "/dev/.lxc/proc/$f" 1)
	want=20
	[ $f != stat ] || want=8
	row "$f" "$ours" "$theirs" ">= $want times lxcfs" "r >= $want"
	[ $f = stat ] || row "$f, beside the kernel's own" "$ours" "$kernel" ">= half of native" 'r >= 0.5'
	printf '%-46s %12s\n' "$f, kernel's own" "$kernel"
done

heading "the other files, us" "kernel's"
for f in proc/diskstats proc/swaps proc/slabinfo proc/pressure/cpu sys/devices/system/cpu/online; do
	row "$f" "$(best "/$f" 1)" "$(best "/dev/.lxc/$f" 1)" ">= half of native" 'r >= 0.5'
done

heading "8 threads, us per read" "1 thread"
for f in meminfo uptime stat; do
	row "$f" "$(best "/proc/$f" 8)" "$(best "/proc/$f" 1)" "more than one core" 'r >= 1.4'
done

heading "age of what is read, ms" "kernel's"
row uptime "$("$READER" "$PID" age 3 1 /proc/uptime)" "$("$READER" "$PID" age 3 1 /dev/.lxc/proc/uptime)" "<= 15" 'o <= 15'

benched
