# SPDX-License-Identifier: LGPL-2.1-or-later
# The daemon under test: start, stop, kill parts of it, and find what it left.

HOLDER=
INSTFS_DIR=${INSTFS_BIN_DIR:-$BUILDS/$BUILD}
INSTFS=$INSTFS_DIR/instfs
MKIMAGE=$BUILDS/build-normal/instfs-mkimage
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99:detect_stack_use_after_return=0
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=0
export LSAN_OPTIONS=exitcode=98:print_suppressions=0

# store_in_memory: for cases that write very often and are not about the disk.
store_in_memory() {
	[ -w /dev/shm ] || return 0
	S=$(mktemp -d /dev/shm/instfs-test.XXXXXX)
	at_exit "rm -rf '$S'"
}

# start_instfs [OPTIONS...]: mounts at $M and returns when it answers. The daemon's messages are added to $LOG.
start_instfs() {
	local i
	[ -x "$INSTFS" ] || skip "$INSTFS is not built"
	"$INSTFS" -f --state "$S" --backend "$BACKEND" "$@" "$M" >>"$LOG" 2>&1 </dev/null &
	HOLDER=$!
	for ((i = 0; i < 2400 * SLOW; i++)); do
		if mountpoint -q "$M" 2>/dev/null && [ -e "$M/version" ]; then
			CONNECTION=$(stat -c %d "$M")
			return 0
		fi
		kill -0 "$HOLDER" 2>/dev/null || break
		sleep 0.025
	done
	fail "did not mount"
}

# Unmounts and waits for the daemon's end; instances go on.
stop_instfs() {
	local i status=0
	[ -n "$HOLDER" ] || return 0
	for ((i = 0; i < 200 * SLOW; i++)); do
		umount "$M" 2>/dev/null && break
		mountpoint -q "$M" || break
		sleep 0.05
	done
	! mountpoint -q "$M" || { umount -l "$M" || true; echo "$M was busy" >&2; }
	for ((i = 0; i < 1200 * SLOW; i++)); do
		kill -0 "$HOLDER" 2>/dev/null || break
		sleep 0.05
	done
	if kill -0 "$HOLDER" 2>/dev/null; then
		echo "the daemon did not end after umount" >&2
		kill_tree
		HOLDER=
		return 1
	fi
	wait "$HOLDER" || status=$?
	HOLDER=
	[ "$status" = 0 ] || { echo "the daemon ended with status $status" >&2; return 1; }
}

# The server is the holder's child that runs the same program and has threads; the holder's other children are short.
server_pid() {
	local p
	for p in $(pgrep -P "$HOLDER"); do
		case $(tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null) in
		*server* | "$INSTFS"*) echo "$p"; return 0 ;;
		esac
	done
	return 1
}

# kill_server: SIGKILL, then waits until another one answers.
kill_server() {
	local old
	allow_log 'server .* signal 9|starting another'
	old=$(server_pid) || fail "found no server below $HOLDER"
	kill -KILL "$old"
	wait_for 10 other_server "$old"
	wait_for 10 stat "$M/version"
}

other_server() {
	local now
	now=$(server_pid) && [ "$now" != "$1" ]
}

# A tree whose daemon hangs is aborted: otherwise its clients wait for ever, and no signal ends them. Only while its connection
# exists for certain: the number is used again by the next mount of anybody.
abort_connection() {
	[ -n "${CONNECTION:-}" ] || return 0
	mkdir -p "$T/fusectl"
	mount -t fusectl none "$T/fusectl" 2>/dev/null || return 0
	echo 1 2>/dev/null >"$T/fusectl/$CONNECTION/abort"
	umount "$T/fusectl"
}

kill_tree() {
	local p
	abort_connection
	for p in $(pgrep -P "$HOLDER" 2>/dev/null) "$HOLDER"; do
		kill -KILL "$p" 2>/dev/null
	done
	wait "$HOLDER" 2>/dev/null
}

# Instances that the test left running are stopped through the tree; what does not stop is killed by the pids in its run record.
end_daemon() {
	local d status=0 pid
	if [ -n "$HOLDER" ] && mountpoint -q "$M"; then
		# `find -exec +`, since there may be more of them than a command line holds
		timeout 60 find "$I" -mindepth 2 -maxdepth 2 -name state -exec grep -LsE '^(stopped)?$' {} + 2>/dev/null | while read -r d; do
			timeout 60 "$SYS" open "$d" w , write 'stopped force\n' >/dev/null 2>&1 || true
		done
	fi
	if [ -n "$HOLDER" ]; then
		stop_instfs || status=1
	fi
	for pid in $(run_pids); do
		kill -KILL "$pid" 2>/dev/null
	done
	return "$status"
}

# The run directory of the store: its name is a hash (FNV-1a) of the store's path.
run_dir() {
	local h=$((0xcbf29ce484222325)) i c
	for ((i = 0; i < ${#S}; i++)); do
		printf -v c %d "'${S:i:1}"
		h=$(((h ^ c) * 0x100000001b3))
	done
	printf '/run/instfs/%016x' "$h"
}

clean_run_dir() {
	local d
	d=$(run_dir)
	if [ -d "$d" ]; then
		unmount_below "$d"
		rm -rf --one-file-system "$d"
	fi
}

# Pids in run records, of processes that are still the ones meant (start time is compared).
run_pids() {
	local f
	for f in "$S"/instances/*/run.json; do
		"$PYTHON" -S -E - "$f" <<-'END'
			import json, sys
			try:
			    run = json.load(open(sys.argv[1]))
			except (OSError, ValueError):
			    sys.exit()
			for who in ("init", "monitor"):
			    pid, start = run.get(who + "_pid", 0), run.get(who + "_start", 0)
			    try:
			        if pid and int(open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[19]) == start:
			            print(pid)
			    except (OSError, IndexError):
			        pass
		END
	done
}

# Lines of the log that nobody may ignore: reports of sanitizers, and the daemon's own warnings unless a test expects them.
ALLOWED_LOG='^$'
allow_log() {
	ALLOWED_LOG="$ALLOWED_LOG|$1"
}
scan_log() {
	local seen
	seen=$(grep -aE 'Sanitizer|runtime error:|[Ww]arning|[Aa]ssert|[Ss]egmentation fault|[Ss]erver .*(killed|died)' "$LOG" "$T"/*.san.* 2>/dev/null |
		grep -avE "$ALLOWED_LOG" | sort -u | head -5)
	[ -z "$seen" ] || { echo "in the daemon's log: $seen" >&2; return 1; }
}

# make_image [NAME]: images/NAME from the cached busybox tarball, ready to use.
IMAGE_FILE=$BUILDS/build-normal/tests/busybox.tar.xz
make_image() {
	local name=${1:-bb}
	[ -s "$IMAGE_FILE" ] || cache_image
	mkdir "$M/images/$name"
	cp "$IMAGE_FILE" "$M/images/$name/image"
	wait_for 30 test -s "$M/images/$name/fingerprint"
}

cache_image() {
	[ -x "$MKIMAGE" ] || skip "$MKIMAGE is not built"
	mkdir -p "${IMAGE_FILE%/*}"
	"$MKIMAGE" busybox "$T/busybox.tar.xz" >>"$LOG" 2>&1
	mv "$T/busybox.tar.xz" "$IMAGE_FILE"
}

# make_instance NAME [running]: a stopped one that could start: from the image bb where real containers are needed, else an empty one.
make_instance() {
	mkdir "$I/$1"
	if [ "$BUILD" = build-normal ] && [ "$BACKEND" = lxc ]; then
		[ -d "$M/images/bb" ] || make_image bb
		echo images/bb >"$I/$1/source"
	else
		echo none >"$I/$1/source"
	fi
	if [ "${2:-}" = running ]; then
		echo running >"$I/$1/state"
	fi
}

# run INSTANCE COMMAND: what it prints inside, both streams, whether it fails or not. run_in fails as the command does.
RUNS=0
run() {
	local d=$I/$1/exec/r$((RUNS += 1))-$BASHPID status=0
	mkdir "$d"
	printf '%s\n' "${2//$'\n'/; }" >"$d/command"
	timeout 60 cat "$d/wait" >/dev/null
	cat "$d/output"
	[ -z "${3:-}" ] || status=$(cat "$d/status")
	rmdir "$d"
	return "$status"
}
run_in() { run "$1" "$2" status; }

# lxc_ready: skips unless containers can start here.
lxc_ready() {
	needs_root
	grep -q '^root:' /etc/subuid 2>/dev/null && grep -q '^root:' /etc/subgid 2>/dev/null || skip "no line for root in /etc/subuid and /etc/subgid"
	grep -q cgroup /proc/mounts || skip "no cgroups here"
}

# mock_delay NAME MILLISECONDS: how long each operation takes from now on. mock_fail NAME [WORD...]: which operations fail.
mock_delay() {
	echo "$2" >"$I/$1/config/user.mock.delay"
}
mock_fail() {
	echo "${*:2}" >"$I/$1/config/user.mock.fail"
}
