#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the administrator and the guest read is the same, and is what the control groups count, with memory, huge pages, tmpfs and CPU in use.
# needs: lxc
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
start_instfs
make_instance c1 running
cd "$I/c1"
echo 256MiB >config/limits.memory
echo 0-0 >config/limits.cpu
inside() { run c1 "$1"; }
inside 'mount -t tmpfs none /mnt && dd if=/dev/zero of=/mnt/zeros bs=1M count=40 2>/dev/null; i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done' >/dev/null

group=$(sed -n 's/^[0-9]*:memory://p' "/proc/$(cat runtime/pid)/cgroup")
memory=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)$group
[ -e "$memory/memory.stat" ] || memory=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)$(sed -n 's/^0:://p' "/proc/$(cat runtime/pid)/cgroup")
[ -e "$memory/memory.stat" ] || skip "no memory controller"
shmem() { awk '$1 == "total_shmem" || $1 == "shmem" { v = $2 } END { print int(v / 1024) }' "$memory/memory.stat"; }
field() { awk -v f="$1:" '$1 == f { print $2 }' proc/meminfo; }

assert_eq "$(field MemTotal)" 262144
[ "$(field Shmem)" -ge 40960 ] || fail "Shmem $(field Shmem)"
[ $(($(field Shmem) - $(shmem))) -lt 1024 ] || fail "Shmem $(field Shmem), the group has $(shmem)"
# tmpfs cannot be given back: it is not available
[ "$(field MemAvailable)" -lt $((262144 - 40960)) ] || fail "MemAvailable $(field MemAvailable)"
assert_eq "$(inside 'grep -E "^(MemTotal|SwapTotal|HugePages_Total)" /proc/meminfo')" "$(grep -E '^(MemTotal|SwapTotal|HugePages_Total)' proc/meminfo)"

# with huge and other pages in use every line is between what the group counts before and after it is read
huge='import mmap, sys
m = mmap.mmap(-1, 48 << 20, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
try: m.madvise(mmap.MADV_HUGEPAGE, 0, 32 << 20)
except OSError: pass
for i in range(0, len(m), 4096): m[i] = 1
print(flush=True)
sys.stdin.read()'
coproc LOAD { echo "$BASHPID" >"$memory/cgroup.procs" && exec "$PYTHON" -c "$huge"; }
read -r -t 30 <&"${LOAD[0]}" || fail "no program can be put into $memory"
load=$LOAD_PID
group() { cat "$memory/memory.stat" && echo "usage $(cat "$memory/memory.usage_in_bytes" 2>/dev/null || cat "$memory/memory.current")"; }
compare() {
	group >"$T/before"; cat proc/meminfo >"$T/meminfo"; group >"$T/after"
	awk -v limit=262144 -v slack=512 '
		BEGIN {
			n = split("Cached=total_cache|file Shmem=total_shmem|shmem AnonPages=total_rss|anon AnonHugePages=total_rss_huge|anon_thp " \
				"Mapped=total_mapped_file|file_mapped Dirty=total_dirty|file_dirty Writeback=total_writeback|file_writeback " \
				"Active(anon)=total_active_anon|active_anon Inactive(anon)=total_inactive_anon|inactive_anon " \
				"Active(file)=total_active_file|active_file Inactive(file)=total_inactive_file|inactive_file", words)
		}
		FILENAME ~ /before$/ { before[$1] = $2 / 1024 }
		FILENAME ~ /after$/ { after[$1] = $2 / 1024 }
		FILENAME ~ /meminfo$/ { sub(":", "", $1); shown[$1] = $2 }
		function check(name, a, b) {
			if (shown[name] < (a < b ? a : b) - slack || shown[name] > (a > b ? a : b) + slack)
				print name " is " shown[name] " kB, the group has " a " and " b
		}
		END {
			for (i = 1; i <= n; i++) {
				split(words[i], w, /[=|]/)
				key = "total_cache" in before ? w[2] : w[3]
				check(w[1], before[key], after[key])
			}
			check("MemFree", limit - before["usage"], limit - after["usage"])
		}' "$T/before" "$T/after" "$T/meminfo" >"$T/wrong"
	[ ! -s "$T/wrong" ]
}
compare || compare || compare || fail "$(cat "$T/wrong")"
[ "$(field AnonPages)" -ge 49152 ] || fail "AnonPages $(field AnonPages)"
! grep -qF '[madvise]' /sys/kernel/mm/transparent_hugepage/enabled || [ "$(field AnonHugePages)" -gt 0 ] || fail "no AnonHugePages"
kill "$load" 2>/dev/null || true
wait "$load" 2>/dev/null || true

# one numbering of CPUs everywhere
assert_eq "$(inside 'nproc; grep -c ^processor /proc/cpuinfo; grep -c "^cpu[0-9]" /proc/stat; cat /sys/devices/system/cpu/online' | tr '\n' ' ')" '1 1 1 0 '
assert_eq "$(grep '^processor' proc/cpuinfo | tr -d '\t ')" 'processor:0'
# and a CPU keeps its number in what lies below it, whatever the host calls it
last=$(sed 's/.*[-,]//' /sys/devices/system/cpu/online)
echo "$last-$last" >config/limits.cpu
assert_eq "$(lscpu -s "/proc/$(cat runtime/pid)/root" -p=CPU,CORE,SOCKET,NODE | grep -v '^#')" '0,0,0,0'
assert_eq "$(inside 'cd /sys/devices/system; cat node/node*/cpulist cpu/cpu0/topology/*_list cpu/cpu0/cache/*/shared_cpu_list 2>/dev/null' | grep . | sort -u)" 0
assert_eq "$(inside 'cat /sys/devices/system/cpu/cpu0/topology/core_id')" "$(cat "/sys/devices/system/cpu/cpu$last/topology/core_id")"
echo "0-$last" >config/limits.cpu
assert_eq "$(lscpu -s "/proc/$(cat runtime/pid)/root" -p=CPU | grep -vc '^#')" "$(nproc)" "CPUs after a change of a file that was read before"
[ "$(inside 'wc -c </sys/devices/system/cpu/online')" = "$(wc -c </sys/devices/system/cpu/online)" ] || [ "$last" -gt 9 ] ||
	fail "blanks in the list of CPUs"

# times of its own, which only grow
busy() { awk '$1 == "cpu" { print $2 + $4 }' proc/stat; }
before=$(busy)
inside 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done' >/dev/null
[ "$(busy)" -gt "$before" ] || fail "CPU time $(busy) after $before"
up=$(cut -d' ' -f1 proc/uptime)
[ "${up%.*}" -le $((SECONDS + 1)) ] || fail "up for $up s, and begun $SECONDS s ago"
assert_match "$(cat proc/loadavg)" '^[0-9]+\.[0-9]{2} [0-9]+\.[0-9]{2} [0-9]+\.[0-9]{2} [0-9]+/[0-9]+ [0-9]+ *$'
