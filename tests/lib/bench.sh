# SPDX-License-Identifier: LGPL-2.1-or-later
# For benchmarks, after case.sh: the normal build is measured, each figure beside its peer in the same run.
INSTFS_DIR=${INSTFS_BIN_DIR:-$BUILDS/build-normal} BUILD=build-normal
INSTFS=$INSTFS_DIR/instfs
LOOPS=$BUILDS/build-normal/tests/loops
mkdir -p "${LOOPS%/*}"
[ "$LOOPS" -nt "$TESTS/bench/loops.c" ] || gcc -O2 -Wall -Wextra -o "$LOOPS" "$TESTS/bench/loops.c"
MISSED=0

# ms COMMAND...: milliseconds that it took.
ms() {
	local begin=${EPOCHREALTIME/./}
	"$@" >/dev/null 2>&1 || true
	awk -v us=$((${EPOCHREALTIME/./} - begin)) 'BEGIN { printf "%.2f", us / 1000 }'
}

# median N COMMAND...: of its milliseconds.
median() {
	local n=$1 i
	shift
	for ((i = 0; i < n; i++)); do
		ms "$@"
		echo
	done | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'
}

heading() {
	printf '\n%-46s %12s %12s %8s  %s\n' "$1" instfs "${2:-peer}" ratio wanted
}

# row WHAT OURS PEER WANTED TEST: TEST is an awk expression over o (ours), p (peer) and r (peer / ours).
row() {
	local verdict r
	r=$(awk -v o="$2" -v p="$3" 'BEGIN { if (o > 0 && p > 0) printf "%.2f", p / o; else printf "-" }')
	verdict=$(awk -v o="$2" -v p="$3" -v r="$r" "BEGIN { print ($5) ? \"yes\" : \"MISSED\" }")
	[ "$verdict" = yes ] || MISSED=$((MISSED + 1))
	printf '%-46s %12s %12s %8s  %s: %s\n' "$1" "$2" "$3" "$r" "$4" "$verdict"
}

benched() {
	echo
	echo "$MISSED figures missed"
	[ -z "${BENCH_STRICT:-}" ] || [ "$MISSED" = 0 ]
}
