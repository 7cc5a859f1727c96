#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# Starting and stopping a container beside lxc-start and lxc-stop -k of the same one, and changing a limit of a running one.
# needs: lxc
# timeout: 300
. "$(dirname "$0")/../lib/case.sh"
. "$TESTS/lib/bench.sh"

lxc_ready
needs_program lxc-start
R=${ROUNDS:-9}
start_instfs
make_instance c1
state() { echo "$1" >"$I/c1/state"; }

# The peer: the same root file system, the same id map, the same limits of the configuration that matter for the start.
mkdir -p "$T/lxc/peer/rootfs"
tar -C "$T/lxc/peer" --strip-components=0 -xf "$IMAGE_FILE" rootfs 2>/dev/null || tar -C "$T/lxc/peer" -xf "$IMAGE_FILE" ./rootfs
map=$(sed -n 's/^root:\([0-9]*\):\([0-9]*\)$/\1 \2/p' /etc/subuid | head -1)
chmod 755 "$T" "$T/lxc" "$T/lxc/peer"
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
at_exit "lxc-stop -k -P '$T/lxc' -n peer 2>/dev/null"

timing() {
	local i start=() stop=()
	: >"$T/$1.start"
	: >"$T/$1.stop"
	for ((i = 0; i < R; i++)); do
		if [ "$1" = instfs ]; then
			{ ms state running; echo; } >>"$T/$1.start"
			sleep 0.3
			{ ms state 'stopped force'; echo; } >>"$T/$1.stop"
		else
			{ ms lxc-start -d -P "$T/lxc" -n peer; echo; } >>"$T/$1.start"
			sleep 0.3
			{ ms lxc-stop -k -P "$T/lxc" -n peer; echo; } >>"$T/$1.stop"
		fi
		sleep 0.2
	done
}
middle() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
lxc-start -d -P "$T/lxc" -n peer -o "$T/lxc.log" -l DEBUG || { tail -20 "$T/lxc.log"; skip "lxc-start cannot start the peer"; }
lxc-stop -k -P "$T/lxc" -n peer
state running
state 'stopped force'
timing instfs
timing lxc
heading "one busybox container" "lxc-*"
row "echo running > state, ms" "$(middle "$T/instfs.start")" "$(middle "$T/lxc.start")" "at most 15 above lxc-start" 'o <= p + 15'
row "echo stopped force > state, ms" "$(middle "$T/instfs.stop")" "$(middle "$T/lxc.stop")" "at most 15 above lxc-stop -k" 'o <= p + 15'

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
