# SPDX-License-Identifier: LGPL-2.1-or-later
# Sourced by every test script: a mount point, state directory, run directory and cgroup of its own, all gone afterwards whatever
# happens. Only processes that the test started are ended, by their number. Exit status 77 means skipped, with the reason printed.
#
# Uses: INSTFS_BUILD_ROOT (directory with build-normal, build-asan), INSTFS_BACKEND (mock or lxc), INSTFS_BIN_DIR (programs to test),
# INSTFS_TEST_SLOW (a number that limits of time are multiplied by, where the processor is emulated).
# Gives: $T scratch directory, $M mount point, $S state directory, $I = $M/instances; $LOG of the daemon; $SYS the program of sys.c;
# $SLOW as above, 1 on a real machine.
set -eEu -o pipefail
shopt -s nullglob
umask 022
export LC_ALL=C

CASE=$(readlink -f "$0")
TESTS=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
SOURCE=$(dirname "$TESTS")
BUILDS=${INSTFS_BUILD_ROOT:-$SOURCE}
SYS=$BUILDS/build-normal/tests/sys
SLOW=${INSTFS_TEST_SLOW:-1}
PYTHON=/usr/bin/python3
[ -x "$PYTHON" ] || PYTHON=python3
# Near its head a case says what it needs: "# needs: lxc", real containers (normal build, one test at a time), or "# needs: rootfs",
# root file systems, which the mock has not, but no start (lxc backend, sanitizers). Everything else runs on the mock with sanitizers.
NEEDS=$(sed -n '1,8s/^# needs: //p' "$CASE")
case $NEEDS,$CASE in
lxc,* | *,*/cases/lxc/*) BACKEND=lxc BUILD=build-normal ;;
rootfs,*) BACKEND=lxc BUILD=build-asan/cases ;;
*) BACKEND=${INSTFS_BACKEND:-mock} BUILD=build-asan/cases ;;
esac

. "$TESTS/lib/assert.sh"
. "$TESTS/lib/daemon.sh"

skip() {
	echo "skipped: $*"
	exit 77
}

# needs_program NAME...: skips when a program is missing.
needs_program() {
	local p
	for p; do
		command -v "$p" >/dev/null || skip "$p is not installed"
	done
}

needs_root() {
	[ "$(id -u)" = 0 ] || skip "needs root"
}

# Stretched as the other limits are. Not with options: these go to the program itself.
timeout() {
	case $1 in
	-*) command timeout "$@" ;;
	*) command timeout $(($1 * SLOW)) "${@:2}" ;;
	esac
}

# at_exit COMMAND...: runs before everything is unmounted and removed, latest first.
EXIT_COMMANDS=()
at_exit() {
	EXIT_COMMANDS=("$*" "${EXIT_COMMANDS[@]}")
}

# background COMMAND...: starts it and leaves its pid in $BG; ended with the test.
BACKGROUND=()
background() {
	[ "$1" != timeout ] || set -- timeout $(($2 * SLOW)) "${@:3}"
	(exec "$@") &
	BG=$!
	BACKGROUND+=("$BG")
}

# A cgroup for the test in the unified hierarchy, wherever that is; without one only the pids we know are ended.
cgroup_enter() {
	local root
	root=$(awk '$3 == "cgroup2" { print $2; exit }' /proc/mounts)
	CGROUP=
	[ -n "$root" ] && mkdir "$root/instfs-test-$$" 2>/dev/null || return 0
	CGROUP=$root/instfs-test-$$
	CGROUP_HOME=$root$(sed -n 's/^0:://p' /proc/self/cgroup)
	echo $$ >"$CGROUP/cgroup.procs" || { rmdir "$CGROUP"; CGROUP=; }
}

cgroup_leave() {
	local i
	[ -n "${CGROUP:-}" ] || return 0
	echo $$ >"$CGROUP_HOME/cgroup.procs" 2>/dev/null || echo $$ >"${CGROUP%/*}/cgroup.procs" 2>/dev/null || true
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ ! -s "$CGROUP/cgroup.procs" ] && break
		echo 1 >"$CGROUP/cgroup.kill" 2>/dev/null || xargs -r kill -KILL <"$CGROUP/cgroup.procs" 2>/dev/null || true
		sleep 0.1
	done
	find "$CGROUP" -depth -type d -exec rmdir {} + 2>/dev/null || true
}

unmount_below() {
	local m
	awk -v t="$1/" 'index($2 "/", t) == 1 { print $2 }' /proc/mounts | tac | while read -r m; do
		umount -l "$(printf '%b' "$m")" 2>/dev/null || true
	done
}

cleanup() {
	local status=$? c p
	trap - EXIT ERR
	set +eu
	cd /
	for c in "${EXIT_COMMANDS[@]}"; do
		eval "$c"
	done
	for p in "${BACKGROUND[@]}"; do
		kill -KILL "$p" 2>/dev/null && wait "$p" 2>/dev/null
	done
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		show_errors
	fi
	if [ "$status" = 0 ]; then
		end_daemon || status=1
		scan_log || status=1
	else
		end_daemon
		scan_log
	fi
	cgroup_leave
	if [ "$status" != 0 ] && [ "$status" != 77 ]; then
		show_failure
	fi
	unmount_below "$T"
	clean_run_dir
	rm -rf --one-file-system "$T"
	exit "$status"
}

show_errors() {
	local f
	for f in "$M"/error "$M"/{instances,images,profiles}/*/error; do
		[ ! -s "$f" ] || echo "${f#"$M"/}: $(timeout 5 cat "$f")"
	done
}

show_failure() {
	echo "---- the end of the daemon's log"
	tail -n 40 "$LOG" 2>/dev/null
	[ -z "${INSTFS_LOGS:-}" ] || cp "$LOG" "$INSTFS_LOGS/" 2>/dev/null
	echo "---- to repeat: sudo INSTFS_BUILD_ROOT=$BUILDS INSTFS_BACKEND=$BACKEND $CASE"
}

failed_at() {
	echo "${CASE#"$TESTS"/}:$1: failed: $2" >&2
}

T=$(mktemp -d "${INSTFS_TEST_TMP:-/var/tmp}/instfs-test.XXXXXX")
M=$T/mnt S=$T/state I=$T/mnt/instances LOG=$T/daemon.log
mkdir "$M" "$S"
: >"$LOG"
trap cleanup EXIT
trap 'failed_at "$LINENO" "$BASH_COMMAND"' ERR
trap 'exit 143' TERM INT HUP
cgroup_enter
