#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# proc/ and sys/ are listed for a stopped instance too, with true sizes and what was configured; profiles and proc.cpus count at once.
. "$(dirname "$0")/../../lib/case.sh"

start_instfs
mkdir "$I/c1"
cd "$I/c1"
echo 64MiB >config/limits.memory
echo 1 >config/limits.cpu
assert_eq "$(ls proc | tr '\n' ' ')" 'cpuinfo diskstats loadavg meminfo pressure slabinfo stat swaps uptime '
assert_match "$(cat proc/meminfo)" '^MemTotal: +65536 kB'
assert_match "$(cat proc/meminfo)" '^MemFree: +65536 kB'
assert_match "$(cat proc/meminfo)" '^SwapFree: +[0-9]+ kB'
assert_eq "$(cat proc/uptime)" '0.00 0.00'
assert_eq "$(ls sys/devices/system/cpu | tr '\n' ' ')" 'cpu0 kernel_max offline online possible present '
assert_eq "$(cat sys/devices/system/cpu/online)" 0
assert_eq "$(grep -c ^processor proc/cpuinfo)" "$(grep -c '^cpu[0-9]' proc/stat)"
for f in $(find proc sys -type f); do
	assert_eq "$(size "$f")" "$(wc -c <"$f")" "size of $f"
done
assert_write_fails EACCES proc/meminfo 1
assert_missing sys/devices/system/cpu/cpu1
# what a profile says, and a quota that is worth one CPU
echo 32MiB >"$M/profiles/default/config/limits.memory"
echo >config/limits.memory
echo >config/limits.cpu
assert_match "$(cat proc/meminfo)" '^MemTotal: +32768 kB'
[ "$(nproc)" = 1 ] || assert_exists sys/devices/system/cpu/cpu1/.
echo 60ms/100ms >config/limits.cpu.allowance
echo quota >config/proc.cpus
assert_eq "$(cat sys/devices/system/cpu/online)" 0
assert_missing sys/devices/system/cpu/cpu1
assert_write_fails EINVAL config/proc.cpus all
assert_error_matches error 'neither cpuset nor quota'
# while it runs, it has an age
echo none >source
echo running >state
assert_match "$(cat proc/uptime)" '^[0-9]+\.[0-9]{2} [0-9]+\.[0-9]{2}$'
assert_match "$(cat proc/meminfo)" '^MemTotal: +32768 kB'
cat proc/stat proc/loadavg proc/pressure/* >"$T/out"
cd /
