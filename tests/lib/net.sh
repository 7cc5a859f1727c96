# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced before case.sh by tests that make networks: the test starts again in a network namespace of its own, so that bridges,
# dnsmasq and nft never touch the machine's. It ends with the last process in it.
if [ -z "${INSTFS_TEST_NET:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "skipped: needs root"; exit 77; }
	INSTFS_TEST_NET=1 exec unshare --net "$0" "$@"
fi
ip link set lo up

# net_ready [PROGRAM...]: skips unless the kernel has bridges and the programs are there.
net_ready() {
	needs_program ip nft dnsmasq "$@"
	ip link add name test-b0 type bridge 2>/dev/null || skip "this kernel has no bridges"
	ip link del test-b0
	at_exit end_networks
}

# Takes the test's networks down, whether the daemon still answers or not.
end_networks() {
	local f pid start
	for f in "$(run_dir)"/networks/*/dnsmasq.pid; do
		read -r pid start <"$f"
		[ "$(cut -d' ' -f22 "/proc/$pid/stat" 2>/dev/null)" != "$start" ] || kill -KILL "$pid"
	done
}

# state_of NETWORK KEY: the value of a line of its file `state`.
state_of() {
	sed -n "s/^$2 //p" "$M/networks/$1/state"
}

# far_namespace: a network namespace besides, that of process $FAR.
far_namespace() {
	background unshare --net sleep 1000
	FAR=$BG
	wait_for 5 eval '[ "$(readlink /proc/'"$FAR"'/ns/net)" != "$(readlink /proc/self/ns/net)" ]'
}
