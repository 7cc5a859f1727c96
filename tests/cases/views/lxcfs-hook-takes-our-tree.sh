#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# A container that is none of ours, started by lxc-start with lxcfs's own mount hook: our tree stands where that expects /var/lib/lxcfs.
# It sees itself, and the host sees the host.
. "$(dirname "$0")/../../lib/case.sh"

lxc_ready
needs_program lxc-start unshare
HOOK=/usr/share/lxcfs/lxc.mount.hook
[ -x "$HOOK" ] || skip "lxcfs is not installed"
start_instfs -o allow_other
assert_eq "$(awk '/MemTotal/ { print $2 }' "$M/proc/meminfo")" "$(awk '/MemTotal/ { print $2 }' /proc/meminfo)"
assert_eq "$(cat "$M/sys/devices/system/cpu/online")" "$(cat /sys/devices/system/cpu/online)"
here=$M/sys/devices/system/cpu/cpu0 there=/sys/devices/system/cpu/cpu0
assert_eq "$(cat "$here"/topology/*_list "$here"/cache/*/size)" "$(cat "$there"/topology/*_list "$there"/cache/*/size)"
assert_eq "$(ls "$here/topology")" "$(ls "$there/topology" | grep -v ppin)"

[ -s "$IMAGE_FILE" ] || cache_image
mkdir -p "$T/lxc/peer"
last=$(sed 's/.*[-,]//' /sys/devices/system/cpu/online)
tar -C "$T/lxc/peer" -xf "$IMAGE_FILE" rootfs 2>/dev/null || tar -C "$T/lxc/peer" -xf "$IMAGE_FILE" ./rootfs
mkdir -p "$T/lxc/peer/rootfs/var/lib/lxcfs"
cat >"$T/lxc/peer/config" <<END
lxc.uts.name = peer
lxc.rootfs.path = dir:$T/lxc/peer/rootfs
lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed
lxc.cgroup.memory.limit_in_bytes = 128M
lxc.cgroup2.memory.max = 128M
lxc.cgroup.cpuset.cpus = $last
lxc.cgroup2.cpuset.cpus = $last
lxc.net.0.type = empty
lxc.apparmor.profile = unconfined
lxc.init.cmd = /sbin/init
lxc.hook.mount = $HOOK
lxc.hook.post-stop = ${HOOK/mount/reboot}
END
at_exit "lxc-stop -k -P '$T/lxc' -n peer 2>/dev/null"
# The hook knows one place only: it is there for this container's start.
unshare -m --propagation private sh -ec "mount --bind '$M' /var/lib/lxcfs; lxc-start -d -P '$T/lxc' -n peer -o '$T/lxc.log' -l DEBUG" ||
	{ tail -20 "$T/lxc.log"; fail "lxc-start does not start with the hook"; }
pid=$(lxc-info -P "$T/lxc" -n peer -pH)
inside() { nsenter -t "$pid" -m -p "$@"; }
assert_eq "$(inside cat /proc/meminfo | awk '/MemTotal/ { print $2 }')" 131072
assert_match "$(inside cat /proc/uptime)" '^[0-9.]{4,6} '
assert_eq "$(nsenter -t "$pid" -p lscpu -s "/proc/$pid/root" -p=CPU,CORE | grep -v '^#')" 0,0
assert_eq "$(inside cat /sys/devices/system/cpu/cpu0/topology/package_cpus_list)" 0
for f in cpuinfo stat loadavg diskstats swaps; do
	inside grep -q " /proc/$f fuse" /proc/mounts || fail "$f is not ours"
done
assert_eq "$(inside awk '/MemTotal/ { print $2 }' /var/lib/lxcfs/proc/meminfo)" 131072
lxc-stop -k -P "$T/lxc" -n peer
assert_eq "$(lxc-info -P "$T/lxc" -n peer -sH)" STOPPED
