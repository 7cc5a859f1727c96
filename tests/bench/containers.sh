#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Starting and stopping a container beside lxc-start and lxc-stop -k of the same one, without devices and with a nic, two disks and
# five limits, and changing a limit of a running one.
# needs: lxc
# timeout: 300
. "$(dirname "$0")/../lib/net.sh"
# liblxc looks for bridges in /sys, which must be that of this network
[ -n "${BENCH_MOUNTS:-}" ] || BENCH_MOUNTS=1 exec unshare --mount "$0" "$@"
mount -t sysfs sysfs /mnt && mount --rbind /sys/fs/cgroup /mnt/fs/cgroup && mount --move /mnt /sys
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/bench.sh"

lxc_ready
needs_program lxc-start
R=${ROUNDS:-9}
start_instfs
make_instance c1
state() { echo "$1" >"$I/c1/state"; }

# The peer: the same root file system, the same id map, the same limits of the configuration that matter for the start.
mkdir -p "$T/lxc/peer/rootfs" "$T/lxc/full" "$T/one" "$T/two"
tar -C "$T/lxc/peer" --strip-components=0 -xf "$IMAGE_FILE" rootfs 2>/dev/null || tar -C "$T/lxc/peer" -xf "$IMAGE_FILE" ./rootfs
map=$(sed -n 's/^root:\([0-9]*\):\([0-9]*\)$/\1 \2/p' /etc/subuid | head -1)
chmod 755 "$T" "$T/lxc" "$T/lxc"/*
cat >"$T/lxc/peer/config" <<END
lxc.uts.name = peer
lxc.rootfs.path = dir:$T/lxc/peer/rootfs
lxc.rootfs.options = idmap=container
lxc.idmap = u 0 $map
lxc.idmap = g 0 $map
lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
lxc.tty.max = 0
lxc.pty.max = 1024
lxc.init.cmd = /sbin/init
lxc.console.buffer.size = auto
lxc.log.level = ERROR
END
at_exit "lxc-stop -k -P '$T/lxc' -n peer 2>/dev/null; lxc-stop -k -P '$T/lxc' -n full 2>/dev/null"

# compare PEER: both are started and stopped by turns, so that the machine is the same for both; files $T/{instfs,lxc}.{start,stop}
compare() {
	local i
	rm -f "$T"/{instfs,lxc}.{start,stop}
	lxc-start -d -P "$T/lxc" -n "$1" -o "$T/lxc.log" -l DEBUG || { tail -20 "$T/lxc.log"; skip "lxc-start cannot start the peer"; }
	lxc-stop -k -P "$T/lxc" -n "$1"
	state running
	state 'stopped force'
	for ((i = 0; i < R; i++)); do
		timing instfs start state running
		timing instfs stop state 'stopped force'
		timing lxc start lxc-start -d -P "$T/lxc" -n "$1"
		timing lxc stop lxc-stop -k -P "$T/lxc" -n "$1"
	done
}
timing() {
	local file=$T/$1.$2
	shift 2
	{ ms "$@"; echo; } >>"$file"
	sleep 0.3
}
middle() { sort -n "$T/$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
compare peer
heading "one busybox container" "lxc-*"
row "echo running > state, ms" "$(middle instfs.start)" "$(middle lxc.start)" "at most 15 above lxc-start" 'o <= p + 15'
row "echo stopped force > state, ms" "$(middle instfs.stop)" "$(middle lxc.stop)" "at most 15 above lxc-stop -k" 'o <= p + 15'

# limits of both versions of control groups: those of the hierarchy that is not there are passed over
ip link add name bench0 up type bridge
{
	sed "s/= peer/= full/" "$T/lxc/peer/config"
	cat <<-END
	lxc.net.0.type = veth
	lxc.net.0.link = bench0
	lxc.net.0.flags = up
	lxc.net.0.name = eth0
	lxc.mount.entry = $T/one mnt/one none bind,create=dir 0 0
	lxc.mount.entry = $T/two mnt/two none bind,create=dir 0 0
	lxc.prlimit.nofile = 4096
	END
	if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
		printf 'lxc.cgroup2.%s\n' 'memory.max = 256M' 'pids.max = 500' 'cpu.max = 50000 100000' 'cpuset.cpus = 0'
	else
		printf 'lxc.cgroup.%s\n' 'memory.limit_in_bytes = 256M' 'pids.max = 500' 'cpu.cfs_period_us = 100000' 'cpu.cfs_quota_us = 50000' 'cpuset.cpus = 0'
	fi
} >"$T/lxc/full/config"
printf 'type=nic\nnictype=bridged\nparent=bench0\n' >"$I/c1/devices/eth0"
for d in one two; do
	printf 'type=disk\nsource=%s\npath=/mnt/%s\n' "$T/$d" "$d" >"$I/c1/devices/$d"
done
for k in limits.memory=256MiB limits.processes=500 limits.cpu.allowance=50ms/100ms limits.cpu=0-0 limits.kernel.nofile=4096; do
	echo "${k#*=}" >"$I/c1/config/${k%%=*}"
done
compare full
heading "with a bridged nic, 2 disks, 5 limits" "lxc-*"
row "echo running > state, ms" "$(middle instfs.start)" "$(middle lxc.start)" "at most 40 above lxc-start" 'o <= p + 40'
row "echo stopped force > state, ms" "$(middle instfs.stop)" "$(middle lxc.stop)" "no figure" 1
for k in "$I"/c1/devices/* "$I"/c1/config/limits.*; do
	rm "$k"
done

state running
echo 256MiB >"$I/c1/config/limits.memory"
read -r p50 p95 max < <("$LOOPS" write "$I/c1/config/limits.memory" 128MiB 256MiB 401)
lxc-start -d -P "$T/lxc" -n peer
heading "a limit of a running container" "lxc-cgroup"
row "echo 256MiB > config/limits.memory, median us" "$p50" \
	"$(awk -v m="$(median 5 lxc-cgroup -P "$T/lxc" -n peer memory.limit_in_bytes 256M)" 'BEGIN { printf "%.0f", m * 1000 }')" "below 1000" 'o < 1000'
row "the same, 95th percentile" "$p95" - "no figure" 1
row "the same, longest" "$max" - "no figure" 1
benched
