#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# needs: lxc
# In an instance that may nest others /var/lib/lxcfs shows every reader the container that he is in: the instance, a container inside
# with groups of its own, and through lxcfs's own hook the files of that one. Outer limits hold inside.
. "$(dirname "$0")/../../lib/case.sh"
. "$TESTS/lib/views.sh"

# inner LIMIT COMMAND: as a container made inside of c1 would be: pid, mount, host name, and a group below the instance's.
inner() {
	mkdir -p "$GROUP/inner"
	echo "$1" >"$GROUP/inner/$LIMIT"
	(echo "$BASHPID" >"$GROUP/inner/cgroup.procs" && exec nsenter -t "$PID" -U --setuid 0 --setgid 0 -m -p unshare -fpmu --mount-proc sh -c "$2")
}
# Version 2 has limits only below groups without processes: these go one down, as systemd's do.
make_room() {
	mkdir -p "$GROUP/own"
	for p in $(cat "$GROUP/cgroup.procs"); do
		echo "$p" >"$GROUP/own/cgroup.procs"
	done
	echo +memory >"$GROUP/cgroup.subtree_control"
}
inner_total() {
	inner "$1" 'cat /var/lib/lxcfs/proc/meminfo' | awk '/MemTotal/ { print $2 }'
}

lxc_ready
start_instfs
make_instance c1
echo true >"$I/c1/config/security.nesting"
echo 256MiB >"$I/c1/config/limits.memory"
echo running >"$I/c1/state"
PID=$(cat "$I/c1/runtime/pid")
GROUP=/sys/fs/cgroup/memory/$(cat "$I/c1/runtime/cgroup") LIMIT=memory.limit_in_bytes
if [ ! -d "$GROUP" ]; then
	GROUP=/sys/fs/cgroup/$(cat "$I/c1/runtime/cgroup") LIMIT=memory.max
	make_room
fi
at_exit 'rmdir "$GROUP/inner" 2>/dev/null'
assert_eq "$(guest c1 sed -n 's/MemTotal: *\([0-9]*\) kB/\1/p' /var/lib/lxcfs/proc/meminfo)" 262144
assert_eq "$(guest c1 cat /var/lib/lxcfs/sys/devices/system/cpu/online)" "$(guest c1 cat /sys/devices/system/cpu/online)"
assert_eq "$(inner_total 67108864)" 65536
assert_eq "$(inner_total 1073741824)" 262144
# A namespace that is no container, like those of browsers, shows what surrounds it.
assert_eq "$(nsenter -t "$PID" -U --setuid 0 --setgid 0 -m -p unshare -fp cat /var/lib/lxcfs/proc/meminfo | awk '/MemTotal/ { print $2 }')" 262144
# The same for open files while the server is killed.
exec 7<"/proc/$PID/root/var/lib/lxcfs/proc/uptime"
allow_log 'server .* signal 9|starting another'
kill -KILL "$(pgrep -f -- "--internal-server - $(run_dir)/nested\$")"
grep -qE '^[0-9.]+ [0-9.]+ *$' <&7
exec 7<&-
stop_instfs
assert_eq "$(guest_of "$PID" sed -n 's/MemTotal: *\([0-9]*\) kB/\1/p' /var/lib/lxcfs/proc/meminfo)" 262144
start_instfs
