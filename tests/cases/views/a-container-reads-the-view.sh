#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# /proc of a container, unprivileged or not, is served by a process of its own; what was open stays readable when that one is killed.
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/views.sh"

lxc_ready
start_instfs
make_instance c1
make_instance c2
echo true >"$I/c2/config/security.privileged"
for n in c1 c2; do
	echo 256MiB >"$I/$n/config/limits.memory"
	echo running >"$I/$n/state"
	is_view "$n" proc/meminfo || fail "$n sees the host's /proc/meminfo"
	assert_match "$(guest "$n" cat /proc/meminfo)" '^MemTotal: +262144 kB$'
	exec 7<"/proc/$(cat "$I/$n/runtime/pid")/root/proc/meminfo"
	text=$(guest "$n" cat /proc/meminfo)
	assert_eq "$(guest "$n" stat -c '%s %A' /proc/meminfo)" "$((${#text} + 1)) -r--r--r--"
	allow_log 'server .* signal 9|starting another'
	kill -KILL "$(views_pid server)"
	assert_eq "$(wc -c <&7)" "$((${#text} + 1))"
	is_view "$n" proc/meminfo || fail "$n has lost the view"
	exec 7<&-
done
# A 32-bit reader is told of the same processor as by the kernel; on arm64 that is so in 32-bit instances (backends/proc/cpuinfo.c).
told() { grep -E '^(processor|model name|flags)'; }
[ "$(uname -m)" = aarch64 ] || assert_eq "$(guest c1 linux32 cat /proc/cpuinfo | told)" "$(setarch linux32 cat /proc/cpuinfo | told)"
if [ "$(uname -m)" = x86_64 ]; then
	mkdir "$T/narrow" "$M/images/narrow"
	tar -C "$T/narrow" -xf "$IMAGE_FILE"
	sed -i 's/x86_64/i686/' "$T/narrow/metadata.yaml"
	tar -C "$T/narrow" -cf "$M/images/narrow/image" .
	wait_file 10 "$M/images/narrow/architecture" i686
	mkdir "$I/c3"
	echo images/narrow >"$I/c3/source"
	echo running >"$I/c3/state"
	assert_eq "$(run c3 'uname -m')" i686 "the machine of a 32-bit instance"
fi
# sendfile(2), which busybox's cat uses, takes what the kernel has without asking: that must not be old either.
up() { guest c1 cat /proc/uptime | cut -d' ' -f1 | tr -d .; }
first=$(up)
for ((i = 0; i < 3; i++)); do
	sleep 0.3
	next=$(up)
	[ $((10#$next)) -ge $((10#$first + 25)) ] || fail "uptime was $first and is $next 0.3 s later"
	first=$next
done
# Programs inside a namespace of their own are no container, and ages that are computed of two files are true.
[ "$(guest c1 unshare -fp cat /proc/uptime | cut -d' ' -f1 | tr -d .)" -ge $((10#$first)) ] || fail "a new pid namespace begins with 0"
read -r start now <<<"$(run c1 'echo $(cut -d" " -f22 /proc/self/stat) $(cut -d" " -f1 /proc/uptime | tr -d .)')"
if [ -e /proc/self/timens_offsets ] && { [ "$start" -gt $((10#$now)) ] || [ $((10#$now - start)) -gt 6000 ]; }; then
	fail "a program started at $start, when it is $now"
fi
# The first read of a descriptor may begin anywhere.
assert_eq "$(guest c1 dd if=/proc/meminfo bs=1 skip=3 count=5 2>/dev/null)" Total
assert_eq "$(guest c1 tail -c 3 /proc/meminfo)" "${text: -2}"
assert_eq "$(guest c1 dd if=/proc/meminfo bs=4096 skip=9 count=1 2>/dev/null | wc -c)" 0
