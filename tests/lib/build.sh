# SPDX-License-Identifier: LGPL-2.1-or-later
# Builds: normal with -Werror, with the address and undefined behaviour sanitizers, with the thread sanitizer, and for the fuzzers.

# build NAME CMAKE-OPTIONS... -- TARGETS...
build() {
	local name=$1 dir=$INSTFS_BUILD_ROOT/build-$1 start=${EPOCHREALTIME/./} log=$LOGS/build-$1.txt options=()
	shift
	while [ "$1" != -- ]; do
		options+=("$1")
		shift
	done
	shift
	if cmake -S . -B "$dir" "${options[@]}" >"$log" 2>&1 && make -C "$dir" -k -j"$JOBS" "$@" >>"$log" 2>&1; then
		result ok "$(elapsed "$start")" "build-$name"
	else
		result FAIL "$(elapsed "$start")" "build-$name"
		grep -E 'error|warning|Error' "$log" | head -30 | sed 's/^/    /'
		return 1
	fi
}

build_all() {
	local sanitize=(-DCMAKE_BUILD_TYPE=Debug "-DCMAKE_C_FLAGS=-O1 -g")
	echo "== build"
	build normal -DINSTFS_WERROR=ON -- all units
	build asan "${sanitize[@]}" -DINSTFS_SANITIZE=address,undefined -- all units
	if [ -z "$FAST" ]; then
		build tsan "${sanitize[@]}" -DINSTFS_SANITIZE=thread -- units
	fi
	case_programs
	mkdir -p "$INSTFS_BUILD_ROOT/build-normal/tests"
	gcc -Wall -Wextra -O1 -o "$INSTFS_BUILD_ROOT/build-normal/tests/sys" tests/lib/sys.c || result FAIL 0 build-sys
}

# What the cases run: the daemon with sanitizers, and beside it the helpers without. Those have an empty environment, no /proc and
# tight limits, in which the leak checker cannot work; they are checked by unit tests and fuzzers.
case_programs() {
	local dir=$INSTFS_BUILD_ROOT/build-asan/cases
	mkdir -p "$dir"
	ln -f "$INSTFS_BUILD_ROOT/build-asan/instfs" "$dir/"
	ln -f "$INSTFS_BUILD_ROOT"/build-normal/instfs-{lxc,proxy,tty,unpack} "$dir/"
}

# Unit and table tests: every program in the build with address sanitizer, and once more with the thread sanitizer, a few at once.
run_units() {
	local kind prog
	for kind in asan tsan; do
		[ "$kind" = asan ] || [ -z "$FAST" ] || continue
		for prog in "$INSTFS_BUILD_ROOT/build-$kind"/unit-*; do
			[ ! -f "$prog" ] || [ ! -x "$prog" ] || in_pool "$JOBS" run_unit "$kind" "$prog"
		done
	done
	pool_wait
}

run_unit() {
	local name=unit/${2##*/unit-} start=${EPOCHREALTIME/./} status log
	[ -e "tests/$name.c" ] || [ -e "tests/tables/${2##*/unit-}.c" ] || return 0
	[ "$1" = asan ] || name=$name-$1
	grep -qE -e "$PATTERN" <<<"tests/$name" || return 0
	log=$LOGS/${name//\//_}.txt
	for _ in 1 2; do
		(cd "$RESULTS/.." && TMPDIR=${INSTFS_TEST_TMP:-/var/tmp} TSAN_OPTIONS=halt_on_error=0:exitcode=66 \
			timeout -k 5 300 "$2") >"$log" 2>&1 </dev/null
		status=$?
		[ "$status" != 0 ] && [ "$status" != 77 ] || break
		tail -n 20 "$log" | sed "s|^|    $name, a try: |"
	done
	if [ "$status" = 0 ]; then
		result ok "$(elapsed "$start")" "$name" "$(tail -1 "$log" | sed 's/.*: //')"
	elif [ "$status" = 77 ]; then
		result skip "$(elapsed "$start")" "$name" "$(tail -1 "$log")"
	else
		result FAIL "$(elapsed "$start")" "$name" "status $status"
		tail -n 30 "$log" | sed "s|^|    $name: |"
	fi
}

# Every fuzzer for a few seconds over what it makes up by itself and, when there is one, a corpus in tests/fuzz/NAME/.
run_fuzzers() {
	local f
	set -- $(printf '%s\n' tests/fuzz/*.c | sed 's/\.c$//' | grep -E -e "$PATTERN")
	[ $# != 0 ] || return 0
	echo "== fuzz"
	command -v clang >/dev/null || { result skip 0 fuzz "clang is not installed"; return 0; }
	build fuzz -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug "-DCMAKE_C_FLAGS=-O1 -g -fsanitize=fuzzer-no-link" \
		-DINSTFS_SANITIZE=address,undefined -- core image fs || return 0
	for f; do
		in_pool "$JOBS" run_fuzzer "$f"
	done
	pool_wait
}

run_fuzzer() {
	local name=${1#tests/} dir=$INSTFS_BUILD_ROOT/build-fuzz start=${EPOCHREALTIME/./} log corpus
	log=$LOGS/${name//\//_}.txt
	corpus=$(mktemp -d)
	[ ! -d "$1" ] || cp "$1"/* "$corpus/"
	# shellcheck disable=SC2046
	if clang -O1 -g -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -fsanitize=fuzzer,address,undefined -o "$dir/${name##*/}" "$1.c" \
		"$dir/libfs.a" "$dir/libimage.a" "$dir/libcore.a" \
		$(pkg-config --cflags --libs fuse3 jansson libarchive libcrypto yaml-0.1 libseccomp) -lpthread >"$log" 2>&1 &&
		(cd "$corpus" && timeout -k 5 60 "$dir/${name##*/}" -max_total_time=6 -rss_limit_mb=2048 -timeout=5 "$corpus") >>"$log" 2>&1; then
		result ok "$(elapsed "$start")" "$name" "$(sed -n 's/^Done \([0-9]* runs\).*/\1/p' "$log")"
	else
		result FAIL "$(elapsed "$start")" "$name"
		tail -n 30 "$log" | sed "s|^|    $name: |"
		cp "$corpus"/crash-* "$corpus"/oom-* "$corpus"/timeout-* "$LOGS/" 2>/dev/null
	fi
	rm -rf "$corpus"
}
