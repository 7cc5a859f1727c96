#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
# From nothing to a running container on a bare Debian 12: sudo examples/quickstart.sh [--keep] [MOUNTPOINT]
#
# Installs what is missing, builds instfs, mounts it, makes a small busybox image and a container, shows its state, changes a limit
# while it runs, takes a snapshot, stops and removes it, and cleans up. Each command is shown before it is run: all of them are
# ordinary file commands. With --keep the tree stays mounted and the container stays.
set -eu -o pipefail
SOURCE=$(dirname "$(dirname "$(readlink -f "$0")")")
KEEP= MOUNT=
for arg; do
	case $arg in
	--keep) KEEP=1 ;;
	-*) sed -n '3,7s/^# \?//p' "$0"; exit 2 ;;
	*) MOUNT=$arg ;;
	esac
done
[ "$(id -u)" = 0 ] || { echo "please run it as root: sudo $0 $*"; exit 1; }
MOUNT=${MOUNT:-/mnt/instfs}
BUILD=${INSTFS_BUILD:-$SOURCE/build}
STATE=${INSTFS_STATE:-/var/lib/instfs-quickstart}
MADE_MOUNT= MOUNTED=

say() { printf '\n\033[1m# %s\033[0m\n' "$*"; }
# run COMMAND-LINE: shows it, then runs it, in the directory of the mounted tree.
run() {
	printf '$ %s\n' "$*"
	eval "$*"
}

cleanup() {
	local status=$?
	trap - EXIT
	cd /
	if [ -n "$MOUNTED" ] && { [ -z "$KEEP" ] || [ "$status" != 0 ]; }; then
		if [ "$status" != 0 ]; then
			echo "quickstart: failed; what the tree says:"
			cat "$MOUNT/error" "$MOUNT"/instances/*/error 2>/dev/null || true
		fi
		for d in "$MOUNT"/instances/*/; do
			[ -e "$d/state" ] && timeout 20 sh -c 'echo stopped force >"$0/state"' "$d" 2>/dev/null || true
		done
		umount "$MOUNT" || umount -l "$MOUNT"
		wait_gone
		rm -rf --one-file-system "$STATE"
		[ -z "$MADE_MOUNT" ] || rmdir "$MOUNT"
	fi
	exit "$status"
}
wait_gone() {
	for _ in $(seq 100); do
		pgrep -f -- "instfs .*--state $STATE" >/dev/null || return 0
		sleep 0.1
	done
}
trap cleanup EXIT
trap 'exit 130' INT TERM

say "What is needed: packages"
. "$SOURCE/tests/lib/packages.sh"
install_packages "$SOURCE/examples/packages.txt"
echo "all there: $(grep -cv '^#' "$SOURCE/examples/packages.txt") packages (examples/packages.txt)"

say "Build (a minute)"
run "cmake -S '$SOURCE' -B '$BUILD' >'$SOURCE/.quickstart.log' 2>&1 && make -C '$BUILD' -j$(nproc) >>'$SOURCE/.quickstart.log' 2>&1" || {
	tail -20 "$SOURCE/.quickstart.log"
	exit 1
}
rm -f "$SOURCE/.quickstart.log"

say "Containers without privileges use a range of ids of their own"
give_root_ids
grep -H '^root:' /etc/subuid /etc/subgid

say "Mount"
if mountpoint -q "$MOUNT"; then
	echo "$MOUNT is in use already; give another mount point as argument"
	exit 1
fi
[ -d "$MOUNT" ] || { mkdir -p "$MOUNT"; MADE_MOUNT=1; }
[ -c /dev/fuse ] || { echo "this machine has no /dev/fuse"; exit 1; }
rm -rf --one-file-system "$STATE"
run "'$BUILD/instfs' --state '$STATE' '$MOUNT'"
MOUNTED=1
cd "$MOUNT"
run "cd '$MOUNT' && ls"
run "cat version"

say "An image: a small busybox system, made from this host's packages, then copied in"
run "'$BUILD/instfs-mkimage' busybox /tmp/busybox.tar.xz"
run "mkdir images/busybox"
run "cp /tmp/busybox.tar.xz images/busybox/image"
run "cat images/busybox/fingerprint images/busybox/properties/description"
rm -f /tmp/busybox.tar.xz

say "A container: a directory"
run "mkdir instances/c1"
run "echo images/busybox > instances/c1/source"
run "echo 64MiB > instances/c1/config/limits.memory"
run "ls instances/c1"
run "time echo running > instances/c1/state"
run "cat instances/c1/state"
run "grep -r . instances/c1/usage instances/c1/runtime 2>/dev/null"

say "A command inside"
run "mkdir instances/c1/exec/hello"
run "echo 'hostname; id -u; ps' > instances/c1/exec/hello/command"
run "cat instances/c1/exec/hello/wait"
run "cat instances/c1/exec/hello/output"

say "A limit, changed while it runs, takes effect at once"
run "cat instances/c1/usage/memory.limit"
run "echo 128MiB > instances/c1/config/limits.memory"
run "cat instances/c1/usage/memory.limit"

say "A mistake changes nothing, and says what was wrong"
run "echo lots > instances/c1/config/limits.memory" || true
run "cat instances/c1/error"
run "cat instances/c1/config/limits.memory"

say "Its disk, with the owners that it sees; a snapshot; back again"
run "echo precious > rootfs/c1/root/note"
run "mkdir instances/c1/snapshots/before"
run "echo stopped > instances/c1/state"
run "rm rootfs/c1/root/note"
run "echo before > instances/c1/restore"
run "cat rootfs/c1/root/note"

say "What happened"
run "tail -n 4 events.log"

if [ -n "$KEEP" ]; then
	say "Kept: mounted at $MOUNT, store in $STATE"
	echo "go on there:  cd $MOUNT; cat README"
	echo "end it with:  umount $MOUNT; rm -r $STATE"
	exit 0
fi
say "Remove it (it goes to trash/ for a day: mv brings it back)"
run "rm -r instances/c1"
run "ls trash"
run "cd /"
run "umount '$MOUNT'"
wait_gone
rm -rf --one-file-system "$STATE"
[ -z "$MADE_MOUNT" ] || rmdir "$MOUNT"
MOUNTED=
printf '\nThat was it. README.md has more; `examples/quickstart.sh --keep` leaves the tree mounted.\n'
