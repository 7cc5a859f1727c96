#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the guest does: the file systems that a booted host has, control groups, swap, then the cases that run.sh chose, one at a time.
# It is process 1 and ends by switching the machine off. A line per case goes to the second serial port, logs to the shared directory.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C HOME=/root
OUT=/mnt/instfs-vm/out
RESULTS=/dev/ttyS1
. "$OUT/settings"
export INSTFS_TEST_TMP=/mnt/instfs-vm/disk

say() {
	printf '%s\n' "$*" >"$RESULTS"
}

mount_basics() {
	mount -t tmpfs -o mode=755,nosuid,nodev tmpfs /run
	mkdir -p /dev/pts /dev/shm
	mount -t devpts -o mode=600,ptmxmode=000 devpts /dev/pts
	mount -t tmpfs -o mode=1777 tmpfs /dev/shm
	mount -t securityfs securityfs /sys/kernel/security 2>/dev/null
	hostname guest
	ip link set lo up
	ln -sf "$(command -v busybox)" /sbin/modprobe
	modprobe loop
	for f in /etc/subuid /etc/subgid; do
		grep -q '^root:' "$f" 2>/dev/null || echo root:1000000:1000000000 >>"$f"
	done
	busybox mkswap /dev/vdb >/dev/null
	swapon /dev/vdb
}

# "cgroup=hybrid" on the command line: controllers in version 1, processes in version 2 as well; "cgroup=v1": no version 2 at all.
# Otherwise all in version 2.
mount_cgroups() {
	local c
	if ! grep -qwE 'cgroup=(hybrid|v1)' /proc/cmdline; then
		mount -t cgroup2 -o nsdelegate,memory_recursiveprot cgroup2 /sys/fs/cgroup
		for c in $(cat /sys/fs/cgroup/cgroup.controllers); do
			echo "+$c" >/sys/fs/cgroup/cgroup.subtree_control
		done
		return
	fi
	mount -t tmpfs -o mode=755 tmpfs /sys/fs/cgroup
	for c in cpu,cpuacct cpuset memory devices freezer blkio pids hugetlb; do
		mkdir "/sys/fs/cgroup/$c"
		mount -t cgroup -o "$c" cgroup "/sys/fs/cgroup/$c"
	done
	! grep -qw cgroup=v1 /proc/cmdline || return 0
	mkdir /sys/fs/cgroup/unified
	mount -t cgroup2 cgroup2 /sys/fs/cgroup/unified
}

# run_case SCRIPT: as tests/lib/pool.sh does it on the host, a second try included.
run_case() {
	local script=$1 name=${1#tests/} log own start status try=
	name=${name#cases/}
	name=${name%.sh}
	log=$OUT/${name//\//_}.txt
	own=$(sed -n '1,10s/^# timeout: \([0-9]*\).*/\1/p' "$script")
	start=${EPOCHREALTIME/./}
	for _ in 1 2; do
		setsid --wait timeout -k 20 $((${own:-60} * INSTFS_TEST_SLOW)) "./$script" >"$log" 2>&1 </dev/null
		status=$?
		[ "$status" != 0 ] && [ "$status" != 77 ] && [ -z "$try" ] || break
		mv "$log" "${log%.txt}.first.txt"
		try="second try, the first ended with status $status"
	done
	[ "$status" != 77 ] || try=$(sed -n 's/^skipped: //p' "$log" | tail -1)
	say "@@ $status $(((${EPOCHREALTIME/./} - start) / 10000)) $name $try"
}

mount_basics
mount_cgroups
if [ -n "$BY_HAND" ]; then
	setsid --ctty --wait bash -i </dev/ttyS0 >/dev/ttyS0 2>&1
else
	cd "$SOURCE" || say "@@ lost $SOURCE"
	say "@@ booted $(uname -r), up $(cut -d' ' -f1 /proc/uptime) s, control groups: $(stat -f -c %T /sys/fs/cgroup)"
	while read -r script; do
		run_case "$script"
	done <"$OUT/cases"
fi
say "@@ done"
sync
echo o >/proc/sysrq-trigger
sleep 60
